"""What the real `terraform` plans and stores, read by the emulator. Its provider for AWS cannot be had here."""

import shutil
from pathlib import Path
from zipfile import ZipFile

import pytest

from lambda_streamify_emulator.template.reader import Template, load_template
from processes import clean_environment
from terraform_output import as_aws, terraform

pytestmark = pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")

ROOT = """
resource "terraform_data" "table" { input = "rows" }
resource "terraform_data" "aws_lambda_layer_version__streamify" {
  input = { layer_name = "streamify", filename = "layer.zip" }
}
module "api" {
  source   = "./api"
  for_each = toset(["one", "two"])
  name     = each.key
  table    = terraform_data.table.id
  layer    = terraform_data.aws_lambda_layer_version__streamify.id
}
resource "terraform_data" "aws_lambda_function_url__one" {
  input = { function_name = module.api["one"].id, invoke_mode = "RESPONSE_STREAM", authorization_type = "AWS_IAM" }
}
"""
MODULE = """
variable "name" {}
variable "table" {}
variable "layer" {}
resource "terraform_data" "aws_lambda_function__this" {
  input = {
    function_name = var.name, filename = "app.zip", handler = "app.handler", runtime = "python3.12", timeout = 60
    environment = [{ variables = { TABLE = var.table, MODEL = "small" } }]
  }
}
resource "terraform_data" "aws_lambda_function_url__this" {
  input = { function_name = terraform_data.aws_lambda_function__this.id, invoke_mode = "RESPONSE_STREAM" }
}
output "id" { value = terraform_data.aws_lambda_function__this.id }
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STREAMIFY_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "main.tf").write_text(ROOT)
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "main.tf").write_text(MODULE)
    with ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.writestr("app.py", "def handler(event, context): ...\n")
    return tmp_path


def load(project: Path, *arguments: str) -> Template:
    path = project / "shown.json"
    path.write_text(as_aws(terraform(project, *arguments, environment=clean_environment())))
    return load_template(path)


def test_a_plan_and_the_state_of_the_real_program_declare_the_same_functions(project: Path) -> None:
    environment = clean_environment()
    terraform(project, "init", environment=environment)
    terraform(project, "plan", "-out=tfplan", environment=environment)

    planned = load(project, "show", "-json", "tfplan")

    assert [function.name for function in planned.functions] == ["one", "two"]
    assert [function.invoke_mode for function in planned.functions] == ["RESPONSE_STREAM"] * 2
    assert [function.environment for function in planned.functions] == [{"MODEL": "small"}] * 2
    assert [function.unset for function in planned.functions] == [("TABLE",)] * 2
    assert [notice for notice in planned.left_out if "one has a URL" in notice]

    terraform(project, "apply", "-auto-approve", "tfplan", environment=environment)
    stored = load(project, "show", "-json")

    assert [function.name for function in stored.functions] == ["one", "two"]
    assert all(function.environment["TABLE"] for function in stored.functions)
    assert [function.timeout for function in stored.functions] == [60, 60]
