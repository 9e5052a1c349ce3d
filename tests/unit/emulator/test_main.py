import subprocess
import sys
from importlib.metadata import version

import pytest

from lambda_streamify_emulator.__main__ import MISSING_DEPENDENCY, main
from processes import run


def hide(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate that the module is not installed."""
    own = {name: kept for name, kept in sys.modules.items() if name.startswith("lambda_streamify_emulator.")}
    for name, kept in own.items():
        parent, _, child = name.rpartition(".")
        monkeypatch.setattr(sys.modules[parent], child, kept, raising=False)  # importing it again sets another one
    for name in own:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name == module or name.startswith(f"{module}.")]:
        monkeypatch.delitem(sys.modules, name)

    class Hidden:
        @staticmethod
        def find_spec(name: str, *_: object) -> None:
            if name == module:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(sys, "meta_path", [Hidden, *sys.meta_path])


@pytest.mark.parametrize(
    ("module", "arguments"), [("typer", []), ("rich", []), ("uvicorn", ["serve"]), ("starlette", ["serve"])]
)
def test_without_its_dependencies_the_command_prints_the_pip_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], module: str, arguments: list[str]
) -> None:
    hide(module, monkeypatch)
    monkeypatch.setattr(sys, "argv", ["streamify", *arguments])

    with pytest.raises(SystemExit) as raised:
        main()

    assert raised.value.code == 2
    assert capsys.readouterr().err.startswith(f"{MISSING_DEPENDENCY} ({module}")


def test_a_missing_module_of_its_own_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    hide("lambda_streamify_emulator.commands.cli", monkeypatch)

    with pytest.raises(ModuleNotFoundError):
        main()


def test_it_runs_as_a_module_and_as_a_command() -> None:
    expected = f"lambda-streamify {version('lambda-streamify')}\n"

    assert run(sys.executable, "-m", "lambda_streamify_emulator", "--version") == expected
    assert run("streamify", "--version") == expected


def test_the_plugin_loads_nothing_but_pytest() -> None:
    code = (
        "import sys, pytest; sys.path.insert(0, 'emulator'); before = set(sys.modules); "
        "import lambda_streamify_emulator.pytest_plugin; "
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names))"
    )

    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["lambda_streamify_emulator"]
