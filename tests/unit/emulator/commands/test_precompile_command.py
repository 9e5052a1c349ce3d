import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from built_project import BUILT, RUNTIME, compiled_modules, write_build
from lambda_streamify_emulator.commands.cli import app
from lambda_streamify_emulator.precompiling import precompile as module
from lambda_streamify_emulator.precompiling.modules import unpacked_bytes

runner = CliRunner()
OTHER = "python3.13" if RUNTIME != "python3.13" else "python3.12"


@pytest.fixture(autouse=True)
def _one_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "locate", lambda _: (sys.executable, RUNTIME))


def test_a_build_is_compiled_and_a_second_run_says_that_nothing_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_build(tmp_path / ".aws-sam" / "build")
    monkeypatch.chdir(tmp_path)

    first = runner.invoke(app, ["precompile", "--no-measure"])
    second = runner.invoke(app, ["precompile", "--no-measure"])

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.stdout == (
        f"Hello ({RUNTIME}): 3 modules compiled, 0.0 MB added\n"
        f"Shared ({RUNTIME}): 2 modules compiled, 0.0 MB added\n"
        "Hello: 0.0 MB of 250 MB unpacked, with its layers\n"
    )
    assert second.stdout == (
        f"Hello ({RUNTIME}): nothing to do: 3 modules with bytecode\n"
        f"Shared ({RUNTIME}): nothing to do: 2 modules with bytecode\n"
        "Hello: 0.0 MB of 250 MB unpacked, with its layers\n"
    )
    assert len(compiled_modules(folder)) == 5


def test_the_start_is_measured_with_and_without(tmp_path: Path) -> None:
    result = runner.invoke(app, ["precompile", str(write_build(tmp_path))])

    assert result.exit_code == 0
    words = result.stdout.splitlines()[-1].split()
    assert words[:3] == ["Hello:", "import", "app:"]
    assert words[4:7] == ["ms", "without", "bytecode,"]
    assert words[8:] == ["ms", "with", "it"]
    assert "Hello: importing app 5 times with bytecode and 5 times without\n" in result.stderr


def test_what_does_not_compile_is_named_and_does_not_change_the_status(tmp_path: Path) -> None:
    folder = write_build(tmp_path, **{"Hello/package/template.py": "import {{ name }}\n"})

    result = runner.invoke(app, ["precompile", str(folder), "--no-measure"])

    assert result.exit_code == 0
    assert "    package/template.py is left: SyntaxError: " in result.stdout


def test_without_its_python_the_status_is_1(tmp_path: Path) -> None:
    folder = write_build(tmp_path, BUILT.replace(RUNTIME, OTHER))

    result = runner.invoke(app, ["precompile", str(folder)])

    assert (result.exit_code, result.stdout) == (1, "")
    assert f"error: Hello has no bytecode: no {OTHER} on this machine\n" in result.stderr
    assert compiled_modules(folder) == []


def test_sources_are_refused(tmp_path: Path) -> None:
    folder = write_build(tmp_path, BUILT.replace("SamResourceId", "Other"))

    result = runner.invoke(app, ["precompile", str(folder)])

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {folder}/template.yaml: its code is source")
    assert compiled_modules(folder) == []


def test_json_has_the_same_in_numbers(tmp_path: Path) -> None:
    folder = write_build(tmp_path)
    arguments = ["precompile", str(folder), "--json", "--only-imported"]

    printed = json.loads(runner.invoke(app, arguments).stdout)

    hello, shared = printed["packages"]
    assert (hello["names"], hello["folder"], hello["runtime"]) == (["Hello"], str(folder / "Hello"), RUNTIME)
    assert [(package["modules"], package["written"]) for package in (hello, shared)] == [(1, 1), (1, 1)]
    added = sum(path.stat().st_size for path in folder.rglob("*.pyc"))
    assert hello["bytes_added"] + shared["bytes_added"] == added
    (function,) = printed["functions"]
    assert function["unpacked_bytes"] == unpacked_bytes(folder / "Hello") + unpacked_bytes(folder / "Shared")
    assert set(function["import_s"]) == {"without", "with"}
    assert (function["not_measured"], printed["left"], printed["failed"]) == (None, {}, {})


def test_several_folders_are_one_report(tmp_path: Path) -> None:
    first, second = write_build(tmp_path / "first"), write_build(tmp_path / "second", "[]")
    arguments = ["precompile", str(first / "Hello"), str(second / "Hello"), "--runtime", RUNTIME, "--no-measure"]

    result = runner.invoke(app, arguments)

    assert result.exit_code == 0
    assert result.stdout.splitlines()[:2] == [
        f"Hello ({RUNTIME}): 3 modules compiled, 0.0 MB added",
        f"{second / 'Hello'} ({RUNTIME}): 3 modules compiled, 0.0 MB added",
    ]


def test_an_event_adds_what_the_handler_imports(tmp_path: Path) -> None:
    app_py = "def handler(event, context):\n    import package\n"
    folder = write_build(tmp_path / "build", **{"Hello/app.py": app_py})
    event = tmp_path / "event.json"
    event.write_text("{}")

    result = runner.invoke(app, ["precompile", str(folder), "--no-measure", "--only-imported", "--event", str(event)])

    assert result.exit_code == 0
    assert compiled_modules(folder) == ["Hello/app", "Hello/package/__init__"]


def test_an_event_without_only_imported_is_refused(tmp_path: Path) -> None:
    folder = write_build(tmp_path)

    result = runner.invoke(app, ["precompile", str(folder), "--event", "event.json"])

    assert result.exit_code == 2
    assert result.stderr.startswith("error: --event belongs to --only-imported")
    assert compiled_modules(folder) == []
