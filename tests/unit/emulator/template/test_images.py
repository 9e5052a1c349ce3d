"""The image of a function, as templates declare it."""

from pathlib import Path

import pytest

from lambda_streamify_emulator.errors import TemplateError
from lambda_streamify_emulator.template.images import Image
from lambda_streamify_emulator.template.reader import Function, load_template

SAM, LAMBDA = "AWS::Serverless::Function", "AWS::Lambda::Function"


def load(folder: Path, properties: str, kind: str = SAM, metadata: str = "{}") -> Function:
    text = "Transform: AWS::Serverless-2016-10-31\nResources:\n  Hello:\n"
    text += f"    Type: {kind}\n    Metadata: {metadata}\n    Properties: {{PackageType: Image, {properties}}}\n"
    (folder / "template.yaml").write_text(text)
    (function,) = load_template(folder / "template.yaml").functions
    return function


def test_a_sam_function_names_its_image(tmp_path: Path) -> None:
    found = load(tmp_path, "ImageUri: 'hello:1'")

    assert found.image == Image("hello:1")
    assert (found.handler, found.runtime, found.layers) == ("", "", ())


def test_a_function_of_cloudformation_names_it_in_its_code(tmp_path: Path) -> None:
    assert load(tmp_path, "Code: {ImageUri: 'hello:1'}", LAMBDA).image == Image("hello:1")


def test_the_image_config_overrides_what_the_image_says(tmp_path: Path) -> None:
    config = "ImageConfig: {EntryPoint: [/run, -x], Command: [app.handler], WorkingDirectory: /srv}"

    assert load(tmp_path, f"ImageUri: a, {config}").image == Image("a", ("/run", "-x"), ("app.handler",), "/srv")


def test_an_image_that_sam_builds_is_known_as_such(tmp_path: Path) -> None:
    found = load(tmp_path, "ImageUri: a", metadata="{Dockerfile: Dockerfile, DockerContext: .}")

    assert found.image is not None
    assert found.image.is_built_by_sam


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ("Timeout: 3", "it has no ImageUri"),
        ("ImageUri: '--privileged'", "it has no ImageUri"),
        ("ImageUri: !ImportValue image", "its ImageUri is !ImportValue image, which cannot be resolved here"),
        ("ImageUri: a, ImageConfig: {Command: app.handler}", "ImageConfig: Command: it is text instead of a list"),
        ("ImageUri: a, ImageConfig: {EntryPoint: [1]}", "ImageConfig: EntryPoint: it contains the value 1 instead of"),
        ("ImageUri: a, ImageConfig: {WorkingDirectory: []}", "ImageConfig: WorkingDirectory: it is a list instead of"),
        ("ImageUri: a, ImageConfig: text", "ImageConfig: it is text instead of a mapping"),
    ],
)
def test_what_is_wrong_is_named_with_the_function(tmp_path: Path, properties: str, message: str) -> None:
    with pytest.raises(TemplateError) as raised:
        load(tmp_path, properties)

    assert f"template.yaml: Hello: {message}" in str(raised.value)
