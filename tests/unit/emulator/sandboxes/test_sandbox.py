import _ctypes
import asyncio
import json
import os
import re
import shutil
import signal
import sys
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from asynchronous import run
from lambda_streamify_emulator.invocations.channel import FunctionError, FunctionFailed
from lambda_streamify_emulator.invocations.invocation import Invocation
from lambda_streamify_emulator.invocations.limits import UNLIMITED
from lambda_streamify_emulator.processes.output import LINE_LIMIT_BYTES
from lambda_streamify_emulator.processes.reaper import Reaper
from lambda_streamify_emulator.runtime_api import server as runtime_api
from lambda_streamify_emulator.sandboxes import sandbox as module
from lambda_streamify_emulator.sandboxes.environment import INITIALIZATION_TYPE, Folders, sandbox_environment
from lambda_streamify_emulator.sandboxes.function_package import Package
from lambda_streamify_emulator.sandboxes.sandbox import Sandbox
from lambda_streamify_emulator.settings import DEFAULTS, Settings
from process_table import is_running, is_stopped
from shared_reaper import shared_reaper
from tiny_runtime import SAY_HALF, SAY_PROCESS, WAIT, body, make_package, reported, running, with_variables


class Stage:
    """A sandbox, its log and its callbacks."""

    def __init__(self, package: Package, reaper: Reaper, settings: Settings) -> None:
        self.log: list[str] = []
        self.sandbox = Sandbox(package, reaper, self.log.append, self._note_idle, self._note_gone, settings=settings)
        self.idle = asyncio.Event()
        self.gone = asyncio.Event()

    @property
    def lines(self) -> list[str]:
        """The log without the platform's lines."""
        return [line for line in self.log if not re.match(r"(START|END|REPORT) RequestId: ", line)]

    async def run(self, code: str) -> Invocation:
        """Start the sandbox with the code as its first invocation."""
        invocation = running(code)
        await self.sandbox.start(invocation)
        return invocation

    def _note_idle(self, sandbox: Sandbox) -> None:
        assert sandbox is self.sandbox
        assert not self.idle.is_set()
        self.idle.set()

    def _note_gone(self, sandbox: Sandbox) -> None:
        assert sandbox is self.sandbox
        assert not self.gone.is_set()
        self.gone.set()


@asynccontextmanager
async def staged(package: Package, settings: Settings = DEFAULTS) -> AsyncIterator[Stage]:
    stage = Stage(package, shared_reaper(), settings)
    try:
        yield stage
    finally:
        await stage.sandbox.stop()


async def failure(invocation: Invocation) -> tuple[str, str]:
    """Return the type and message of the error that replaced the response."""
    with pytest.raises(FunctionFailed):
        await invocation.channel.wait_for_start()
    return reported(invocation)


# --- warm and cold ---------------------------------------------------------------------------------------------------


def test_it_starts_cold_and_stays_warm(tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(make_package(tmp_path)) as stage:
            first = await body(await stage.run(SAY_PROCESS))
            for _ in range(3):
                await stage.idle.wait()
                stage.idle.clear()
                invocation = running(SAY_PROCESS)
                stage.sandbox.invoke(invocation)
                assert await body(invocation) == first
                assert invocation.channel.error is None

            assert not stage.gone.is_set()
        assert stage.gone.is_set()
        assert not is_running(int(first))

    run(main())


def test_the_process_has_lambdas_environment_alone_and_a_group_of_its_own(tmp_path: Path) -> None:
    code = "respond(json.dumps([dict(os.environ), os.getcwd(), os.getpgrp() == os.getpid(), sys.argv]).encode())"
    package = make_package(tmp_path)

    async def main() -> None:
        async with staged(package) as stage:
            environment, folder, leads_its_group, arguments = json.loads(await body(await stage.run(code)))

            log_stream, address = environment["AWS_LAMBDA_LOG_STREAM_NAME"], environment["AWS_LAMBDA_RUNTIME_API"]
            expected = sandbox_environment(package.function, package.folders, package.interpreter, log_stream, address)
            for name in ("LC_CTYPE", "OLDPWD", "_"):  # Python's own (PEP 538), and what some shells add
                environment.pop(name, None)
            assert environment == expected
            assert log_stream.startswith("local/")
            assert folder == str(tmp_path)
            assert leads_its_group
            assert arguments == [str(tmp_path / "runtime"), str(package.interpreter), f"{tmp_path}/bootstrap.py"]

    run(main())


def test_without_a_wrapper_the_interpreter_starts_the_bootstrap_of_the_runtime_folder(tmp_path: Path) -> None:
    package = with_variables(make_package(tmp_path), NONE="")
    (tmp_path / "bootstrap.py").write_text("print('this is the bootstrap')")

    async def main() -> None:
        async with staged(package) as stage:
            assert (await failure(await stage.run("")))[0] == "Runtime.ExitError"
            assert stage.lines[0] == "this is the bootstrap"

    run(main())


def test_a_wrapper_without_an_interpreter_line_is_a_shell_script_as_on_lambda(tmp_path: Path) -> None:
    package = make_package(tmp_path)
    (tmp_path / "plain").write_text('echo "started plainly"\nexec "${0%/*}/runtime" "$@"\n')
    (tmp_path / "plain").chmod(0o755)
    package = with_variables(package, AWS_LAMBDA_EXEC_WRAPPER=str(tmp_path / "plain"))

    async def main() -> None:
        async with staged(package) as stage:
            assert await body(await stage.run("respond(b'x')")) == b"x"
            await stage.idle.wait()
            assert stage.lines == ["started plainly"]

    run(main())


UNUSABLE = [
    (Path.unlink, "does not exist", 127),
    (lambda path: path.chmod(0o644), "is not an executable", 126),
]


@pytest.mark.parametrize(("spoil", "problem", "status"), UNUSABLE)
def test_a_wrapper_that_cannot_be_used_ends_the_process_as_on_lambda(
    tmp_path: Path, spoil: Callable[[Path], None], problem: str, status: int
) -> None:
    package = make_package(tmp_path)
    spoil(tmp_path / "runtime")

    async def main() -> None:
        async with staged(package) as stage:
            message = f"Runtime exited with error: exit status {status}"
            assert await failure(await stage.run("")) == ("Runtime.ExitError", message)
            await stage.gone.wait()
            assert stage.lines == [f"{tmp_path}/runtime: {problem}", message]

    run(main())


def test_a_wrapper_that_no_layer_has_is_named_as_the_template_does(tmp_path: Path) -> None:
    package = with_variables(make_package(tmp_path), AWS_LAMBDA_EXEC_WRAPPER="/opt/nil")

    async def main() -> None:
        async with staged(package) as stage:
            await failure(await stage.run(""))
            await stage.gone.wait()
            assert stage.lines[:2] == ["no layer of the function has /opt/nil", "/opt/nil: does not exist"]

    run(main())


@pytest.mark.skipif(sys.platform != "linux", reason="dyld of macOS takes no notice of LD_LIBRARY_PATH")
@pytest.mark.parametrize("folder", ["opt/lib", "task/lib", "task"])
def test_a_shared_library_of_a_layer_or_of_the_code_is_found_by_its_name(tmp_path: Path, folder: str) -> None:
    package = make_package(tmp_path)
    folders = Folders(tmp_path / "opt", tmp_path / "task", tmp_path)
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "task").mkdir(exist_ok=True)
    library = f"{tmp_path}/{folder}/libmine-of-a-layer.so"
    shutil.copy(_ctypes.__file__, library)  # any shared library does
    package = replace(package, folders=folders)
    find = "import ctypes; ctypes.CDLL('libmine-of-a-layer.so'); maps = open('/proc/self/maps').read();"

    async def main() -> None:
        async with staged(package) as stage:
            found = await body(await stage.run(f"{find} respond(str({library!r} in maps).encode())"))
            assert found == b"True"

    run(main())


# --- output ----------------------------------------------------------------------------------------------------------


def lines_of(tmp_path: Path, code: str) -> list[str]:
    async def main() -> list[str]:
        async with staged(make_package(tmp_path)) as stage:
            await failure(await stage.run(code + "\nsys.stdout.flush(); os._exit(1)"))
            await stage.gone.wait()
            *lines, last = stage.lines
            assert last == "Runtime exited with error: exit status 1"
            return lines

    return run(main())


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("print('one'); print(); print('two')", ["one", "", "two"]),
        ("print('no end', end='')", ["no end"]),
        ("print('to the other', file=sys.stderr)", ["to the other"]),
        ("print('[ERROR] a\\rTraceback\\r  File')", ["[ERROR] a", "Traceback", "  File"]),
        ("print('dos', end='\\r\\n')", ["dos"]),
        ("os.write(1, b'gr\\xc3\\xbc\\xc3\\x9fe \\xff\\n')", ["grüße �"]),
        (f"print('x' * {LINE_LIMIT_BYTES - 1}); print('y')", ["x" * (LINE_LIMIT_BYTES - 1), "y"]),
    ],
)
def test_each_line_that_it_prints_is_logged(tmp_path: Path, code: str, lines: list[str]) -> None:
    assert lines_of(tmp_path, code) == lines


def test_a_line_without_end_is_logged_in_parts(tmp_path: Path) -> None:
    size = 3 * LINE_LIMIT_BYTES + 5

    found = lines_of(tmp_path, f"print('x' * {size}); print('y')")

    assert "".join(found) == "x" * size + "y"
    assert found[-1] == "y"
    assert all(found)
    assert max(map(len, found)) <= 3 * LINE_LIMIT_BYTES


# --- the platform's lines --------------------------------------------------------------------------------------------

TIMES = r"Duration: [\d.]+ ms\tBilled Duration: \d+ ms"
REPORT = rf"REPORT RequestId: {{}}\t{TIMES}\tMemory Size: 128 MB\tMax Memory Used: \d+ MB\t"


def assert_report(line: str, invocation: Invocation, rest: str = "") -> None:
    assert re.fullmatch(REPORT.format(invocation.request_id) + rest, line), line


def test_the_log_of_an_invocation_stands_between_the_platforms_lines(tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(make_package(tmp_path, init="print('init')")) as stage:
            code = "print('one'); print('two', file=sys.stderr); respond(b''); print('half a line', end='', flush=True)"
            first = await stage.run(code)
            await stage.idle.wait()
            stage.idle.clear()
            second = running("print('three'); respond(b'')")
            stage.sandbox.invoke(second)
            await stage.idle.wait()

            init, start, one, two, half, end, report, *log = stage.log
            assert [init, one, two, half] == ["init", "one", "two", "half a line"]
            assert start == f"START RequestId: {first.request_id} Version: $LATEST"
            assert end == f"END RequestId: {first.request_id}"
            assert_report(report, first, r"Init Duration: [\d.]+ ms\t")
            start, three, end, report = log
            assert start == f"START RequestId: {second.request_id} Version: $LATEST"
            assert (three, end) == ("three", f"END RequestId: {second.request_id}")
            assert_report(report, second)

    run(main())


HINT = "functions do not get your AWS credentials; to pass them on, use --with-credentials"


@pytest.mark.parametrize(
    ("kind", "report", "settings", "told"),
    [
        ("Function.NoCredentialsError", b"{}", DEFAULTS, [HINT]),
        ("Runtime.Unknown", b'{"errorType": "NoCredentialsError"}', DEFAULTS, [HINT]),
        ("Function.NoCredentialsError", b"{}", replace(DEFAULTS, with_credentials=True), []),
        ("Function.KeyError", b"{}", DEFAULTS, []),
    ],
)
def test_a_hint_about_credentials_is_logged_if_they_are_missing(
    tmp_path: Path, kind: str, report: bytes, settings: Settings, told: list[str]
) -> None:
    fields = {"Lambda-Runtime-Function-Error-Type": kind}
    code = f'call("POST", f"invocation/{{request_id}}/error", {report!r}, {fields!r})'

    async def main() -> None:
        async with staged(make_package(tmp_path), settings) as stage:
            invocation = await stage.run(code)
            await stage.idle.wait()

            assert invocation.channel.error == FunctionError(kind, report)
            assert stage.lines == told

    run(main())


@pytest.mark.parametrize("lines", [0, 1, 1000])
def test_no_line_of_an_invocation_comes_after_its_end(tmp_path: Path, lines: int) -> None:
    code = f"respond(b''); print('x\\n' * {lines}, end=''); sys.stdout.flush()"

    async def main() -> None:
        async with staged(make_package(tmp_path)) as stage:
            invocation = await stage.run(code)
            await stage.idle.wait()

            assert stage.log[-2] == f"END RequestId: {invocation.request_id}"
            assert stage.log[1:-2] == ["x"] * lines

    run(main())


@pytest.mark.parametrize(
    ("code", "message", "status"),
    [
        ("os._exit(3)", "Runtime exited with error: exit status 3", r"Status: error\tError Type: Runtime.ExitError\t"),
        (WAIT, "Task timed out after 0.00 seconds", r"Status: timeout\t"),
    ],
)
def test_the_report_shows_why_the_platform_ended_it(tmp_path: Path, code: str, message: str, status: str) -> None:
    async def main() -> None:
        async with staged(make_package(tmp_path, timeout=0 if code == WAIT else 30)) as stage:
            invocation = await stage.run(code)
            await stage.gone.wait()

            start, told, end, report = stage.log
            assert (start[:5], told, end[:3]) == ("START", message, "END")
            assert_report(report, invocation, r"Init Duration: [\d.]+ ms\t" + status)

    run(main())


def test_an_invocation_whose_process_does_not_come_up_is_reported_too(tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(make_package(tmp_path, init="sys.exit('no configuration')")) as stage:
            await stage.run("")
            await stage.gone.wait()

            assert [line.split()[0] for line in stage.log] == ["no", "Runtime", "START", "END", "REPORT"]
            assert stage.log[-1].endswith("\tStatus: error\tError Type: Runtime.ExitError\t")

    run(main())


def test_the_end_of_the_log_is_the_invocations(tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(make_package(tmp_path)) as stage:
            first = await stage.run("print('one'); respond(b'')")
            text = b64decode(await first.tail.result()).decode()
            assert text.splitlines() == stage.log
            await stage.idle.wait()
            stage.idle.clear()
            second = running("print('x' * 5000); respond(b'')")
            stage.sandbox.invoke(second)
            text = b64decode(await second.tail.result()).decode()
            assert len(text) == 4096
            assert text.startswith("xxx")
            assert text.endswith(stage.log[-1] + "\n")

    run(main())


# --- the end of the process ------------------------------------------------------------------------------------------


ENDS: list[tuple[str, str]] = [
    ("sys.exit(3)", "Runtime exited with error: exit status 3"),
    ("os.kill(os.getpid(), signal.SIGSEGV)", "Runtime exited with error: signal: segmentation fault"),
    ("os._exit(0)", "Runtime exited without providing a reason"),
]


@pytest.mark.parametrize(("code", "message"), ENDS)
def test_a_process_that_ends_before_it_asks_for_its_event_fails_the_invocation(
    tmp_path: Path, code: str, message: str
) -> None:
    async def main() -> None:
        async with staged(make_package(tmp_path, init=code)) as stage:
            assert await failure(await stage.run("")) == ("Runtime.ExitError", message)
            await stage.gone.wait()
            assert stage.lines == [message]
            assert not stage.idle.is_set()

    run(main())


@pytest.mark.parametrize(("code", "message"), ENDS)
def test_a_process_that_ends_at_work_fails_the_invocation(tmp_path: Path, code: str, message: str) -> None:
    async def main() -> None:
        async with staged(make_package(tmp_path)) as stage:
            assert await failure(await stage.run(code)) == ("Runtime.ExitError", message)
            await stage.gone.wait()

    run(main())


def test_an_error_that_init_reports_is_the_invocations(tmp_path: Path) -> None:
    init = "call('POST', 'init/error', b'{}', {'Lambda-Runtime-Function-Error-Type': 'Runtime.Broken'}); sys.exit(1)"

    async def main() -> None:
        async with staged(make_package(tmp_path, init=init)) as stage:
            with pytest.raises(FunctionFailed) as raised:
                await (await stage.run("")).channel.wait_for_start()
            assert raised.value.error == FunctionError("Runtime.Broken", b"{}")
            await stage.gone.wait()

    run(main())


@pytest.mark.parametrize("path", ["init/error", "restore/error"])
def test_a_process_that_cannot_start_and_does_not_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(module, "TERMINATION_TIMEOUT_S", 0.1)
    before = "call('GET', 'restore/next');" if path == "restore/error" else ""
    package = make_package(tmp_path, init=f"{before}call('POST', {path!r}, b'{{}}'); {WAIT}")
    variables = {**package.function.environment, INITIALIZATION_TYPE: "snap-start"}

    async def main() -> None:
        async with staged(with_variables(package, **variables)) as stage:
            with pytest.raises(FunctionFailed) as raised:
                await (await stage.run("")).channel.wait_for_start()
            assert raised.value.error == FunctionError("Unhandled", b"{}")
            await stage.gone.wait()
            assert stage.lines == []

    run(main())


def test_a_process_that_is_restored_from_a_snapshot_goes_on(tmp_path: Path) -> None:
    init = "reply, body = call('GET', 'restore/next'); assert (reply.status, body) == (200, b'')"
    package = make_package(tmp_path, init=init)
    variables = {**package.function.environment, INITIALIZATION_TYPE: "snap-start"}

    async def main() -> None:
        async with staged(with_variables(package, **variables)) as stage:
            assert (await body(await stage.run(SAY_PROCESS))).isdigit()

    run(main())


def test_without_a_snapshot_there_is_nothing_to_restore(tmp_path: Path) -> None:
    init = "assert call('GET', 'restore/next')[0].status == 404"

    async def main() -> None:
        async with staged(make_package(tmp_path, init=init)) as stage:
            assert (await body(await stage.run(SAY_PROCESS))).isdigit()

    run(main())


def test_a_process_that_asks_again_before_it_answers_gets_the_same_event(tmp_path: Path) -> None:
    code = "respond(b'%d' % (call('GET', 'invocation/next')[1] == event))"

    async def main() -> None:
        async with staged(make_package(tmp_path)) as stage:
            assert await body(await stage.run(code)) == b"1"
            await stage.idle.wait()

    run(main())


def test_a_process_that_ends_within_its_response_leaves_what_it_sent_and_an_error(tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(make_package(tmp_path)) as stage:
            invocation = await stage.run(SAY_HALF + "os._exit(4)")

            assert await body(invocation) == b"half"
            assert reported(invocation) == ("Runtime.ExitError", "Runtime exited with error: exit status 4")

    run(main())


def test_a_process_that_ends_just_after_its_response_loses_nothing(tmp_path: Path) -> None:
    code = (
        SAY_HALF + "api.sock.sendall(b'%x\\r\\n' % 3_000_000 + bytes(3_000_000) + b'\\r\\n0\\r\\n\\r\\n'); os._exit(1)"
    )

    async def main() -> None:
        async with staged(make_package(tmp_path)) as stage:
            invocation = await stage.run(code)

            assert await body(invocation) == b"half" + bytes(3_000_000)
            assert invocation.channel.error is None
            await stage.gone.wait()
            assert stage.lines == []

    run(main())


def test_a_process_that_ends_while_it_is_idle_is_gone_without_a_word(tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(make_package(tmp_path)) as stage:
            process = int(await body(await stage.run(SAY_PROCESS)))
            await stage.idle.wait()
            os.kill(process, signal.SIGKILL)
            await stage.gone.wait()
            assert stage.lines == []

    run(main())


def test_an_invocation_for_a_process_that_has_just_ended_fails(tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(make_package(tmp_path)) as stage:
            process = int(await body(await stage.run(SAY_PROCESS)))
            await stage.idle.wait()
            os.kill(process, signal.SIGKILL)
            invocation = running(SAY_PROCESS)
            stage.sandbox.invoke(invocation)

            assert await failure(invocation) == ("Runtime.ExitError", "Runtime exited with error: signal: killed")

    run(main())


# --- time ------------------------------------------------------------------------------------------------------------


def test_a_function_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(make_package(tmp_path, timeout=0)) as stage:
            message = "Task timed out after 0.00 seconds"
            assert await failure(await stage.run(WAIT)) == ("Sandbox.Timedout", message)
            await stage.gone.wait()
            assert stage.lines == [message]

    run(main())


def test_a_function_that_takes_too_long_within_its_response_leaves_what_it_sent(tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(make_package(tmp_path, timeout=1)) as stage:
            invocation = await stage.run(SAY_HALF + WAIT)

            assert await body(invocation) == b"half"
            assert reported(invocation) == ("Sandbox.Timedout", "Task timed out after 1.00 seconds")

    run(main())


def test_an_init_that_takes_too_long_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "INIT_TIMEOUT_S", 0)

    async def main() -> None:
        async with staged(make_package(tmp_path, init=WAIT, timeout=0)) as stage:
            assert (await failure(await stage.run("")))[0] == "Sandbox.Timedout"

    run(main())


def test_a_function_that_takes_too_long_after_its_response_is_ended_all_the_same(tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(make_package(tmp_path, timeout=1)) as stage:
            invocation = await stage.run("respond(b'x');" + WAIT)
            assert await body(invocation) == b"x"
            await stage.gone.wait()

            assert invocation.channel.error is None
            assert stage.lines == ["Task timed out after 1.00 seconds"]

    run(main())


# Waits for the end of the runtime, its parent, then answers instead of it. Its environment is empty, since the sandbox
# ends the processes that have its variables.
LATE_PROGRAM = """
import http.client, json, os, sys, time

address, request_id, runtime = sys.argv[1:]
while os.getppid() == int(runtime):
    time.sleep(0.005)
api = http.client.HTTPConnection(address)
api.request("POST", f"/2018-06-01/runtime/invocation/{request_id}/response", b"late")
reply = api.getresponse()
open("late", "w").write(f"{reply.status} {json.loads(reply.read())['errorType']}")
"""
LATE = f"""
arguments = os.environ["AWS_LAMBDA_RUNTIME_API"], request_id, str(os.getpid())
subprocess.Popen([sys.executable, "-ISc", {LATE_PROGRAM!r}, *arguments], env={{}}, start_new_session=True)
"""


def test_a_response_from_a_process_outside_the_group_is_late_after_the_timeout(tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(make_package(tmp_path, timeout=1)) as stage:
            assert (await failure(await stage.run(LATE + WAIT)))[0] == "Sandbox.Timedout"
            await stage.gone.wait()

            assert (tmp_path / "late").read_text() == "410 InvokeTimeout"

    run(main())


def test_the_time_of_an_idle_sandbox_does_not_count(tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(make_package(tmp_path)) as stage:
            await body(await stage.run(SAY_PROCESS))
            await stage.idle.wait()

            assert len(stage.sandbox._timers) == 0  # noqa: SLF001 - waiting for one would take longer than a test may

    run(main())


# --- freezing --------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="it reads the states of processes in /proc")
def test_between_invocations_the_process_and_its_children_are_stopped(tmp_path: Path) -> None:
    init = "child = subprocess.Popen(['sleep', '600'])"
    code = "respond(f'{os.getpid()} {child.pid}'.encode())"

    async def main() -> None:
        async with staged(make_package(tmp_path, init=init)) as stage:
            processes = None
            for _ in range(3):
                invocation = running(code)
                if processes is None:
                    await stage.sandbox.start(invocation)
                else:
                    stage.sandbox.invoke(invocation)
                answer = [int(process) for process in (await body(invocation)).split()]
                assert processes in (None, answer)
                processes = answer
                await stage.idle.wait()
                stage.idle.clear()
                while not all(map(is_stopped, processes)):  # noqa: ASYNC110 - a signal takes time
                    await asyncio.sleep(0.001)

    run(main())


def test_a_stopped_process_is_woken_up_once_when_its_event_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with staged(make_package(tmp_path)) as stage:
            await body(await stage.run(SAY_PROCESS))
            await stage.idle.wait()
            processes, states = stage.sandbox._processes, list[str]()  # noqa: SLF001
            thaw = processes.thaw

            def note_and_thaw() -> None:
                states.append(stage.sandbox._api.state)  # noqa: SLF001
                thaw()

            monkeypatch.setattr(processes, "thaw", note_and_thaw)
            invocation = running(SAY_PROCESS)
            stage.sandbox.invoke(invocation)
            assert states == ["Running"]
            await body(invocation)

    run(main())


def test_a_process_is_not_stopped_before_its_first_invocation_is_over(tmp_path: Path) -> None:
    init = "first = call('GET', 'restore/next')[0].status"
    package = make_package(tmp_path, init=init)
    variables = {**package.function.environment, INITIALIZATION_TYPE: "snap-start"}

    async def main() -> None:
        async with staged(with_variables(package, **variables)) as stage:
            invocation = await stage.run(SAY_HALF + WAIT)
            await invocation.channel.wait_for_start()
            assert not is_stopped(stage.sandbox._processes.id)  # noqa: SLF001

    run(main())


# --- memory ----------------------------------------------------------------------------------------------------------

HOARD = "hoard = b'x' * (200 << 20);"  # of 128 MB


@pytest.mark.skipif(sys.platform != "linux", reason="it looks in /proc how much memory is used")
@pytest.mark.parametrize("init", [HOARD + WAIT, ""])
def test_a_function_that_takes_too_much_memory_is_killed(tmp_path: Path, init: str) -> None:
    async def main() -> None:
        async with staged(make_package(tmp_path, init=init)) as stage:
            invocation = await stage.run("" if init else SAY_HALF + HOARD + WAIT)
            await stage.gone.wait()

            message = "Runtime exited with error: signal: killed"
            assert reported(invocation) == ("Runtime.OutOfMemory", message)
            assert stage.lines[-1] == message
            assert "Max Memory Used: 128 MB" in stage.log[-1]
            assert stage.log[-1].endswith("Status: error\tError Type: Runtime.OutOfMemory\t")

    run(main())


def test_a_segmentation_fault_does_not_count_as_out_of_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with staged(make_package(tmp_path)) as stage:
            invocation = await stage.run(SAY_HALF + WAIT)
            await invocation.channel.wait_for_start()
            monkeypatch.setattr(stage.sandbox._shutdown, "kill", lambda: None)  # noqa: SLF001 - it comes too late
            stage.sandbox._memory.limit = -1  # noqa: SLF001
            stage.sandbox._memory.check()  # noqa: SLF001
            os.kill(stage.sandbox._processes.id, signal.SIGSEGV)  # noqa: SLF001
            await stage.gone.wait()

            message = "Runtime exited with error: signal: segmentation fault"
            assert reported(invocation) == ("Runtime.ExitError", message)

    run(main())


@pytest.mark.skipif(sys.platform != "linux", reason="it looks in /proc how much memory is used")
def test_without_limits_memory_is_not_limited(tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(make_package(tmp_path), Settings(UNLIMITED)) as stage:
            invocation = await stage.run(HOARD + "respond(b'x')")
            assert await body(invocation) == b"x"
            await stage.idle.wait()  # the memory has been checked by then

            assert "Max Memory Used: 128 MB" in stage.log[-1]
            stage.idle.clear()
            again = running(SAY_PROCESS)
            stage.sandbox.invoke(again)
            assert await body(again)

    run(main())


# --- cleaning up -----------------------------------------------------------------------------------------------------

CHILD = "child = subprocess.Popen(['sleep', '600']{}); open('child', 'w').write(str(child.pid));"


def test_a_child_of_the_process_ends_with_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(make_package(tmp_path)) as stage:
            await failure(await stage.run(CHILD.format("") + "os._exit(1)"))
            await stage.gone.wait()
            assert await ended(int((tmp_path / "child").read_text()))

    run(main())


async def ended(process: int) -> bool:
    """Return whether the process ends: the signal has been sent, but init must reap the process."""
    for _ in range(10_000):
        if not is_running(process):
            return True
        await asyncio.sleep(0.001)
    return False


@pytest.mark.parametrize("code", ["os._exit(1)", "signal.signal(signal.SIGTERM, signal.SIG_DFL);" + WAIT])
def test_a_child_that_has_left_the_group_and_holds_the_output_holds_up_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(module, "TERMINATION_TIMEOUT_S", 0.1)

    async def main() -> None:
        async with staged(make_package(tmp_path)) as stage:
            invocation = await stage.run(CHILD.format(", start_new_session=True") + f"respond(b'x'); {code}")
            assert await body(invocation) == b"x"
            await stage.sandbox.stop()
            assert stage.gone.is_set()
            assert sys.platform != "linux" or await ended(int((tmp_path / "child").read_text()))

    run(main())


@pytest.mark.parametrize("ending", ["os._exit(1)", "respond(b'x'); os._exit(0)", SAY_HALF + "os._exit(1)"])
def test_a_child_that_has_left_the_group_and_holds_a_connection_holds_up_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr(module, "TERMINATION_TIMEOUT_S", 0.1)
    monkeypatch.setattr(runtime_api, "IDLE_TIMEOUT_S", 0.1)
    child = "os.setsid(); open('child', 'w').write(str(os.getpid())); os.write(ready[1], b'!'); signal.pause()"
    code = f"ready = os.pipe()\nif os.fork() == 0: {child}\nos.read(ready[0], 1)\n{ending}"

    async def main() -> None:
        async with staged(make_package(tmp_path)) as stage:
            invocation = await stage.run(code)
            await stage.gone.wait()
            assert invocation.channel.ended
            assert sys.platform != "linux" or await ended(int((tmp_path / "child").read_text()))

    run(main())


def test_stopping_sends_sigterm_first(tmp_path: Path) -> None:
    init = "signal.signal(signal.SIGTERM, lambda *_: (print('asked', flush=True), os._exit(0)))"

    async def main() -> None:
        async with staged(make_package(tmp_path, init=init)) as stage:
            await body(await stage.run(SAY_PROCESS))
            await stage.idle.wait()
            await stage.sandbox.stop()

            assert stage.gone.is_set()
            assert stage.lines == ["asked"]

    run(main())


@pytest.mark.parametrize(
    ("ignore", "stop"),
    [("signal.signal(signal.SIGTERM, signal.SIG_IGN)", ""), ("", "os.kill(0, signal.SIGSTOP);")],
)
def test_stopping_ends_a_process_that_ignores_sigterm_or_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ignore: str, stop: str
) -> None:
    monkeypatch.setattr(module, "TERMINATION_TIMEOUT_S", 0.1)

    async def main() -> None:
        async with staged(make_package(tmp_path)) as stage:
            invocation = await stage.run(f"{ignore}{SAY_HALF}{stop}{WAIT}")
            await invocation.channel.wait_for_start()
            assert await anext(invocation.channel.pieces()) == b"half"
            await stage.sandbox.stop()

            assert stage.gone.is_set()
            assert reported(invocation)[0] == "Runtime.ExitError"

    run(main())


def test_stopping_does_not_wait_for_a_slow_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TERMINATION_TIMEOUT_S", 0.1)
    code = SAY_HALF + "api.sock.sendall(b'%x\\r\\n' % 9_000_000 + bytes(9_000_000))"

    async def main() -> None:
        async with staged(make_package(tmp_path)) as stage:
            invocation = await stage.run(code)
            await invocation.channel.wait_for_start()
            await stage.sandbox.stop()

            assert stage.gone.is_set()

    run(main())


def test_a_sandbox_that_does_not_start_leaves_nothing_open(tmp_path: Path) -> None:
    package = make_package(tmp_path)
    package = replace(package, folders=replace(package.folders, task=tmp_path / "gone"))
    before = len(list(Path("/proc/self/fd").iterdir()))

    async def main() -> None:
        stage = Stage(package, Reaper(tmp_path / "scratch"), DEFAULTS)
        with pytest.raises(FileNotFoundError) as raised:
            await stage.run("")
        assert raised.value.filename == tmp_path / "gone"
        assert not stage.gone.is_set()
        stage.sandbox._reaper.close()  # noqa: SLF001

    run(main())
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_sandbox_that_never_started_stops_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(make_package(tmp_path)) as stage:
            await stage.sandbox.stop()
            await stage.sandbox.stop()

    run(main())


def test_a_sandbox_that_is_stopped_while_it_starts_does_not_live(tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(make_package(tmp_path, init="signal.signal(signal.SIGTERM, signal.SIG_DFL)")) as stage:
            invocation = running(SAY_PROCESS)
            starting = asyncio.create_task(stage.sandbox.start(invocation))
            await asyncio.sleep(0)
            await stage.sandbox.stop()
            await starting

            assert stage.gone.is_set()
            assert invocation.channel.ended

    run(main())
