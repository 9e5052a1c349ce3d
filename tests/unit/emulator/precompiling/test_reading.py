from pathlib import Path

import pytest

from built_project import BUILT, RUNTIME, write_build
from lambda_streamify_emulator.errors import EmulatorError
from lambda_streamify_emulator.precompiling.build import Build
from lambda_streamify_emulator.precompiling.reading import read_build

SOURCE = BUILT.replace("    Metadata: {SamResourceId: Hello}\n", "").replace(
    "    Metadata: {SamResourceId: Shared}\n", ""
)


def read(folder: Path, more: str = "") -> Build:
    return read_build(write_build(folder, BUILT + more), {})


def packages(build: Build) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(package.name, package.root.name, package.runtimes) for package in build.packages]


def test_the_functions_and_layers_of_a_built_template_are_read(tmp_path: Path) -> None:
    build = read(tmp_path)

    assert packages(build) == [("Hello", "Hello", (RUNTIME,)), ("Shared", "python", (RUNTIME,))]
    assert [function.handler for function in build.functions] == ["app.handler"]
    assert build.packages_of(build.functions[0]) == list(build.packages)
    assert build.left == {}
    assert read_build(tmp_path / "template.yaml", {}) == build


def test_functions_with_the_same_code_share_a_package(tmp_path: Path) -> None:
    other = f"""\
  Other:
    Type: AWS::Serverless::Function
    Metadata: {{SamResourceId: Other}}
    Properties: {{CodeUri: Hello, Handler: app.other, Runtime: {RUNTIME}}}
"""
    build = read(tmp_path, other)

    assert packages(build)[0] == ("Hello, Other", "Hello", (RUNTIME,))
    assert build.packages_of(build.functions[1]) == [build.packages[0]]


def test_a_runtime_may_be_a_parameter(tmp_path: Path) -> None:
    parameter = BUILT.replace(f"Runtime: {RUNTIME}", "Runtime: !Ref PythonRuntime")
    folder = write_build(tmp_path, f"Parameters: {{PythonRuntime: {{Type: String}}}}\n{parameter}")

    assert packages(read_build(folder, {"PythonRuntime": RUNTIME}))[0] == ("Hello", "Hello", (RUNTIME,))


FUNCTION, LAYER = "AWS::Serverless::Function", "AWS::Serverless::LayerVersion"
INLINE = "InlineCode: 'def handler(event, context): pass', Handler: index.handler"
CDK = "Code: {S3Bucket: b, S3Key: k}, Handler: app.handler"
BUILT_MARK, ASSET = "{SamResourceId: X}", "{'aws:asset:path': Hello}"


@pytest.mark.parametrize(
    ("kind", "metadata", "properties", "reason"),
    [
        (
            FUNCTION,
            BUILT_MARK,
            "CodeUri: Hello, Handler: app.handler, Runtime: nodejs22.x",
            "its runtime is nodejs22.x",
        ),
        (FUNCTION, BUILT_MARK, "PackageType: Image, ImageUri: 'x:latest'", "its package is an image"),
        (FUNCTION, BUILT_MARK, f"{INLINE}, Runtime: {RUNTIME}", "its code is in an archive or in the template"),
        ("AWS::Lambda::Function", ASSET, f"{CDK}, Runtime: {RUNTIME}", "the CDK has named its asset by its content"),
        ("AWS::Serverless::Application", BUILT_MARK, "Location: X/template.yaml", "it is a nested stack"),
        (LAYER, "{}", "ContentUri: Shared", "is source, which `sam build` has not built"),
        (LAYER, BUILT_MARK, "ContentUri: Shared", "no Python function of this template uses it"),
        (LAYER, BUILT_MARK, "ContentUri: Hello, CompatibleRuntimes: [python3.13]", "it has no folder python"),
        (LAYER, BUILT_MARK, "ContentUri: absent", "its ContentUri absent is neither a folder nor a .zip file"),
    ],
)
def test_what_is_not_to_be_compiled_is_left_with_a_reason(
    tmp_path: Path, kind: str, metadata: str, properties: str, reason: str
) -> None:
    more = f"  X:\n    Type: {kind}\n    Metadata: {metadata}\n    Properties: {{{properties}}}\n"

    build = read(tmp_path, more)

    assert [name for name, _, _ in packages(build)] == ["Hello", "Shared"]
    assert list(build.left) == ["X"]
    assert reason in build.left["X"]


def test_a_layer_that_no_function_uses_has_the_runtimes_it_is_compatible_with(tmp_path: Path) -> None:
    alone = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  Shared:
    Type: AWS::Serverless::LayerVersion
    Metadata: {SamResourceId: Shared}
    Properties: {ContentUri: Shared, CompatibleRuntimes: [python3.13, python3.12, nodejs22.x]}
"""
    build = read_build(write_build(tmp_path, alone), {})

    assert packages(build) == [("Shared", "python", ("python3.12", "python3.13"))]


def test_a_function_whose_layer_is_elsewhere_is_compiled(tmp_path: Path) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:layer:other:1"
    text = BUILT.replace("[!Ref Shared]", f"[!Ref Shared, '{arn}']")

    build = read_build(write_build(tmp_path, text), {})

    assert [name for name, _, _ in packages(build)] == ["Hello", "Shared"]


@pytest.mark.parametrize("place", ["template.yaml", "."])
def test_the_template_of_sources_is_refused(tmp_path: Path, place: str) -> None:
    folder = write_build(tmp_path, SOURCE)

    with pytest.raises(EmulatorError, match=r"its code is source, .* run `sam build`"):
        read_build(folder / place, {})


@pytest.mark.parametrize("place", ["Hello", "Hello/package", "Shared/python"])
def test_a_folder_of_sources_is_refused(tmp_path: Path, place: str) -> None:
    folder = write_build(tmp_path, SOURCE)

    with pytest.raises(EmulatorError, match=r"it holds the source of (Hello|Shared) in .*template\.yaml"):
        read_build(folder / place, {}, RUNTIME)


def test_a_folder_of_a_built_template_has_its_runtime_from_there(tmp_path: Path) -> None:
    build = read_build(write_build(tmp_path) / "Hello", {})

    assert packages(build) == [("Hello", "Hello", (RUNTIME,))]
    assert [function.logical_id for function in build.functions] == ["Hello"]


def test_a_folder_without_a_template_needs_a_runtime(tmp_path: Path) -> None:
    with pytest.raises(EmulatorError, match=r"no template says which Python runs it: add --runtime python3\.13"):
        read_build(tmp_path, {})

    (package,) = read_build(tmp_path, {}, "python3.12").packages
    assert (package.root, package.place, package.runtimes) == (tmp_path.resolve(), "/var/task", ("python3.12",))


def test_a_template_above_that_cannot_be_read_says_nothing(tmp_path: Path) -> None:
    write_build(tmp_path, "- no template")

    (package,) = read_build(tmp_path / "Hello", {}, RUNTIME).packages
    assert package.root == tmp_path.resolve() / "Hello"


def test_what_is_not_there_is_not_built(tmp_path: Path) -> None:
    with pytest.raises(EmulatorError, match="there is no such folder: run `sam build`"):
        read_build(tmp_path / "absent", {})


def test_a_template_without_functions_and_layers_has_nothing_to_compile(tmp_path: Path) -> None:
    folder = write_build(tmp_path, "Resources: {Topic: {Type: AWS::SNS::Topic}}")

    with pytest.raises(EmulatorError, match="it has neither a function nor a layer"):
        read_build(folder, {})


def test_the_folder_of_the_cdk_is_refused(tmp_path: Path) -> None:
    for name in ("manifest.json", "cdk.out"):
        (tmp_path / name).write_text("{}")

    with pytest.raises(EmulatorError, match="the CDK names assets by their content"):
        read_build(tmp_path, {})
