import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from lambda_streamify_emulator.sandboxes import freezer
from lambda_streamify_emulator.sandboxes.freezer import freeze, send_signal, thaw
from process_table import is_stopped
from waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it reads the states of processes in /proc")


@pytest.fixture
def group() -> Iterator[int]:
    """A process group of one process that sleeps."""
    process = subprocess.Popen(["sleep", "600"], preexec_fn=os.setpgrp)  # noqa: PLW1509 - no threads here
    yield process.pid
    process.kill()
    process.wait()


def test_a_group_stops_and_goes_on(group: int) -> None:
    assert freeze(group)
    wait_until(lambda: is_stopped(group), "the stop")
    thaw(group)
    wait_until(lambda: not is_stopped(group), "its going on")


def test_a_group_that_is_gone_cannot_be_stopped() -> None:
    with subprocess.Popen(["true"], preexec_fn=os.setpgrp) as process:  # noqa: PLW1509 - no threads here
        pass

    assert not freeze(process.pid)
    assert not send_signal(process.pid, signal.SIGKILL)


def test_a_process_that_a_debugger_has_attached_to_is_not_stopped(group: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freezer, "read", lambda _: b"Name:\tsleep\nTracerPid:\t17\n")

    assert not freeze(group)
    assert not is_stopped(group)
