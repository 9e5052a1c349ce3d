import os
import py_compile
import subprocess
import sys
from importlib.util import MAGIC_NUMBER, source_hash
from pathlib import Path

import pytest

from built_project import RUNTIME, bytecode, compiled_modules, write_build
from lambda_streamify_emulator.errors import BuildError
from lambda_streamify_emulator.precompiling.build import Package
from lambda_streamify_emulator.precompiling.compiling import Compiled, compile_modules
from lambda_streamify_emulator.precompiling.modules import bytecode_file, modules
from lambda_streamify_emulator.precompiling.plan import Job


def job(folder: Path, python: str = sys.executable) -> Job:
    return Job(Package(("Hello",), folder, (RUNTIME,)), RUNTIME, python, tuple(modules(folder)))


def compiled(folder: Path) -> Compiled:
    return compile_modules(job(folder), pytest.fail)


def printed(folder: Path, code: str) -> str:
    command = [sys.executable, "-B", "-c", code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def test_each_module_gets_bytecode_that_is_never_checked(tmp_path: Path) -> None:
    folder = write_build(tmp_path) / "Hello"

    done = compiled(folder)

    assert (done.written, done.kept, done.problems) == (3, 0, {})
    assert compiled_modules(folder) == ["app", "package/__init__", "package/unused"]
    unchecked = MAGIC_NUMBER + (1).to_bytes(4, "little")
    for source in modules(folder):
        content = bytecode_file(source, RUNTIME).read_bytes()
        assert content.startswith(unchecked + source_hash(source.read_bytes()))
    assert done.bytes_added == sum(map(len, bytecode(folder).values()))


def test_python_runs_it_whatever_becomes_of_the_times(tmp_path: Path) -> None:
    """An archive changes them. That the bytecode is run is seen by a source that changes, as on AWS it never does."""
    folder = write_build(tmp_path) / "Hello"
    compiled(folder)
    (folder / "app.py").write_text("VALUE = 'another source'\n")
    os.utime(folder / "app.py", (0, 0))
    (folder / "shared.py").write_text("")

    assert printed(folder, "import app; print(app.VALUE)") == "source"


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    folder = write_build(tmp_path) / "Hello"
    compiled(folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}

    done = compiled(folder)

    assert (done.written, done.kept, done.bytes_added) == (0, 3, 0)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_two_builds_of_the_same_sources_have_the_same_bytecode(tmp_path: Path) -> None:
    """Their folders differ, and so do the seeds of their hashes: a set of constants would have another order."""
    source = "def known(name):\n    return name in {'red', 'green', 'blue', 'black', 'white', 'pink'}\n"
    first = write_build(tmp_path / "first", **{"Hello/app.py": source}) / "Hello"
    second = write_build(tmp_path / "the second", **{"Hello/app.py": source}) / "Hello"
    compiled(first)
    compiled(second)

    assert bytecode(first) == bytecode(second)
    assert b"/var/task/app.py" in bytecode(first)[f"__pycache__/app.{sys.implementation.cache_tag}.pyc"]


def test_the_bytecode_that_pip_leaves_is_replaced(tmp_path: Path) -> None:
    """It has the time of its source, which an archive does not keep to the second."""
    folder = write_build(tmp_path) / "Hello"
    py_compile.compile(str(folder / "app.py"), doraise=True)
    before = bytecode_file(folder / "app.py", RUNTIME).stat().st_size

    done = compiled(folder)

    assert (done.written, done.kept) == (3, 0)
    assert done.bytes_added == sum(map(len, bytecode(folder).values())) - before


def test_an_edited_module_is_compiled_again(tmp_path: Path) -> None:
    folder = write_build(tmp_path) / "Hello"
    compiled(folder)
    (folder / "package" / "unused.py").write_text("VALUE = 2\n")

    done = compiled(folder)

    assert (done.written, done.kept) == (1, 2)
    assert printed(folder, "import package.unused; print(package.unused.VALUE)") == "2"


def test_a_module_that_does_not_compile_is_named_and_left(tmp_path: Path) -> None:
    folder = write_build(tmp_path, **{"Hello/package/template.py": "import {{ name }} as\n"}) / "Hello"
    (folder / "package" / "binary.py").write_bytes(b"\0\xff")

    done = compiled(folder)

    assert done.written == 3
    assert set(done.problems) == {"package/template.py", "package/binary.py"}
    assert done.problems["package/template.py"].startswith("SyntaxError: invalid syntax")
    assert compiled_modules(folder) == ["app", "package/__init__", "package/unused"]


def test_bytecode_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    folder = write_build(tmp_path) / "Hello"
    (folder / "package" / "__pycache__").write_text("a file in the way")

    said = rf"^Hello: {folder}/package/__init__\.py gets no bytecode: .*__pycache__"
    with pytest.raises(BuildError, match=said):
        compiled(folder)


def test_everybody_may_read_it(tmp_path: Path) -> None:
    folder = write_build(tmp_path) / "Hello"
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    before = os.umask(0o077)
    try:
        compiled(folder)
    finally:
        os.umask(before)

    assert {path.stat().st_mode & 0o777 for path in folder.rglob("__pycache__")} == {0o755}
    assert {path.stat().st_mode & 0o777 for path in folder.rglob("*.pyc")} == {0o644}


def test_modules_named_as_those_of_the_standard_library_are_compiled_and_not_used(tmp_path: Path) -> None:
    folder = write_build(tmp_path, **{"Hello/json.py": "raise SystemExit('it was run')\n"}) / "Hello"

    assert compiled(folder).written == 4


def test_what_takes_longer_than_a_second_is_reported(tmp_path: Path) -> None:
    folder = write_build(tmp_path) / "Hello"
    said: list[str] = []
    seconds = iter([0.0, 0.9, 1.0, 1.0, 1.9])

    compile_modules(job(folder), said.append, lambda: next(seconds))

    assert said == [f"Hello: 2 of 3 modules compiled by {RUNTIME}"]


def test_a_python_that_fails_is_named_with_its_reason(tmp_path: Path) -> None:
    folder = write_build(tmp_path) / "Hello"
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\ncat >/dev/null\necho no memory >&2\nexit 1\n")
    python.chmod(0o755)

    with pytest.raises(BuildError, match=rf"^Hello: {python} cannot compile its modules: no memory$"):
        compile_modules(job(folder, str(python)), pytest.fail)
