import sys
from pathlib import Path

import pytest

from lambda_streamify_emulator.errors import EmulatorError, TemplateError
from lambda_streamify_emulator.template.handlers.translation import HandlerSettings, translate
from lambda_streamify_emulator.template.layers import Layer
from lambda_streamify_emulator.template.reader import Template, load_declaration


def load(*arguments: Path, settings: HandlerSettings | None = None) -> Template:
    return load_declaration(translate(arguments, settings or HandlerSettings()))


@pytest.fixture
def app(tmp_path: Path) -> Path:
    file = tmp_path / "app.py"
    file.write_text("def lambda_handler(event, context): ...\ndef handler(event, context): ...\n")
    return file


def test_a_handler_streams_under_the_layer_with_the_defaults_of_aws(app: Path) -> None:
    template = load(app.with_suffix(".lambda_handler"))

    (function,) = template.functions
    assert (function.name, function.handler, function.code) == ("app", "app.lambda_handler", app.parent)
    assert function.runtime == f"python{sys.version_info[0]}.{sys.version_info[1]}"
    assert (function.timeout, function.memory) == (3, 128)
    assert (function.invoke_mode, function.auth_type) == ("RESPONSE_STREAM", "NONE")
    assert function.layers == (Layer("streamify", None),)
    assert function.environment == {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/streamify"}
    assert not function.is_built
    assert template.left_out == (
        "app: AWS's default timeout of 3 s applies, and cuts longer streams; choose another with --timeout SECONDS",
    )


def test_settings_override_the_defaults_and_the_file(app: Path, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("A=file\nB=file\n")
    settings = HandlerSettings("python3.12", {"A": "own", "AWS_LAMBDA_EXEC_WRAPPER": "/opt/other"}, file, 60, 512)

    template = load(app.with_suffix(".handler"), settings=settings)

    (function,) = template.functions
    assert (function.runtime, function.timeout, function.memory) == ("python3.12", 60, 512)
    assert function.environment == {"A": "own", "B": "file", "AWS_LAMBDA_EXEC_WRAPPER": "/opt/other"}
    assert template.left_out == ()


def test_each_handler_has_a_url_and_a_name_of_its_own(app: Path, tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "other.py").write_text("def answer(event, context): ...")

    template = load(app, tmp_path / "pkg.other.answer", app.with_suffix(".handler"))

    assert [function.name for function in template.functions] == ["app-lambda_handler", "app-handler", "pkg-other"]


def test_two_modules_of_one_name_are_named(app: Path, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    other = tmp_path / "more" / "apps.py"
    other.write_text("def handler(event, context): ...")
    same = other.with_name("app.py")
    same.write_text("def answer(event, context): ...")

    assert len(load(app.with_suffix(".handler"), other).functions) == 2
    template = load(app.with_suffix(".handler"), same.with_suffix(".answer"))
    assert [function.name for function in template.functions] == ["app-handler", "app-answer"]
    same.write_text("def handler(event, context): ...")
    with pytest.raises(TemplateError, match=r"more/app\.py: its function would have the name app-handler, as that of"):
        load(app.with_suffix(".handler"), same)


def test_what_is_not_valid_names_its_option(app: Path, tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"--runtime nodejs22\.x: handlers without a template run on Python"):
        load(app, settings=HandlerSettings("nodejs22.x"))
    with pytest.raises(TemplateError, match=r"--env: '1A' is not a name"):
        load(app, settings=HandlerSettings(environment={"1A": "x"}))
    with pytest.raises(EmulatorError, match=r"none: it cannot be read"):
        load(app, settings=HandlerSettings(env_file=tmp_path / "none"))
