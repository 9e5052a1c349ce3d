"""However the emulator ends, it takes along what it started and what that has started, and its temporary files."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import Popen

import pytest

from emulator_process import RUNTIME, EmulatorProcess, emulating
from gate import Gate
from process_table import is_running, is_stopped, parent
from url_client import Wire, request, wire
from waiting import TIMEOUT_S, wait_until

Process = Popen[bytes]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks for processes in /proc")


def interrupt(process: Process) -> None:
    process.send_signal(signal.SIGINT)


def terminate(process: Process) -> None:
    process.send_signal(signal.SIGTERM)


def hang_up(process: Process) -> None:
    process.send_signal(signal.SIGHUP)


def press_ctrl_c(process: Process) -> None:
    """Do as a terminal does: it tells the whole foreground process group."""
    os.killpg(process.pid, signal.SIGINT)


def kill(process: Process) -> None:
    process.send_signal(signal.SIGKILL)


def kill_group(process: Process) -> None:
    os.killpg(process.pid, signal.SIGKILL)


every_end = pytest.mark.parametrize(
    ("end", "status"),
    [(interrupt, 0), (terminate, 0), (hang_up, 0), (press_ctrl_c, 0), (kill, -9), (kill_group, -9)],
)


@contextmanager
def streaming(emulator: EmulatorProcess) -> Iterator[tuple[Wire, set[int]]]:
    """Have a function amid its stream; give the client's connection, and the processes of the function."""
    with Gate() as gate, wire(emulator.urls["cases"], "/hangs", gate=gate.address) as stream:
        stream.read_until(b"\r\n\r\n")
        stream.read_until(b"\r\n")
        yield stream, {int(process) for process in stream.read_until(b"\n").split()}


@every_end
def test_nothing_outlives_an_emulator_with_functions_that_stream_and_that_are_idle(
    tmp_path: Path, cache: Path, end: Callable[[Process], None], status: int
) -> None:
    with emulating(tmp_path, cache) as emulator:
        child_of_idle = request(emulator.urls["brief"], "/leaves_sleeper").json()
        idle = parent(child_of_idle)
        # It is frozen with what it has started: neither can end by itself.
        wait_until(lambda: is_stopped(idle) and is_stopped(child_of_idle), "the stop of what is idle")
        with streaming(emulator) as (stream, processes):
            everything = {idle, child_of_idle, emulator.process.pid, *processes}
            assert len(everything) == 5
            assert everything < emulator.processes()  # one more waits for the emulator's end

            end(emulator.process)

            assert emulator.wait_until_ended() == status
            emulator.assert_nothing_is_left()
            assert not any(map(is_running, everything))
            rest = b"".join(stream.read_on())  # which ends
            assert rest in {b"", b"\r\n", b"\r\n0\r\n\r\n"}
    assert "Traceback" not in emulator.log()


def test_nothing_outlives_an_emulator_that_was_never_used(tmp_path: Path, cache: Path) -> None:
    with emulating(tmp_path, cache) as emulator:
        assert list(emulator.scratch.iterdir())

        kill(emulator.process)

        emulator.wait_until_ended()
        emulator.assert_nothing_is_left()


SLOW_LAYER = f"""\
Resources:
  Layer:
    Type: AWS::Serverless::LayerVersion
    Metadata: {{BuildMethod: makefile}}
    Properties: {{LayerName: streamify, ContentUri: layer}}
  Function:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.handler
      CodeUri: .
      Runtime: {RUNTIME}
      Layers: [!Ref Layer]
      Environment: {{Variables: {{AWS_LAMBDA_EXEC_WRAPPER: /opt/streamify}}}}
Parameters: {{PythonRuntime: {{Type: String}}}}
"""


@every_end
def test_an_emulator_that_ends_while_it_builds_serves_nothing_and_leaves_nothing(
    tmp_path: Path, cache: Path, end: Callable[[Process], None], status: int
) -> None:
    (tmp_path / "layer").mkdir()
    building = tmp_path / "building"
    (tmp_path / "layer" / "Makefile").write_text(f"build-Layer:\n\ttouch {building}\n\tsleep 600 && true\n")
    (tmp_path / "template.yaml").write_text(SLOW_LAYER)
    command = ("--exec", f"touch {tmp_path}/ran")
    emulator = EmulatorProcess(tmp_path / "template.yaml", tmp_path, cache, *command)
    try:
        wait_until(building.exists, "the layer's make")
        assert emulator.process.stdout is not None

        end(emulator.process)

        assert emulator.process.wait(TIMEOUT_S) == status
        assert emulator.process.stdout.read() == b""
        emulator.assert_nothing_is_left()
        assert not (tmp_path / "ran").exists()
        assert emulator.log() == ""
    finally:
        emulator.kill()


def test_the_command_that_it_runs_does_not_outlive_an_emulator_that_is_killed(tmp_path: Path, cache: Path) -> None:
    with emulating(tmp_path, cache, "--exec", "sleep 600 && true") as emulator:
        kill(emulator.process)

        emulator.wait_until_ended()
        emulator.assert_nothing_is_left()


def test_functions_that_do_not_want_to_end_keep_the_emulator_from_nothing(tmp_path: Path, cache: Path) -> None:
    with (
        emulating(tmp_path, cache) as emulator,
        Gate() as gate,
        wire(emulator.urls["cases"], "/hangs_stubbornly", gate=gate.address) as stream,
    ):
        stream.read_until(b"stubborn\n")  # it ignores SIGTERM
        terminate(emulator.process)

        assert emulator.wait_until_ended() == 0
        emulator.assert_nothing_is_left()


@every_end
def test_what_has_left_its_function_s_group_does_not_outlive_the_emulator(
    tmp_path: Path, cache: Path, end: Callable[[Process], None], status: int
) -> None:
    with emulating(tmp_path, cache) as emulator:
        daemon = request(emulator.urls["brief"], "/leaves_daemon").json()  # it holds the function's log, too
        try:
            assert is_running(daemon)

            end(emulator.process)

            assert emulator.wait_until_ended() == status
            wait_until(lambda: not is_running(daemon), "the end of the daemon")
        finally:
            with suppress(ProcessLookupError):
                os.kill(daemon, signal.SIGKILL)
