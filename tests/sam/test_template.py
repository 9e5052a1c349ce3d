"""The SAM template: valid, true to the folders that it names, and built by the real SAM CLI into what Lambda gets."""

from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

import lambda_streamify
from layer_build import LAYER_MODES, modes
from processes import ROOT, run


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
    return parsed


def resources(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    found = template["Resources"].items()
    return {name: resource["Properties"] for name, resource in found if resource["Type"] == f"AWS::Serverless::{kind}"}


@pytest.mark.parametrize("path", ["template.yaml", "deploy/cloudfront.yaml"])
def test_sam_and_cfn_lint_accept_the_template(sam_environment: dict[str, str], path: str) -> None:
    assert "is a valid SAM Template" in run("sam", "validate", "--lint", "--template", path, env=sam_environment)


def test_every_folder_and_handler_that_the_template_names_exists(template: dict[str, Any]) -> None:
    globals_ = template["Globals"]["Function"]
    for properties in resources(template, "Function").values():
        module = properties.get("Handler", globals_["Handler"]).rpartition(".")[0]
        assert (ROOT / properties["CodeUri"] / f"{module}.py").is_file()
    for properties in resources(template, "LayerVersion").values():
        assert (ROOT / properties["ContentUri"]).is_dir()


def test_every_function_may_run_longer_than_awss_default_of_3_seconds(template: dict[str, Any]) -> None:
    default = template["Globals"]["Function"]["Timeout"]
    timeouts = {properties.get("Timeout", default) for properties in resources(template, "Function").values()}

    assert min(timeouts) > 3


def test_the_wrapper_variable_names_a_file_of_the_layer(template: dict[str, Any]) -> None:
    wrapper = template["Globals"]["Function"]["Environment"]["Variables"]["AWS_LAMBDA_EXEC_WRAPPER"]

    assert LAYER_MODES[wrapper.removeprefix("/opt/")] == 0o755


def test_sam_builds_the_layer_that_the_makefile_lists(build: Path) -> None:
    assert modes(build / "StreamifyLayer") == LAYER_MODES


def test_the_layer_alone_is_the_same_layer(template: dict[str, Any]) -> None:
    alone = yaml_parse((ROOT / "deploy" / "layer.yaml").read_text())
    (properties,) = resources(alone, "LayerVersion").values()
    (theirs,) = resources(template, "LayerVersion").values()

    assert (ROOT / "deploy" / properties["ContentUri"]).resolve() == (ROOT / theirs["ContentUri"]).resolve()
    assert properties | {"ContentUri": theirs["ContentUri"]} == theirs


def test_the_layer_alone_is_built_by_sam(sam_environment: dict[str, str], tmp_path: Path) -> None:
    command = ("sam", "build", "--no-cached", "--template", "deploy/layer.yaml", "--build-dir", tmp_path)
    run(*command, env=sam_environment, umask=0o077)

    assert modes(tmp_path / "StreamifyLayer") == LAYER_MODES


def test_the_metadata_of_the_application_repository_names_files_and_the_packages_version(
    template: dict[str, Any],
) -> None:
    application = template["Metadata"]["AWS::ServerlessRepo::Application"]

    assert all((ROOT / application[name]).is_file() for name in ("LicenseUrl", "ReadmeUrl"))
    assert application["SemanticVersion"] == lambda_streamify.__version__
    assert not {"HomePageUrl", "SourceCodeUrl"} & set(application)  # the repository has no public address yet


def test_sam_builds_each_function_with_its_requirements(template: dict[str, Any], build: Path) -> None:
    assert all((build / name / "app.py").is_file() for name in resources(template, "Function"))
    assert (build / "StoryFunction" / "pyphen" / "__init__.py").is_file()
