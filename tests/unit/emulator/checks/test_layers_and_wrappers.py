from pathlib import Path

import pytest

from checked_template import EVENT, GOOD, LAYERS, MODE, WRAPPER, check, rules, the_one, with_change

OTHER_LAYER = "      Layers: [arn:aws:lambda:us-east-1:123456789012:layer:other:1]\n"
NO_WRAPPER = (WRAPPER, "          A: b\n")


@pytest.mark.parametrize(("layers", "at"), [("", "Hello:"), (OTHER_LAYER, "Layers")])
def test_a_function_that_streams_without_the_layer(tmp_path: Path, layers: str, at: str) -> None:
    found = the_one(tmp_path, with_change((LAYERS, layers), NO_WRAPPER), rule="no-layer", at=at)

    assert found.severity == "error"
    assert ("(none)" in found.problem) is (not layers)


def test_a_function_streams_through_a_rest_api_too(tmp_path: Path) -> None:
    text = with_change((LAYERS, ""), NO_WRAPPER, (MODE, ""), text=GOOD + EVENT)

    the_one(tmp_path, text, rule="no-layer", at="Hello:")


def test_the_layer_without_the_variable(tmp_path: Path) -> None:
    found = the_one(tmp_path, with_change(NO_WRAPPER), rule="no-wrapper", at="Variables")

    assert found.fix == "AWS_LAMBDA_EXEC_WRAPPER: /opt/streamify"


def test_the_layer_with_another_wrapper(tmp_path: Path) -> None:
    text = with_change((WRAPPER, "          AWS_LAMBDA_EXEC_WRAPPER: /opt/otel-instrument\n"))

    found = the_one(tmp_path, text, rule="no-wrapper", at="AWS_LAMBDA_EXEC_WRAPPER")

    assert found.fix == "AWS_LAMBDA_EXEC_WRAPPER: /opt/streamify and STREAMIFY_NEXT_WRAPPER: /opt/otel-instrument"


def test_the_variable_without_the_layer(tmp_path: Path) -> None:
    found = the_one(tmp_path, with_change((LAYERS, "")), rule="wrapper-without-layer", at="AWS_LAMBDA_EXEC_WRAPPER")

    assert found.severity == "error"


@pytest.mark.parametrize("runtime", ["nodejs22.x", "provided.al2023", "dotnet8"])
def test_other_runtimes_are_left_alone(tmp_path: Path, runtime: str) -> None:
    changed = ("Runtime: python3.13", f"Runtime: {runtime}")

    assert check(tmp_path, with_change((LAYERS, ""), NO_WRAPPER, changed)) == []
    assert check(tmp_path, with_change(NO_WRAPPER, changed)) == []


def test_an_image_has_a_runtime_of_its_own(tmp_path: Path) -> None:
    assert check(tmp_path, with_change((LAYERS, "      PackageType: Image\n"), NO_WRAPPER)) == []


def test_another_runtime_of_the_function_s_own_is_left_alone(tmp_path: Path) -> None:
    adapter = (WRAPPER, "          AWS_LAMBDA_EXEC_WRAPPER: /opt/bootstrap\n")

    assert check(tmp_path, with_change((LAYERS, OTHER_LAYER), adapter)) == []


@pytest.mark.parametrize(
    "layers",
    [
        "      Layers: [arn:aws:lambda:us-east-1:123456789012:layer:streamify:1]\n",
        "      Layers: [!GetAtt StreamifyLayer.LayerVersionArn]\n",
        "      Layers: [!Sub '${StreamifyLayer}']\n",
    ],
)
def test_a_layer_is_recognised_by_its_name(tmp_path: Path, layers: str) -> None:
    assert check(tmp_path, with_change((LAYERS, layers))) == []


@pytest.mark.parametrize("sign", ["streamify", "Makefile", "python/lambda_streamify/__init__.py"])
def test_a_layer_is_recognised_by_its_content(tmp_path: Path, sign: str) -> None:
    text = GOOD.replace("StreamifyLayer", "Shared").replace("ContentUri: layer", "ContentUri: content")
    place = tmp_path / "content" / sign
    (tmp_path / "content").mkdir()
    assert rules(check(tmp_path, text)) == ["wrapper-without-layer"]

    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("build-Shared:\n\tpip install lambda-streamify\n")

    assert check(tmp_path, text) == []


def test_the_place_of_a_layer_by_its_arn_tells_what_it_is(tmp_path: Path) -> None:
    text, arn = with_change((LAYERS, OTHER_LAYER)), "arn:aws:lambda:us-east-1:123456789012:layer:other:1"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "streamify").touch()

    assert rules(check(tmp_path, text)) == ["wrapper-without-layer"]
    assert check(tmp_path, text, layers={arn: tmp_path / "mine"}) == []
