import json
from pathlib import Path

import pytest

from lambda_streamify_emulator.errors import TemplateError
from lambda_streamify_emulator.template.declaration import SERVERLESS, TEMPLATE, TERRAFORM
from lambda_streamify_emulator.template.forms import read_declaration

SERVICE = "service: s\nprovider: {name: aws}\nfunctions:\n  a: {handler: app.handler}\n"


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("name", "text", "form"),
    [
        ("template.yaml", "Resources: {}", TEMPLATE),
        ("x.template.json", '{"Resources": {}}', TEMPLATE),
        ("template.json", "{Resources: {}}", TEMPLATE),
        ("serverless.yml", SERVICE, SERVERLESS),
        ("serverless.dev.yaml", SERVICE, SERVERLESS),
        ("api.yml", SERVICE.replace("provider: {name: aws}", "provider:\n  name: aws"), SERVERLESS),
        ("api.yml", f"Resources: {{}}\n{SERVICE}", TEMPLATE),
    ],
)
def test_the_form_of_a_file_follows_from_its_name_and_its_content(
    tmp_path: Path, name: str, text: str, form: str
) -> None:
    assert read_declaration(written(tmp_path, name, text)).form == form


def test_what_terraform_shows_is_known_by_its_version(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "app.py").write_text("")
    shown = {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "planned_values": {
            "root_module": {
                "resources": [
                    {
                        "address": "aws_lambda_function.a",
                        "mode": "managed",
                        "type": "aws_lambda_function",
                        "name": "a",
                        "values": {"function_name": "a", "package_type": "Image", "image_uri": "x"},
                    }
                ]
            }
        },
    }
    path = written(tmp_path, "plan.json", json.dumps(shown))

    assert read_declaration(path).form == TERRAFORM
    with pytest.raises(TemplateError, match="--parameter A: what Terraform shows has the values"):
        read_declaration(path, {"A": "b"})


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("main.tf", b"", "it is Terraform's source: serve its plan"),
        ("tfplan", b"PK\x03\x04", "it is an archive, such as a plan of Terraform"),
        ("terraform.tfstate", b'{"version": 4, "terraform_version": "1.11.4", "lineage": "x"}', "it is a state file"),
        ("serverless.ts", b"", "it is a program: serve what `serverless print` writes"),
        ("x.json", b'{"terraform_version": "1", "format_version": "2.0"}', "its format_version is 2.0"),
    ],
)
def test_what_only_its_own_tool_can_read_is_refused_with_the_command(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(TemplateError, match=message):
        read_declaration(path)
