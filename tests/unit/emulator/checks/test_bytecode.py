import sys
from pathlib import Path

import pytest

from built_project import BUILT, RUNTIME, write_build
from lambda_streamify_emulator.checks.bytecode import MISSING
from lambda_streamify_emulator.checks.finding import Finding
from lambda_streamify_emulator.checks.run import check_template, has_errors
from lambda_streamify_emulator.precompiling.compiling import compile_modules
from lambda_streamify_emulator.precompiling.modules import modules
from lambda_streamify_emulator.precompiling.plan import Job
from lambda_streamify_emulator.precompiling.reading import read_build


def found(folder: Path) -> list[Finding]:
    return [finding for finding in check_template(folder / "template.yaml") if finding.rule == MISSING.name]


def compile_package(folder: Path, number: int) -> None:
    package = read_build(folder, {}).packages[number]
    compile_modules(Job(package, RUNTIME, sys.executable, tuple(modules(package.root))), pytest.fail)


def test_the_modules_of_a_build_without_bytecode_are_counted(tmp_path: Path) -> None:
    folder = write_build(tmp_path)

    (finding,) = found(folder)

    assert finding.severity == "note"
    assert finding.resources == ("Hello",)
    assert finding.problem == f"5 of 5 modules, its layers' too, have no bytecode of {RUNTIME}"
    assert finding.fix == f"streamify precompile {folder}"
    assert not has_errors([finding])


def test_with_bytecode_there_is_nothing_to_note(tmp_path: Path) -> None:
    folder = write_build(tmp_path)
    compile_package(folder, 0)
    (finding,) = found(folder)
    assert finding.problem.startswith("2 of 5 modules")

    compile_package(folder, 1)

    assert found(folder) == []


def test_bytecode_of_another_python_does_not_count(tmp_path: Path) -> None:
    folder = write_build(tmp_path)
    compile_package(folder, 0)
    compile_package(folder, 1)
    other = "python3.13" if RUNTIME != "python3.13" else "python3.12"
    (folder / "template.yaml").write_text(BUILT.replace(RUNTIME, other))

    (finding,) = found(folder)

    assert finding.problem == f"5 of 5 modules, its layers' too, have no bytecode of {other}"


@pytest.mark.parametrize(
    ("old", "new"),
    [("SamResourceId", "Other"), (f"Runtime: {RUNTIME}", "Runtime: nodejs22.x")],
    ids=["sources", "another language"],
)
def test_what_is_not_built_or_not_python_needs_none(tmp_path: Path, old: str, new: str) -> None:
    assert found(write_build(tmp_path, BUILT.replace(old, new))) == []
