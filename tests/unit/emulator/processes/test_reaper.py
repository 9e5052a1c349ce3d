import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from lambda_streamify_emulator.processes.reaper import Reaper
from lambda_streamify_emulator.processes.reaper import __file__ as program
from process_table import is_running
from waiting import wait_until


def start_group() -> subprocess.Popen[bytes]:
    """A process in a group of its own."""
    return subprocess.Popen(["sleep", "600"], preexec_fn=os.setpgrp)  # noqa: PLW1509 - no threads here


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    (tmp_path / "scratch" / "deep").mkdir(parents=True)
    return tmp_path / "scratch"


def test_at_the_end_it_kills_what_is_left_even_if_stopped_and_removes_the_folder(scratch: Path) -> None:
    reaper = Reaper(scratch)
    running, stopped, gone = start_group(), start_group(), start_group()
    os.kill(stopped.pid, signal.SIGSTOP)
    for process in (running, stopped, gone):
        reaper.add(process.pid)
    gone.kill()
    gone.wait()
    reaper.remove(gone.pid)
    assert is_running(running.pid)

    reaper.close()

    assert (running.wait(10), stopped.wait(10)) == (-signal.SIGKILL, -signal.SIGKILL)
    assert not scratch.exists()


def test_a_group_that_is_gone_is_not_killed_in_place_of_a_newer_one_of_its_number(scratch: Path) -> None:
    reaper = Reaper(scratch)
    other = start_group()
    reaper.add(other.pid)
    reaper.remove(other.pid)
    reaper.close()

    assert is_running(other.pid)
    other.kill()
    other.wait()


def test_a_group_that_does_not_exist_is_no_error(scratch: Path) -> None:
    process = start_group()
    process.kill()
    process.wait()
    reaper = Reaper(scratch)
    reaper.add(process.pid)
    reaper.close()

    assert not scratch.exists()


CRASHES = """
import os, subprocess, sys
from pathlib import Path
from lambda_streamify_emulator.processes.reaper import Reaper
reaper = Reaper(Path(sys.argv[1]))
child = subprocess.Popen(["sleep", "600"], preexec_fn=os.setpgrp, stdout=subprocess.DEVNULL)
reaper.add(child.pid)
print(child.pid, reaper._process.pid, flush=True)
os.kill(0 if sys.argv[2] == "group" else os.getpid(), int(sys.argv[3]))
sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("whom", "number"),
    [("emulator", signal.SIGKILL), ("group", signal.SIGTERM), ("group", signal.SIGHUP), ("group", signal.SIGINT)],
)
def test_an_emulator_that_is_killed_is_cleaned_up_after(scratch: Path, whom: str, number: int) -> None:
    emulator = subprocess.Popen(
        [sys.executable, "-c", CRASHES, str(scratch), whom, str(int(number))],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=os.setpgrp,  # noqa: PLW1509 - no threads here
    )
    output, _ = emulator.communicate(timeout=20)  # returns when the reaper ends, since it has the pipe open

    child = int(output.split()[0])
    wait_until(lambda: not is_running(child), "the end of the sandbox")
    assert not scratch.exists()


def test_it_is_a_program_of_its_own(scratch: Path) -> None:
    subprocess.run([sys.executable, "-I", "-S", program, scratch], input=b"", check=True, timeout=20)

    assert not scratch.exists()


DAEMON = """
import os
if os.fork():
    os._exit(0)
os.setsid()
print(os.getpid(), flush=True)
os.close(1)
os.execvp("sleep", ["sleep", "600"])
"""


def start_daemon(mark: str) -> int:
    """A process that has left its group and its parent, with a variable in its environment."""
    command = [sys.executable, "-ISc", DAEMON]
    name, _, value = mark.partition("=")
    started = subprocess.run(command, env={**os.environ, name: value}, stdout=subprocess.PIPE, check=True)
    return int(started.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="it finds in /proc what has left its group")
def test_processes_that_left_the_group_end_with_it_and_others_live(scratch: Path) -> None:
    reaper = Reaper(scratch)
    first, second = start_daemon("MARK=first"), start_daemon("MARK=second")
    try:
        for mark, group in (("MARK=first", 2**22 + 1), ("MARK=second", 2**22 + 2)):  # no process has such a number
            reaper.add(group, mark)
        reaper.remove(2**22 + 1)
        wait_until(lambda: not is_running(first), "the end of what belongs to the group that is gone")
        assert is_running(second)

        reaper.close()
        wait_until(lambda: not is_running(second), "the end of all")
    finally:
        for process in (first, second):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def test_at_the_end_it_runs_each_program_once_and_one_that_is_missing_is_no_error(
    scratch: Path, tmp_path: Path
) -> None:
    reaper = Reaper(scratch)
    said = tmp_path / "said"
    reaper.run_at_end([str(tmp_path / "missing")], {})
    for _ in range(2):
        reaper.run_at_end(["/bin/sh", "-c", 'echo "$WORD" >> "$0"', str(said)], {"WORD": "swept"})
    assert not said.exists()

    reaper.close()

    assert said.read_text() == "swept\n"
    assert not scratch.exists()
