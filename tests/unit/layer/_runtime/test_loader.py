import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambda_streamify._runtime.loader import load_handler
from lambda_streamify.errors import RuntimeFault


@pytest.fixture(autouse=True)
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the search path. Modules imported from it are removed afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "loaded_app.py").write_text("def handler(event, context):\n    return 'from loaded_app'\n")
    folder = tmp_path / "loaded_folder" / "inner"
    folder.mkdir(parents=True)
    (folder / "app.py").write_text("def handler(event, context):\n    return 'from inner'\n")
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("setting", "result"),
    [
        ("loaded_app.handler", "from loaded_app"),
        ("loaded_folder.inner.app.handler", "from inner"),
        ("loaded_folder/inner/app.handler", "from inner"),
        ("loaded_folder/inner.app.handler", "from inner"),
    ],
)
def test_a_module_is_named_with_dots_or_slashes(setting: str, result: str) -> None:
    assert load_handler(setting)(None, None) == result


def fault_of(setting: str) -> tuple[str, str, list[str]]:
    with pytest.raises(RuntimeFault) as raised:
        load_handler(setting)
    return raised.value.error_type, str(raised.value), raised.value.stack_trace


@pytest.mark.parametrize("setting", ["app", ""])
def test_a_setting_without_a_dot_is_malformed(setting: str) -> None:
    message = f"Bad handler '{setting}': not enough values to unpack (expected 2, got 1)"

    assert fault_of(setting) == ("Runtime.MalformedHandlerName", message, [])


@pytest.mark.parametrize("setting", ["sys.handler", "time.inner.handler"])
def test_a_builtin_module_cannot_be_the_handlers_module(setting: str) -> None:
    message = f"Cannot use built-in module {setting.removesuffix('.handler')} as a handler module"

    assert fault_of(setting) == ("Runtime.BuiltInModuleConflict", message, [])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("nope.handler", "Unable to import module 'nope': No module named 'nope'"),
        (
            "loaded_folder/nope.handler",
            "Unable to import module 'loaded_folder/nope': No module named 'loaded_folder.nope'",
        ),
    ],
)
def test_the_fault_names_a_missing_module(setting: str, message: str) -> None:
    assert fault_of(setting) == ("Runtime.ImportModuleError", message, [])


def test_the_fault_names_a_missing_import_of_the_handlers_module(task: Path) -> None:
    (task / "loaded_needy.py").write_text("import nope\n")

    assert fault_of("loaded_needy.handler") == (
        "Runtime.ImportModuleError",
        "Unable to import module 'loaded_needy': No module named 'nope'",
        [],
    )


def test_a_syntax_error_is_shown_with_its_line(task: Path) -> None:
    (task / "loaded_bad.py").write_text("def handler(:\n")

    assert fault_of("loaded_bad.handler") == (
        "Runtime.UserCodeSyntaxError",
        "Syntax error in module 'loaded_bad': invalid syntax (loaded_bad.py, line 1)",
        [f'  File "{task}/loaded_bad.py" Line 1\n    def handler(:\n'],
    )


def test_the_fault_names_a_missing_function() -> None:
    assert fault_of("loaded_app.nope") == (
        "Runtime.HandlerNotFound",
        "Handler 'nope' missing on module 'loaded_app'",
        [],
    )


def test_any_other_exception_of_a_module_is_raised_unchanged(task: Path) -> None:
    (task / "loaded_raising.py").write_text("raise ValueError('why')\n")

    with pytest.raises(ValueError, match=r"^why$"):
        load_handler("loaded_raising.handler")


@pytest.mark.parametrize("setting", ["nope.handler", "app", "sys.handler", "loaded_app.nope", "loaded_bad.handler"])
def test_awss_runtime_reports_the_same_faults(setting: str, task: Path) -> None:
    theirs = pytest.importorskip("awslambdaric.bootstrap", reason="awslambdaric is not installed")
    (task / "loaded_bad.py").write_text("def handler(:\n")

    with pytest.raises(Exception) as raised:  # noqa: PT011 - the type is AWS's own
        theirs._get_handler(setting)  # noqa: SLF001 - what is compared

    fault = raised.value
    assert fault_of(setting) == (fault.exception_type, fault.msg, fault.trace or [])  # type: ignore[attr-defined]
