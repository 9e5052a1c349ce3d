from pathlib import Path

import pytest

from lambda_streamify_emulator.errors import TemplateError
from lambda_streamify_emulator.template.handlers.handler import find_handlers, is_handler


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text: str, name: str = "app.py") -> Path:
    file = Path(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def found(argument: str) -> list[tuple[str, str]]:
    return [(str(handler.folder), handler.name) for handler in find_handlers(Path(argument))]


@pytest.mark.usefixtures("folder")
def test_a_handler_is_named_as_lambda_names_it_in_the_folder_before_it() -> None:
    write("def answer(event, context): ...", "src/app.py")
    write("async def answer(event, context): ...", "src/pkg/app.py")
    write("def answer(event, context): ...", "src/pkg/__init__.py")

    assert found("src/app.answer") == [("src", "app.answer")]
    assert found("src/pkg.app.answer") == [("src", "pkg.app.answer")]
    assert found("src/pkg.answer") == [("src", "pkg.answer")]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("def lambda_handler(event, context): ...", ["app.lambda_handler"]),
        ("def handler(event, context): ...", ["app.handler"]),
        ("def handler(e, c): ...\ndef lambda_handler(e, c): ...", ["app.lambda_handler", "app.handler"]),
        ("from x import asgi\nhandler = asgi.handler(app)", ["app.handler"]),
        ("from x import lambda_handler", ["app.lambda_handler"]),
        ("from x import y as handler", ["app.handler"]),
        ("if x:\n    def handler(e, c): ...", ["app.handler"]),
        ("try:\n    from x import handler\nexcept ImportError:\n    pass", ["app.handler"]),
    ],
)
def test_a_file_has_the_handlers_that_it_defines(text: str, names: list[str]) -> None:
    write(text)

    assert [name for _, name in found("app.py")] == names


@pytest.mark.usefixtures("folder")
def test_what_is_no_handler_is_named_with_those_that_are_there() -> None:
    write("import os\nX = 1\ndef answer(event, context): ...\nclass handle: ...")

    with pytest.raises(TemplateError, match=r"app\.py: it has neither .* app\.NAME; its functions: answer"):
        find_handlers(Path("app.py"))
    with pytest.raises(TemplateError, match=r"app\.py: it has no handler; its functions: answer"):
        find_handlers(Path("app.handler"))


@pytest.mark.usefixtures("folder")
def test_names_that_a_module_takes_from_everywhere_are_left_to_python() -> None:
    write("from x import *")

    assert found("app.answer") == [(".", "app.answer")]


@pytest.mark.usefixtures("folder")
def test_a_module_that_is_not_python_is_named_with_its_line() -> None:
    write("X = 1\ndef handler(:\n")

    with pytest.raises(TemplateError, match=r"app\.py:2: it is not valid Python"):
        find_handlers(Path("app.handler"))
    with pytest.raises(TemplateError, match=r"none\.py: it cannot be read: No such file"):
        find_handlers(Path("none.py"))


@pytest.mark.usefixtures("folder")
def test_a_handler_is_told_from_a_template() -> None:
    write("def handler(event, context): ...")
    write("", "template.yaml")
    write("", "template.py")

    told = {name: is_handler(Path(name)) for name in ("app.py", "app.handler", "template.yaml", "x.yaml", "cdk.out")}

    assert told == {"app.py": True, "app.handler": True, "template.yaml": False, "x.yaml": False, "cdk.out": False}
