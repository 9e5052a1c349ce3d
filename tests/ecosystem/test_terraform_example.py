"""deploy/terraform: what it declares, as python-hcl2 reads it. AWS's provider cannot be had here."""

import shutil
from typing import Any

import hcl2
import pytest
from samtranslator.yaml_helper import yaml_parse

from processes import ROOT, clean_environment, run

FOLDER = ROOT / "deploy" / "terraform"


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    """The resources by their type; each type has one."""
    parsed = hcl2.loads((FOLDER / "main.tf").read_text())
    return {bare(kind): next(iter(named.values())) for block in parsed["resource"] for kind, named in block.items()}


def bare(text: str) -> str:
    """Return a value without the quotation marks that python-hcl2 keeps."""
    return text.strip('"')


def test_the_function_has_the_layer_the_wrapper_and_the_time_that_the_projects_template_gives(
    resources: dict[str, Any],
) -> None:
    function = resources["aws_lambda_function"]
    template = yaml_parse((ROOT / "template.yaml").read_text())["Globals"]["Function"]

    assert function["layers"] == ["${var.layer_arn}"]
    (environment,) = function["environment"]
    variables = {bare(name): bare(value) for name, value in environment["variables"].items()}
    assert variables == template["Environment"]["Variables"]
    assert (function["timeout"], bare(function["handler"])) == (template["Timeout"], template["Handler"])


def test_the_url_streams(resources: dict[str, Any]) -> None:
    assert bare(resources["aws_lambda_function_url"]["invoke_mode"]) == "RESPONSE_STREAM"


def test_the_folder_of_the_code_exists() -> None:
    parsed = hcl2.loads((FOLDER / "main.tf").read_text())
    (archive,) = (named for block in parsed["data"] for kind, named in block.items() if bare(kind) == "archive_file")
    (code,) = (bare(block["source_dir"]) for block in archive.values())

    assert (FOLDER / code.removeprefix("${path.module}/") / "app.py").is_file()


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
def test_terraform_itself_reads_it_and_would_format_it_the_same() -> None:
    run("terraform", "fmt", "-check", "-diff", FOLDER, env=clean_environment(CHECKPOINT_DISABLE="1"))
