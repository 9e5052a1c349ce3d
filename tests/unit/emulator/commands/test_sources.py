import io
import sys
from pathlib import Path

import pytest

from lambda_streamify_emulator.commands.options import DEFAULT_TEMPLATE
from lambda_streamify_emulator.commands.sources import declaration_of, source_of
from lambda_streamify_emulator.commands.template_source import TemplateSource
from lambda_streamify_emulator.errors import EmulatorError, TemplateError
from lambda_streamify_emulator.template.handlers.translation import HandlerSettings

TEMPLATE = """
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties: {Handler: app.handler, Runtime: python3.13, FunctionUrlConfig: {InvokeMode: RESPONSE_STREAM}}
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("template.yaml").write_text(TEMPLATE)
    Path("app.py").write_text("def handler(event, context): ...")
    Path("other.py").write_text("def handler(event, context): ...")


def source(
    *arguments: str, settings: HandlerSettings | None = None, stack: str | None = None, **options: object
) -> TemplateSource:
    given = TemplateSource(DEFAULT_TEMPLATE, **options)  # type: ignore[arg-type]
    return source_of(list(map(Path, arguments)), stack, settings or HandlerSettings(), given)


def names(source: TemplateSource) -> list[str]:
    return [function.name for function in source.read().template.functions]


def test_without_an_argument_it_is_the_template_of_the_folder() -> None:
    assert names(source()) == ["Hello"]
    assert source().files == [Path("template.yaml")]


def test_handlers_are_served_together_and_follow_their_file_of_variables() -> None:
    found = source("app.py", "other.handler", settings=HandlerSettings(env_file=Path(".env")))
    Path(".env").write_text("A=b")

    reading = found.read()

    assert [function.environment["A"] for function in reading.template.functions] == ["b", "b"]
    assert (names(found), found.files) == (["app", "other"], [Path(".env")])
    assert reading.findings == ()


def test_standard_input_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEMPLATE.encode())))

    found = source("-")

    assert (names(found), names(found), found.files) == (["Hello"], ["Hello"], [])


def test_standard_input_that_is_no_template_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(TemplateError, match=r"^standard input: it is empty$"):
        source("-").read()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff")))
    with pytest.raises(EmulatorError, match=r"^standard input: it is not UTF-8 text"):
        source("-")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (HandlerSettings(runtime="python3.12"), "--runtime python3.12: it is for handlers, such as app.lambda_handler"),
        (HandlerSettings(environment={"A": "b"}), "--env A: .*; --env-vars gives its functions values"),
        (HandlerSettings(env_file=Path("x")), "--env-file x: .*; --env-vars gives its functions values"),
        (HandlerSettings(timeout_s=5), "--timeout 5: .*; template.yaml says this itself$"),
        (HandlerSettings(memory_mb=256), "--memory 256: .*"),
    ],
)
def test_a_template_takes_no_settings_of_handlers(settings: HandlerSettings, message: str) -> None:
    with pytest.raises(EmulatorError, match=message):
        source("template.yaml", settings=settings)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"parameters": {"A": "b"}}, "--parameter A: it is for a template, and app.py is a handler"),
        ({"layers": {"arn": Path("x")}}, "--layer arn: .*"),
        ({"env_vars": Path("x.json")}, "--env-vars x.json: .*; use --env or --env-file"),
        ({"stack": "Prod"}, "--stack Prod: .*"),
    ],
)
def test_handlers_take_no_options_of_templates(options: dict[str, object], message: str) -> None:
    with pytest.raises(EmulatorError, match=message):
        source("app.py", **options)  # type: ignore[arg-type]


def test_one_template_is_served_at_a_time_and_not_beside_handlers() -> None:
    with pytest.raises(EmulatorError, match=r"template.yaml other.yaml: serve one template at a time"):
        source("template.yaml", "other.yaml")
    with pytest.raises(EmulatorError, match=r"template.yaml: it is no handler, as app.py is"):
        source("app.py", "template.yaml")
    with pytest.raises(EmulatorError, match=r"--stack A: standard input is no folder"):
        source("-", stack="A")


def test_a_handler_without_a_module_is_named_with_the_file_that_is_missing() -> None:
    with pytest.raises(EmulatorError, match=r"src/none\.handler: .* for a handler there is no module src/none\.py"):
        source("src/none.handler")
    assert source("none.yaml").path == Path("none.yaml")


def test_a_module_without_its_function_is_answered_with_how_to_name_a_handler() -> None:
    with pytest.raises(EmulatorError, match=r"app: .* name a handler as app\.py or app\.FUNCTION"):
        source("app")
    assert source("none").path == Path("none")


def test_a_handler_has_nothing_to_check() -> None:
    with pytest.raises(EmulatorError, match=r"app.handler: it is a handler without a template"):
        declaration_of(Path("app.handler"), None, {})
    assert declaration_of(Path("template.yaml"), None, {}).path == Path("template.yaml")
