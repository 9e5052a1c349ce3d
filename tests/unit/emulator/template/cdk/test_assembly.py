import json
from pathlib import Path
from typing import Any

import pytest

from lambda_streamify_emulator.errors import TemplateError
from lambda_streamify_emulator.template.cdk.assembly import stack_template


def write(folder: Path, artifacts: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    return folder


def stack(file: str, **fields: str) -> dict[str, Any]:
    name = {"stackName": fields.pop("stackName")} if "stackName" in fields else {}
    return {"type": "aws:cloudformation:stack", "properties": {"templateFile": file, **name}, **fields}


def refusal(folder: Path, name: str | None = None) -> str:
    with pytest.raises(TemplateError) as raised:
        stack_template(folder, name)
    return str(raised.value).removeprefix(str(folder)).lstrip("/")


def test_the_only_stack_needs_no_name(tmp_path: Path) -> None:
    assert stack_template(write(tmp_path, {"One": stack("One.json"), "Tree": {"type": "cdk:tree"}})) == (
        tmp_path / "One.json"
    )


@pytest.mark.parametrize("name", ["Prod/Api", "ProdApi3F", "prod-api"])
def test_a_stack_is_found_by_each_of_its_names(tmp_path: Path, name: str) -> None:
    prod = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Prod"}}
    write(tmp_path, {"Prod": prod, "Dev": stack("Dev.json")})
    write(
        tmp_path / "assembly-Prod",
        {"ProdApi3F": stack("Api.json", displayName="Prod/Api", stackName="prod-api")},
    )

    assert stack_template(tmp_path, name) == tmp_path / "assembly-Prod" / "Api.json"


def test_a_stack_that_is_not_clear_is_refused_with_the_names(tmp_path: Path) -> None:
    write(tmp_path, {"A": stack("A.json"), "B": stack("B.json", displayName="Two")})

    assert refusal(tmp_path) == ": choose one of its stacks with --stack NAME: A, Two"
    assert refusal(tmp_path, "C") == ": it has no stack C; its stacks: A, Two"
    assert refusal(write(tmp_path, {})) == ": choose one of its stacks with --stack NAME: none"


def test_a_folder_that_is_no_assembly_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path) == (
        ": it is a folder without manifest.json; name a template, or the folder that `cdk synth` writes"
    )
    (tmp_path / "manifest.json").write_text("[]")
    assert refusal(tmp_path) == "manifest.json: it is no manifest of a cloud assembly"
    (tmp_path / "manifest.json").write_text("{")
    assert refusal(tmp_path).startswith("manifest.json: it is not JSON: ")
    write(tmp_path, {"A": {"type": "aws:cloudformation:stack"}})
    assert refusal(tmp_path).startswith("manifest.json: it is no manifest of a cloud assembly: ")
    write(tmp_path, {"A": []})
    assert refusal(tmp_path).startswith("manifest.json: it is no manifest of a cloud assembly: ")
    (tmp_path / "manifest.json").unlink()
    (tmp_path / "manifest.json").mkdir()
    assert refusal(tmp_path) == "manifest.json: it cannot be read: Is a directory"
