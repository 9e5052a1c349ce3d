"""Sandboxes with extensions: real processes, in the order in which Lambda has them start, work and end."""

import asyncio
import errno
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from asynchronous import run
from gate import Gate
from lambda_streamify_emulator.extensions import host
from lambda_streamify_emulator.extensions import programs as programs_module
from lambda_streamify_emulator.invocations.invocation import Invocation
from lambda_streamify_emulator.processes.groups import start_in_group
from lambda_streamify_emulator.processes.reaper import Reaper
from lambda_streamify_emulator.sandboxes.environment import Folders
from lambda_streamify_emulator.sandboxes.function_package import Package
from lambda_streamify_emulator.sandboxes.sandbox import Sandbox
from process_table import is_running, is_stopped
from processes import ROOT
from shared_reaper import shared_reaper
from tiny_runtime import SAY_HALF, SAY_PROCESS, WAIT, body, make_package, reported, running, with_variables

OPT = ROOT / "tests" / "data" / "extensions" / "opt"
FINISH = "api.sock.sendall(b'4\\r\\nrest\\r\\n0\\r\\n\\r\\n'); api.getresponse().read()"
AT_GATE = """
import socket
gate = socket.create_connection(({host!r}, {port}))
gate.sendall(b"?")
gate.recv(1)
"""
# An internal extension: a thread of the runtime's process.
INTERNAL = """
import threading
extension = "/2020-01-01/extension/"
own = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
own.request("POST", extension + "register", json.dumps({"events": ["INVOKE"]}), {"Lambda-Extension-Name": "inner"})
reply = own.getresponse(); reply.read()
fields = {"Lambda-Extension-Identifier": reply.headers["Lambda-Extension-Identifier"]}
def follow():
    while True:
        own.request("GET", extension + "event/next", None, fields)
        print("inner", json.loads(own.getresponse().read())["eventType"], flush=True)
threading.Thread(target=follow, daemon=True).start()
"""


class Stage:
    """A sandbox with extensions, its log and its callbacks."""

    def __init__(self, package: Package, reaper: Reaper) -> None:
        self.log: list[str] = []
        self.idle = asyncio.Event()
        self.gone = asyncio.Event()
        self.sandbox = Sandbox(package, reaper, self.note, lambda _: self.idle.set(), lambda _: self.gone.set())
        self._logged = asyncio.Event()

    def note(self, line: str) -> None:
        """Take a line of the log."""
        self.log.append(line)
        self._logged.set()

    async def logged(self, text: str) -> str:
        """Wait for a line with this text."""
        while not (found := [line for line in self.log if text in line]):
            self._logged.clear()
            await self._logged.wait()
        return found[0]

    async def run(self, code: str) -> Invocation:
        """Start the sandbox with the code as its first invocation."""
        invocation = running(code)
        await self.sandbox.start(invocation)
        return invocation

    def events(self) -> list[dict[str, Any]]:
        """Return the events that the watcher got."""
        return [json.loads(line.removeprefix("event ")) for line in self.log if line.startswith("event ")]

    def telemetry(self) -> list[dict[str, Any]]:
        """Return what the watcher got of its subscription."""
        return [json.loads(line.removeprefix("telemetry ")) for line in self.log if line.startswith("telemetry ")]

    def kinds(self) -> list[str]:
        """Return the lines by their first words."""
        return [re.split(r"[ \t]", line)[0] for line in self.log]


def with_extensions(folder: Path, init: str = "", *, opt: Path = OPT, timeout: int = 30, **variables: str) -> Package:
    """Return a function with the extensions of the folder `opt`."""
    package = make_package(folder, init, timeout=timeout)
    package = replace(package, folders=Folders(opt, folder, folder))
    return with_variables(package, **package.function.environment, **variables)


def layer(folder: Path, **programs: str) -> Path:
    """Return a folder that replaces /opt, with these shell scripts as extensions."""
    (folder / "opt" / "extensions").mkdir(parents=True)
    for name, code in programs.items():
        program = folder / "opt" / "extensions" / name
        program.write_text(f"#!/bin/sh\n{code}\n")
        program.chmod(0o755)
    return folder / "opt"


@asynccontextmanager
async def staged(package: Package) -> AsyncIterator[Stage]:
    stage = Stage(package, shared_reaper())
    try:
        yield stage
    finally:
        await stage.sandbox.stop()


# --- the order of things ---------------------------------------------------------------------------------------------


def test_an_external_extension_starts_before_the_runtime_and_follows_each_invocation_and_the_end(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        async with staged(with_extensions(tmp_path, "print('init', flush=True)")) as stage:
            first = await stage.run(SAY_PROCESS)
            process = await body(first)
            await stage.idle.wait()
            stage.idle.clear()
            second = running(SAY_PROCESS)
            stage.sandbox.invoke(second)
            assert await body(second) == process
            await stage.idle.wait()
            await stage.sandbox.stop()

            kinds = ["registered", "init", "EXTENSION"]
            kinds += ["START", "event", "END", "REPORT"] * 2
            assert stage.kinds() == [*kinds, "event"]
            assert json.loads(stage.log[0].removeprefix("registered ")) == {
                "functionName": "tiny",
                "functionVersion": "$LATEST",
                "handler": "app.handler",
                "accountId": "123456789012",
            }
            assert stage.log[2] == "EXTENSION\tName: watcher\tState: Ready\tEvents: [INVOKE, SHUTDOWN]"
            *invoked, end = stage.events()
            for event, invocation in zip(invoked, (first, second), strict=True):
                assert event.pop("deadlineMs") > 0
                assert event == {
                    "eventType": "INVOKE",
                    "requestId": invocation.request_id,
                    "invokedFunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:tiny",
                    "tracing": {"type": "X-Amzn-Trace-Id", "value": invocation.trace_id},
                }
            assert end.pop("deadlineMs") > 0
            assert end == {"eventType": "SHUTDOWN", "shutdownReason": "spindown"}

    run(main())


def test_the_client_has_the_end_while_the_invocation_waits_for_the_extension(tmp_path: Path) -> None:
    async def main() -> None:
        with Gate() as gate:
            async with staged(with_extensions(tmp_path, WATCHER_GATE=gate.address)) as stage:
                invocation = await stage.run(SAY_PROCESS)
                process = int(await body(invocation))
                assert invocation.channel.error is None
                await asyncio.to_thread(gate.wait_for_function)  # the extension works

                assert not stage.idle.is_set()
                assert not is_stopped(process)
                assert stage.kinds()[-2:] == ["START", "event"]
                gate.open_for_waiting()
                await stage.idle.wait()
                assert stage.kinds()[-4:] == ["START", "event", "END", "REPORT"]

    run(main())


@pytest.mark.skipif(sys.platform != "linux", reason="it reads the states of processes in /proc")
def test_extensions_are_in_the_process_group_that_is_frozen(tmp_path: Path) -> None:
    async def main() -> None:
        opt = tmp_path / "opt"
        shutil.copytree(OPT, opt)
        async with staged(with_extensions(tmp_path, opt=opt, WATCHER_DOES="print('process', os.getpid())")) as stage:
            runtime = int(await body(await stage.run(SAY_PROCESS)))
            await stage.idle.wait()

            extension = int(next(line for line in stage.log if line.startswith("process ")).split()[1])
            assert os.getpgid(extension) == os.getpgid(runtime) != os.getpgid(0)
            while not (is_stopped(extension) and is_stopped(runtime)):  # noqa: ASYNC110 - a signal takes time
                await asyncio.sleep(0.001)

    run(main())


def test_an_internal_extension_follows_the_invocations_of_its_process(tmp_path: Path) -> None:
    async def main() -> None:
        package = make_package(tmp_path, INTERNAL)
        async with staged(package) as stage:
            await body(await stage.run(SAY_PROCESS))
            await stage.idle.wait()

            assert stage.log[0] == "EXTENSION\tName: inner\tState: Ready\tEvents: [INVOKE]"
            assert stage.kinds() == ["EXTENSION", "START", "inner", "END", "REPORT"]

    run(main())


def test_an_extension_that_wants_no_event_holds_nothing_up(tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(with_extensions(tmp_path, WATCHER_EVENTS="")) as stage:
            await body(await stage.run(SAY_PROCESS))
            await stage.idle.wait()
            await stage.sandbox.stop()

            assert stage.kinds() == ["registered", "EXTENSION", "START", "END", "REPORT"]
            assert stage.log[1] == "EXTENSION\tName: watcher\tState: Ready\tEvents: []"

    run(main())


def test_an_extension_sees_the_functions_variables_without_those_of_the_runtime(tmp_path: Path) -> None:
    async def main() -> None:
        does = "print('variables', json.dumps(dict(os.environ)))"
        async with staged(with_extensions(tmp_path, WATCHER_DOES=does, MINE="yes")) as stage:
            await body(await stage.run(SAY_PROCESS))

            variables = json.loads((await stage.logged("variables ")).removeprefix("variables "))
            assert variables["MINE"] == "yes"
            assert variables["AWS_LAMBDA_FUNCTION_NAME"] == "tiny"
            assert variables["AWS_LAMBDA_RUNTIME_API"].startswith("127.0.0.1:")
            assert not {"_HANDLER", "LAMBDA_TASK_ROOT", "AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_STREAM_NAME"} & set(
                variables
            )

    run(main())


# --- telemetry -------------------------------------------------------------------------------------------------------


def test_runtime_done_is_sent_after_the_last_chunk(tmp_path: Path) -> None:
    """The watcher ends the invocation only when it has seen the event, and the test holds the stream until then."""

    async def main() -> None:
        with Gate() as gate:
            host_name, _, port = gate.address.partition(":")
            at_gate = AT_GATE.format(host=host_name, port=port)
            package = with_extensions(
                tmp_path, WATCHER_TYPES="platform function", WATCHER_AWAITS="platform.runtimeDone"
            )
            async with staged(package) as stage:
                code = f"print('begins', flush=True)\n{SAY_HALF}{at_gate}{FINISH}"
                invocation = await stage.run(code)
                await invocation.channel.wait_for_start()
                pieces = invocation.channel.pieces()
                assert await anext(pieces) == b"half"
                await asyncio.to_thread(gate.wait_for_function)
                await stage.logged('"begins"')  # so events of this invocation do arrive while the stream is held
                assert not [event for event in stage.telemetry() if event["type"] == "platform.runtimeDone"]
                assert not stage.idle.is_set()

                gate.open_for_waiting()
                assert b"".join([piece async for piece in pieces]) == b"rest"
                await stage.idle.wait()
                kinds = [event["type"] for event in stage.telemetry()]
                assert kinds == [
                    "platform.initStart",
                    "platform.telemetrySubscription",
                    "platform.initRuntimeDone",
                    "platform.extension",
                    "platform.initReport",
                    "platform.start",
                    "function",
                    "platform.runtimeDone",
                ]
                done = stage.telemetry()[-1]["record"]
                assert (done["requestId"], done["status"]) == (invocation.request_id, "success")
                assert done["metrics"]["producedBytes"] == 8
                assert done["metrics"]["durationMs"] > 0
                spans = [span["name"] for span in done["spans"]]
                assert spans == ["responseLatency", "responseDuration", "runtimeOverhead"]

    run(main())


def test_the_report_of_an_invocation_comes_with_the_next_one(tmp_path: Path) -> None:
    async def main() -> None:
        package = with_extensions(tmp_path, WATCHER_TYPES="platform", WATCHER_AWAITS="platform.runtimeDone")
        async with staged(package) as stage:
            first = await stage.run(SAY_PROCESS)
            await body(first)
            await stage.idle.wait()
            stage.idle.clear()
            second = running(SAY_PROCESS)
            stage.sandbox.invoke(second)
            await stage.idle.wait()

            reports = [event["record"] for event in stage.telemetry() if event["type"] == "platform.report"]
            assert [report["requestId"] for report in reports] == [first.request_id]
            assert reports[0]["metrics"]["memorySizeMB"] == 128
            assert reports[0]["metrics"]["initDurationMs"] > 0
            assert [span["name"] for span in reports[0]["spans"]] == ["extensionOverhead"]

    run(main())


# --- failures --------------------------------------------------------------------------------------------------------


async def failed(invocation: Invocation) -> tuple[str, str]:
    """Return type and message of the error that an invocation ends with."""
    assert b"".join([piece async for piece in invocation.channel.pieces()]) == b""
    return reported(invocation)


@pytest.mark.parametrize(
    ("code", "message"),
    [("exit 3", "exit status 3"), ("exit 0", "exit code 0"), ("kill -9 $$", "signal: killed")],
)
def test_an_extension_that_ends_before_it_registers_fails_the_sandbox(tmp_path: Path, code: str, message: str) -> None:
    async def main() -> None:
        async with staged(with_extensions(tmp_path, opt=layer(tmp_path, broken=code))) as stage:
            invocation = await stage.run(SAY_PROCESS)
            assert await failed(invocation) == ("Extension.Crash", message)
            await stage.gone.wait()
            assert stage.log[:2] == [
                f"the extension broken ends this sandbox: {message}",
                "EXTENSION\tName: broken\tState: Started\tEvents: []",
            ]
            assert stage.log[2:4] == [f"RequestId: {invocation.request_id} Error: {message}", "Extension.Crash"]
            assert stage.log[-1].endswith("Status: error\tError Type: Extension.Crash\t")

    run(main())


def test_a_file_that_cannot_be_executed_fails_the_sandbox(tmp_path: Path) -> None:
    opt = layer(tmp_path, broken="")
    (opt / "extensions" / "broken").chmod(0o644)

    async def main() -> None:
        async with staged(with_extensions(tmp_path, opt=opt)) as stage:
            message = "fork/exec /opt/extensions/broken: permission denied"
            assert await failed(await stage.run(SAY_PROCESS)) == ("Extension.LaunchError", message)
            await stage.gone.wait()
            assert "EXTENSION\tName: broken\tState: LaunchError\tEvents: []\tError Type: PermissionDenied" in stage.log

    run(main())


def test_an_eleventh_extension_fails_the_sandbox(tmp_path: Path) -> None:
    opt = layer(tmp_path, **{f"e{number:02}": "sleep 600" for number in range(11)})

    async def main() -> None:
        async with staged(with_extensions(tmp_path, opt=opt)) as stage:
            answer = ("Extension.LaunchError", "ErrTooManyExtensions")
            assert await failed(await stage.run(SAY_PROCESS)) == answer

    run(main())


REPORT = (
    "call('POST', '/2020-01-01/extension/{}/error', {{'Lambda-Extension-Identifier': identifier, "
    "'Lambda-Extension-Function-Error-Type': 'Extension.NoKey'}}, {{}}); {}"
)


@pytest.mark.parametrize(("phase", "error_type"), [("init", "Extension.InitError"), ("exit", "Extension.ExitError")])
def test_an_error_that_an_extension_reports_before_it_ends_fails_the_sandbox(
    tmp_path: Path, phase: str, error_type: str
) -> None:
    async def main() -> None:
        does = REPORT.format(phase, "sys.exit(1)")
        async with staged(with_extensions(tmp_path, WATCHER_DOES=does)) as stage:
            assert await failed(await stage.run(WAIT)) == (error_type, "exit status 1")
            assert "the extension watcher reports the error Extension.NoKey" in stage.log

    run(main())


def test_an_extension_that_reports_an_error_and_does_not_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "ERROR_TIMEOUT_S", 0.05)
    monkeypatch.setattr(host, "SHUTDOWN_TIMEOUT_S", 0.1)

    async def main() -> None:
        does = REPORT.format("init", "signal.pause()").replace("call", "import signal; call", 1)
        async with staged(with_extensions(tmp_path, WATCHER_DOES=does)) as stage:
            assert await failed(await stage.run(WAIT)) == ("Extension.InitError", "Extension.NoKey")

    run(main())


def test_an_extension_that_crashes_within_a_stream_leaves_what_was_sent(tmp_path: Path) -> None:
    async def main() -> None:
        with Gate() as gate:
            async with staged(with_extensions(tmp_path, WATCHER_GATE=gate.address)) as stage:
                invocation = await stage.run(SAY_HALF + WAIT)
                await invocation.channel.wait_for_start()
                await asyncio.to_thread(gate.wait_for_function)
                extension = stage.sandbox._extensions.process_ids[0]  # noqa: SLF001
                os.kill(extension, signal.SIGKILL)

                assert await body(invocation) == b"half"
                assert reported(invocation) == ("Extension.Crash", "signal: killed")

    run(main())


@pytest.mark.parametrize(
    ("code", "timeout", "reason"), [("os._exit(3)", 30, "failure"), (SAY_HALF + WAIT, 1, "timeout")]
)
def test_shutdown_tells_the_extension_why(tmp_path: Path, code: str, timeout: int, reason: str) -> None:
    async def main() -> None:
        package = with_extensions(tmp_path, timeout=timeout, WATCHER_TYPES="platform")
        async with staged(package) as stage:
            await stage.run(code)
            await stage.gone.wait()

            assert stage.events()[-1]["shutdownReason"] == reason
            assert stage.kinds()[-2:] == ["END", "REPORT"]

    run(main())


def test_the_runtime_gets_sigterm_before_the_extension_gets_shutdown(tmp_path: Path) -> None:
    init = "signal.signal(signal.SIGTERM, lambda *_: (print('SIGTERM', flush=True), os._exit(0)))"

    async def main() -> None:
        async with staged(with_extensions(tmp_path, init)) as stage:
            await body(await stage.run(SAY_PROCESS))
            await stage.idle.wait()
            await stage.sandbox.stop()

            assert stage.kinds()[-2:] == ["SIGTERM", "event"]
            assert stage.events()[-1]["eventType"] == "SHUTDOWN"

    run(main())


def test_an_extension_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "SHUTDOWN_TIMEOUT_S", 0.2)
    monkeypatch.setattr(host, "RUNTIME_SHUTDOWN_TIMEOUT_S", 0.1)

    async def main() -> None:
        with Gate() as gate:
            package = with_extensions(tmp_path, WATCHER_GATE=gate.address)
            async with staged(package) as stage:
                await body(await stage.run(SAY_PROCESS))
                await asyncio.to_thread(gate.wait_for_function)  # where it stays
                extension = stage.sandbox._extensions.process_ids[0]  # noqa: SLF001
                await stage.sandbox.stop()

                assert stage.gone.is_set()
                assert not is_running(extension)

    run(main())


def test_a_sandbox_that_is_stopped_while_its_extensions_start_does_not_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "SHUTDOWN_TIMEOUT_S", 0.2)

    async def main() -> None:
        async with staged(with_extensions(tmp_path, opt=layer(tmp_path, slow="sleep 600"))) as stage:
            invocation = await stage.run(SAY_PROCESS)
            await stage.sandbox.stop()

            assert stage.gone.is_set()
            assert invocation.channel.ended

    run(main())


def test_a_runtime_that_cannot_be_started_beside_extensions_fails_the_invocation(tmp_path: Path) -> None:
    package = with_extensions(tmp_path)
    package = with_variables(replace(package, interpreter=tmp_path / "nil"), AWS_LAMBDA_EXEC_WRAPPER="")

    async def main() -> None:
        async with staged(package) as stage:
            message = f"{tmp_path}/nil does not start: No such file or directory"
            assert await failed(await stage.run("")) == ("Runtime.InvalidEntrypoint", message)

    run(main())


def test_without_a_free_file_descriptor_nothing_is_left_of_the_extensions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one runs already when the limit is reached."""
    opt = layer(tmp_path, first="exec sleep 600", second="exec sleep 600")
    started: list[int] = []

    async def limited(group: int, program: Path, **options: Any) -> asyncio.subprocess.Process:
        if started:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        process = await start_in_group(group, program, **options)
        started.append(process.pid)
        return process

    monkeypatch.setattr(programs_module, "start_in_group", limited)

    async def main() -> None:
        reaper = Reaper(tmp_path / "scratch")
        stage = Stage(with_extensions(tmp_path, opt=opt), reaper)
        with pytest.raises(OSError, match="Too many open files"):
            await stage.run(SAY_PROCESS)
        assert not is_running(started[0])
        reaper.close()

    run(main())
