import asyncio
import os
import re
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from socket import create_connection, create_server

import pytest

from asynchronous import run
from lambda_streamify_emulator.errors import EmulatorError
from lambda_streamify_emulator.processes.reaper import Reaper
from lambda_streamify_emulator.sandboxes import debugger
from lambda_streamify_emulator.sandboxes.debugger import check_name, find_debugpy, make_interpreter, missing
from lambda_streamify_emulator.sandboxes.environment import Folders
from lambda_streamify_emulator.sandboxes.sandbox import Sandbox
from lambda_streamify_emulator.settings import Settings
from process_table import is_stopped
from tiny_runtime import body, make_package, running, with_variables

# Listens as debugpy does.
STAND_IN = """
import socket
def listen(address):
    global door
    door = socket.create_server(address)
    print("listening")
"""
VERSION = f"python{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture
def debugpy(tmp_path: Path) -> Path:
    """A folder with a debugger."""
    (tmp_path / "packages" / "debugpy").mkdir(parents=True)
    (tmp_path / "packages" / "debugpy" / "__init__.py").write_text(STAND_IN)
    return tmp_path / "packages"


@pytest.mark.parametrize("folder", ["task", "opt/python", f"opt/python/lib/{VERSION}/site-packages"])
def test_debugpy_is_found_where_the_function_would_find_it(tmp_path: Path, folder: str) -> None:
    folders = Folders(tmp_path / "opt", tmp_path / "task", tmp_path / "runtime")
    assert find_debugpy(folders, VERSION) is None
    (tmp_path / folder / "debugpy").mkdir(parents=True)

    assert find_debugpy(folders, VERSION) == tmp_path / folder


def test_without_debugpy_one_line_says_what_to_do(tmp_path: Path) -> None:
    line = missing(make_package(tmp_path).function)

    assert line == f"tiny cannot be debugged without debugpy: pip install --target {tmp_path} debugpy"


def test_a_name_of_no_function_is_refused_with_those_there_are(tmp_path: Path) -> None:
    functions = [make_package(tmp_path).function]
    check_name("tiny", functions)

    with pytest.raises(EmulatorError, match=r"^--debug other: there is no such function; there are tiny$"):
        check_name("other", functions)


def test_the_interpreter_runs_a_script_unchanged_and_listens_for_a_debugger(tmp_path: Path, debugpy: Path) -> None:
    script = tmp_path / "scripts" / "main.py"
    script.parent.mkdir()
    script.write_text("import debugpy, sys; print(__name__, sys.argv, sys.path[0]); print(debugpy.door)")
    program, port = make_interpreter(Path(sys.executable), debugpy, tmp_path)

    output = subprocess.run(
        [program, "-S", script, "a b"], capture_output=True, text=True, check=True, timeout=60
    ).stdout.splitlines()

    assert output[:2] == ["listening", f"__main__ ['{script}', 'a b'] {script.parent}"]
    assert f"('127.0.0.1', {port})" in output[2]


def test_a_port_that_is_taken_is_not_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(create_server(("127.0.0.1", 0))) as taken:
        monkeypatch.setattr(debugger, "PORT", taken.getsockname()[1])

        assert make_interpreter(Path("python"), Path("x"), tmp_path)[1] != debugger.PORT


def test_a_function_that_is_debugged_is_not_frozen_and_has_time_and_memory(tmp_path: Path, debugpy: Path) -> None:
    (tmp_path / "bootstrap.py").write_text((make_package(tmp_path).folders.task / "runtime").read_text())
    package = replace(make_package(tmp_path, timeout=0), debugpy=debugpy)
    package = with_variables(package, INIT="hoard = b'x' * (200 << 20)")  # of 128 MB; no wrapper
    (tmp_path / "scratch").mkdir()

    async def main() -> None:
        lines: list[str] = []
        idle = asyncio.Event()
        reaper = Reaper(tmp_path / "scratch")
        sandbox = Sandbox(
            package, reaper, lines.append, lambda _: idle.set(), lambda _: None, settings=Settings(debug="tiny")
        )
        try:
            invocation = running("respond(str(os.getpid()).encode())")
            await sandbox.start(invocation)
            process = int(await body(invocation))
            await idle.wait()

            found = re.fullmatch(r"a debugger can attach to 127\.0\.0\.1:(\d+)", lines[0])
            assert found is not None
            create_connection(("127.0.0.1", int(found[1])), timeout=10).close()
            assert not is_stopped(process)
            os.kill(process, 0)
        finally:
            await sandbox.stop()
            reaper.close()

    run(main())
