import sys
from pathlib import Path

import pytest

from built_project import BUILT, RUNTIME, compiled_modules, write_build
from lambda_streamify_emulator.precompiling import precompile as module
from lambda_streamify_emulator.precompiling.modules import UNPACKED_LIMIT_BYTES, unpacked_bytes
from lambda_streamify_emulator.precompiling.precompile import FunctionReport, Report, precompile
from lambda_streamify_emulator.precompiling.reading import read_build

OTHER = "python3.13" if RUNTIME != "python3.13" else "python3.12"


@pytest.fixture(autouse=True)
def _one_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "locate", lambda _: (sys.executable, RUNTIME))


def run(folder: Path, *, only_imported: bool = False, measure: bool = False) -> Report:
    return precompile(read_build(folder, {}), lambda _: None, only_imported=only_imported, measure=measure)


def test_functions_and_layers_are_compiled_and_their_size_is_told(tmp_path: Path) -> None:
    folder = write_build(tmp_path)

    report = run(folder)

    assert compiled_modules(folder) == [
        "Hello/app",
        "Hello/package/__init__",
        "Hello/package/unused",
        "Shared/python/shared",
        "Shared/python/unused_too",
    ]
    size = unpacked_bytes(folder / "Hello") + unpacked_bytes(folder / "Shared")
    assert report.functions == [FunctionReport("Hello", RUNTIME, size)]
    assert report.is_complete


def test_only_what_is_imported_is_compiled_if_asked(tmp_path: Path) -> None:
    folder = write_build(tmp_path)

    report = run(folder, only_imported=True)

    assert compiled_modules(folder) == ["Hello/app", "Shared/python/shared"]
    assert report.is_complete


def test_a_layer_has_what_any_of_its_functions_imports(tmp_path: Path) -> None:
    other = f"""\
  Other:
    Type: AWS::Serverless::Function
    Metadata: {{SamResourceId: Other}}
    Properties: {{CodeUri: Other, Handler: app.handler, Runtime: {RUNTIME}, Layers: [!Ref Shared]}}
"""
    folder = write_build(tmp_path, BUILT + other, **{"Other/app.py": "import unused_too\n"})

    run(folder, only_imported=True)

    assert compiled_modules(folder / "Shared") == ["python/shared", "python/unused_too"]


def test_a_function_that_cannot_be_imported_has_no_bytecode_then(tmp_path: Path) -> None:
    folder = write_build(tmp_path, **{"Hello/app.py": "import absent\n"})

    report = run(folder, only_imported=True)

    assert report.failed == {"Hello": "app cannot be imported here: ModuleNotFoundError: No module named 'absent'"}
    assert compiled_modules(folder) == []
    assert not report.is_complete


def test_a_function_that_cannot_be_imported_is_compiled_and_not_measured(tmp_path: Path) -> None:
    folder = write_build(tmp_path, **{"Hello/app.py": "import absent\n"})

    report = run(folder, measure=True)

    (function,) = report.functions
    assert (function.saving, function.not_measured) == (
        None,
        "app cannot be imported here: ModuleNotFoundError: No module named 'absent'",
    )
    assert "Hello/app" in compiled_modules(folder)
    assert report.is_complete


def test_the_start_is_measured(tmp_path: Path) -> None:
    (function,) = run(write_build(tmp_path), measure=True).functions

    assert function.saving is not None
    assert function.saving.module == "app"


def test_a_package_whose_python_is_missing_is_left_alone(tmp_path: Path) -> None:
    folder = write_build(tmp_path, BUILT.replace(RUNTIME, OTHER))

    report = run(folder, only_imported=True, measure=True)

    reason = f"no {OTHER} on this machine"
    assert report.failed == {"Hello": reason, "Shared": reason}
    assert (report.compiled, report.functions, compiled_modules(folder)) == ([], [], [])
    assert not report.is_complete


def test_what_lambda_would_refuse_is_not_complete() -> None:
    assert Report(functions=[FunctionReport("Hello", RUNTIME, UNPACKED_LIMIT_BYTES)]).is_complete
    assert not Report(functions=[FunctionReport("Hello", RUNTIME, UNPACKED_LIMIT_BYTES + 1)]).is_complete
