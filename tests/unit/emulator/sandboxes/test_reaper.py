import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lambda_streamify_emulator.sandboxes.reaper import Reaper
from lambda_streamify_emulator.sandboxes.reaper import __file__ as program
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
from lambda_streamify_emulator.sandboxes.reaper import Reaper
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
    output, _ = emulator.communicate(timeout=20)  # ends when the reaper does, which holds the pipe

    child = int(output.split()[0])
    wait_until(lambda: not is_running(child), "the end of the sandbox")
    assert not scratch.exists()


def test_it_is_a_program_of_its_own(scratch: Path) -> None:
    subprocess.run([sys.executable, "-I", "-S", program, scratch], input=b"", check=True, timeout=20)

    assert not scratch.exists()
