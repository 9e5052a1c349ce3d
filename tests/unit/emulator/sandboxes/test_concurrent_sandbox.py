"""Sandboxes that run several invocations at a time, and how a pool fills them."""

import asyncio
import json
import os
import re
import signal
import sys
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from asynchronous import run
from file_limit import no_free_file
from lambda_streamify_emulator.activity.activity import Activity
from lambda_streamify_emulator.invocations.invocation import Invocation
from lambda_streamify_emulator.sandboxes import sandbox as module
from lambda_streamify_emulator.sandboxes.function_package import Package
from lambda_streamify_emulator.sandboxes.pool import UNRESERVED, SandboxPool, Throttled
from lambda_streamify_emulator.settings import Settings
from process_table import is_running, is_stopped
from shared_reaper import shared_reaper
from threaded_runtime import make_threaded_package
from tiny_runtime import body, reported, running

SAY_PROCESS = "respond(str(os.getpid()).encode())"


class Pool(SandboxPool):
    """A pool that can be asked to wait until a number of its sandboxes is idle."""

    def __init__(self, package: Package, settings: Settings) -> None:
        self.lines: list[str] = []
        super().__init__(package, shared_reaper(), self.lines.append, settings)

    async def start(self, code: str, **options: Any) -> Invocation:
        """Start an invocation that runs the code."""
        invocation = running(code)
        await self.invoke(invocation, **options)
        return invocation

    async def say_process(self) -> int:
        """Return the process that has run one more invocation."""
        return int(await body(await self.start(SAY_PROCESS)))

    async def until_idle(self, number: int = 1) -> None:
        """Wait until this many sandboxes are idle."""
        while len(self._idle) != number:  # noqa: ASYNC110 - a pool has no event for this
            await asyncio.sleep(0.001)

    async def until_waiting(self, number: int) -> None:
        """Wait until this many invocations wait for a sandbox."""
        while len(self._waiting) != number:  # noqa: ASYNC110 - a pool has no event for this
            await asyncio.sleep(0.001)

    async def until_logged(self, text: str) -> None:
        """Wait until a line contains the text."""
        while not any(text in line for line in self.lines):  # noqa: ASYNC110 - a pool has no event for this
            await asyncio.sleep(0.001)


@asynccontextmanager
async def pooled(package: Package, number: int = 3, **settings: Any) -> AsyncIterator[Pool]:
    """Run a pool whose sandboxes run up to `number` invocations at a time."""
    pool = Pool(package, Settings(max_concurrency={"tiny": number}, **settings))
    try:
        yield pool
    finally:
        await pool.stop()


class Held:
    """An invocation that has said its process, and ends when it is released."""

    def __init__(self, folder: Path, name: str) -> None:
        self._gate = folder / name
        os.mkfifo(self._gate)
        start = "api.putrequest('POST', f'/2018-06-01/runtime/invocation/{request_id}/response')"
        self.code = f"""
{start}
api.putheader("Transfer-Encoding", "chunked")
pid = str(os.getpid()).encode()
api.endheaders(b"%x\\r\\n%b\\r\\n" % (len(pid), pid))
open({str(self._gate)!r}).read()
api.send(b"3\\r\\nend\\r\\n0\\r\\n\\r\\n")
api.getresponse().read()
"""

    async def run(self, pool: Pool) -> int:
        """Start it; return its process."""
        self.invocation = await pool.start(self.code)
        await self.invocation.channel.wait_for_start()
        self._pieces = self.invocation.channel.pieces()
        return int(await anext(self._pieces))

    async def release(self) -> None:
        """Let it end, and check that it does."""
        self._gate.write_text("open")
        assert b"".join([piece async for piece in self._pieces]) == b"end"
        assert self.invocation.channel.error is None


async def held(pool: Pool, folder: Path, names: str) -> tuple[list[Held], list[int]]:
    """Start held invocations; return them and their processes."""
    all_ = [Held(folder, name) for name in names]
    return all_, [await one.run(pool) for one in all_]


# --- how many --------------------------------------------------------------------------------------------------------


def test_a_sandbox_is_filled_before_another_one_starts(tmp_path: Path) -> None:
    async def main() -> None:
        async with pooled(make_threaded_package(tmp_path)) as pool:
            streams, processes = await held(pool, tmp_path, "abcd")
            first, second = processes[0], processes[3]
            assert processes == [first, first, first, second]
            assert first != second

            await streams[1].release()
            assert await pool.say_process() in (first, second)
            for stream in (streams[0], streams[2], streams[3]):
                await stream.release()
            await pool.until_idle(2)

    run(main())


def test_invocations_that_come_while_a_sandbox_starts_use_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with pooled(make_threaded_package(tmp_path)) as pool:
            started = await asyncio.gather(*(pool.start(SAY_PROCESS) for _ in range(3)))
            assert len({await body(invocation) for invocation in started}) == 1

    run(main())


def test_a_sandbox_that_cannot_start_fails_all_that_wait_for_it(tmp_path: Path) -> None:
    package = make_threaded_package(tmp_path)
    without = replace(package.function, environment={})
    missing = replace(package, function=without, interpreter=tmp_path / "missing")

    async def main() -> None:
        async with pooled(missing) as pool:
            started = await asyncio.gather(*(pool.start("") for _ in range(3)))
            assert {reported(invocation)[0] for invocation in started} == {"Runtime.InvalidEntrypoint"}

    run(main())


def test_with_all_slots_taken_an_invocation_is_refused_or_waits(tmp_path: Path) -> None:
    async def main() -> None:
        async with pooled(make_threaded_package(tmp_path), 2, max_sandboxes=1) as pool:
            streams, _ = await held(pool, tmp_path, "ab")
            with pytest.raises(Throttled, match=UNRESERVED):
                await pool.start(SAY_PROCESS)
            waiting = asyncio.create_task(pool.start(SAY_PROCESS, wait_if_full=True))
            await streams[0].release()
            assert await body(await waiting)
            await streams[1].release()

    run(main())


def test_all_that_wait_use_the_sandbox_that_one_of_them_starts(tmp_path: Path) -> None:
    async def main() -> None:
        async with pooled(make_threaded_package(tmp_path), 3, max_sandboxes=1) as pool:
            _, (old, *_) = await held(pool, tmp_path, "abc")
            codes = [Held(tmp_path, "d").code, SAY_PROCESS, SAY_PROCESS]
            stream, *others = [asyncio.create_task(pool.start(code, wait_if_full=True)) for code in codes]
            await pool.until_waiting(3)
            os.kill(old, signal.SIGKILL)

            processes = {await body(await other) for other in others}  # while the stream is held
            assert len(processes) == 1
            (tmp_path / "d").write_text("open")
            assert await body(await stream) == processes.pop() + b"end"

    run(main())


def test_all_that_wait_fail_while_no_sandbox_can_start(tmp_path: Path) -> None:
    async def main() -> None:
        async with pooled(make_threaded_package(tmp_path), 2, max_sandboxes=1) as pool:
            _, (old, _) = await held(pool, tmp_path, "ab")
            waiting = [asyncio.create_task(pool.start(SAY_PROCESS, wait_if_full=True)) for _ in range(3)]
            await pool.until_waiting(3)
            with no_free_file():
                os.kill(old, signal.SIGKILL)
                started = [await task for task in waiting]

            assert {reported(invocation)[0] for invocation in started} == {"Sandbox.Failure"}
            assert await pool.say_process() != old

    run(main())


def test_a_sandbox_with_old_code_gets_nothing_new_and_ends_when_it_is_idle(tmp_path: Path) -> None:
    def edit(second: int) -> None:
        file = tmp_path / "code" / "app.py"
        file.write_text("")
        os.utime(file, (second, second))

    async def main() -> None:
        (tmp_path / "code").mkdir()
        package = make_threaded_package(tmp_path)
        package = replace(package, function=replace(package.function, code=tmp_path / "code"))
        async with pooled(package) as pool:
            edit(1)
            streams, (old,) = await held(pool, tmp_path, "a")
            edit(2)
            new = await pool.say_process()
            assert new != old
            await streams[0].release()
            await pool.until_idle(2)
            assert await pool.say_process() == new
            while is_running(old):  # noqa: ASYNC110 - there is no event for this
                await asyncio.sleep(0.001)

    run(main())


def test_a_retired_pool_ends_when_its_last_invocation_is_over(tmp_path: Path) -> None:
    async def main() -> None:
        async with pooled(make_threaded_package(tmp_path)) as pool:
            streams, _ = await held(pool, tmp_path, "ab")
            retiring = asyncio.create_task(pool.retire(None))
            await streams[0].release()
            assert not retiring.done()
            await streams[1].release()
            await retiring

    run(main())


# --- what belongs to an invocation -----------------------------------------------------------------------------------


def test_the_process_finds_the_variables_of_managed_instances_whatever_the_template_says(tmp_path: Path) -> None:
    package = make_threaded_package(tmp_path)
    own = {**package.function.environment, "AWS_LAMBDA_MAX_CONCURRENCY": "9", "AWS_LAMBDA_LOG_FORMAT": "Text"}
    package = replace(package, function=replace(package.function, environment=own))
    names = ("AWS_LAMBDA_MAX_CONCURRENCY", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_FORMAT")

    async def main() -> None:
        async with pooled(package) as pool:
            found = await pool.start(f"respond(json.dumps([os.environ[name] for name in {names}]).encode())")
            assert json.loads(await body(found)) == ["3", "lambda-managed-instances", "JSON"]

    run(main())


def test_a_line_with_a_request_id_goes_to_its_invocation_and_another_to_the_sandbox_alone(tmp_path: Path) -> None:
    async def main() -> None:
        async with pooled(make_threaded_package(tmp_path)) as pool:
            streams, _ = await held(pool, tmp_path, "a")
            other = await pool.start("say('mine'); os.write(1, b'nobody\\n'); respond(b'1')")
            await body(other)
            log = b64decode(await other.tail.result()).decode()
            await streams[0].release()
            beside = b64decode(await streams[0].invocation.tail.result()).decode()

            mine = json.dumps({"requestId": other.request_id, "message": "mine"})
            start, line, end, report = log.splitlines()
            assert (start, line, end) == (
                f"START RequestId: {other.request_id} Version: $LATEST",
                mine,
                f"END RequestId: {other.request_id}",
            )
            assert report.startswith(f"REPORT RequestId: {other.request_id}\tDuration: ")
            assert "Init Duration" not in report
            assert len(beside.splitlines()) == 3
            assert [line for line in pool.lines if line in ("nobody", mine)] == [mine, "nobody"]

    run(main())


def test_workers_may_write_their_logs_to_a_socket_where_their_lines_stay_whole(tmp_path: Path) -> None:
    # As awslambdaric does, each worker connects; here both halves of a line are written apart.
    init = "log = os.environ['_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET']"
    code = """
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect(log)
    connection.sendall(b'one ')
    os.write(1, b'between\\n')
    connection.sendall(b'line\\nrest')
    respond(b'1')
"""

    async def main() -> None:
        async with pooled(make_threaded_package(tmp_path, init)) as pool:
            invocation = await pool.start(code)
            await body(invocation)
            await pool.until_logged("rest")

        assert sorted(line for line in pool.lines if "RequestId" not in line) == ["between", "one line", "rest"]

    package = make_threaded_package(tmp_path)
    if len(str(tmp_path)) > 80:
        pytest.skip(f"the path of a socket in {package.folders.runtime} would be too long")
    run(main())


# --- how it ends -----------------------------------------------------------------------------------------------------


def test_an_invocation_that_times_out_ends_alone_and_its_worker_is_used_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with pooled(make_threaded_package(tmp_path, timeout=1), 2) as pool:
            late = await pool.start(f"open({str(tmp_path / 'gate')!r}).read(); print(respond(b'late'), flush=True)")
            assert await body_or_error(late) == ("Sandbox.Timedout", "Task timed out after 1.00 seconds")
            beside = await pool.say_process()
            (tmp_path / "gate").write_text("open")
            await pool.until_logged("410")

            assert await pool.say_process() == beside
            assert any(re.search(r"Duration: 1000\.00 ms.*Status: timeout", line) for line in pool.lines)

    os.mkfifo(tmp_path / "gate")
    run(main())


async def body_or_error(invocation: Invocation) -> tuple[str, str]:
    """Return the error that an invocation ends with."""
    async for _ in invocation.channel.pieces():
        pass
    return reported(invocation)


def test_all_invocations_fail_with_the_end_of_the_process(tmp_path: Path) -> None:
    async def main() -> None:
        async with pooled(make_threaded_package(tmp_path)) as pool:
            streams, (process, _) = await held(pool, tmp_path, "ab")
            os.kill(process, signal.SIGKILL)
            errors = [await body_or_error(stream.invocation) for stream in streams]

            assert errors == [("Runtime.ExitError", "Runtime exited with error: signal: killed")] * 2
            assert await pool.say_process() != process

    run(main())


def test_all_invocations_fail_if_a_worker_cannot_start(tmp_path: Path) -> None:
    init = """
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
headers = {"Lambda-Runtime-Function-Error-Type": "Runtime.ImportModuleError"}
api.request("POST", "/2018-06-01/runtime/init/error", '{"errorType":"x","errorMessage":"no module"}', headers)
api.getresponse().read()
sys.exit(1)
"""

    async def main() -> None:
        async with pooled(make_threaded_package(tmp_path, init)) as pool:
            started = await asyncio.gather(*(pool.start("") for _ in range(2)))
            for invocation in started:
                await body_or_end(invocation)
            errors = {invocation.channel.error.error_type for invocation in started if invocation.channel.error}
            assert errors == {"Runtime.ImportModuleError"}

    run(main())


async def body_or_end(invocation: Invocation) -> None:
    """Wait for the end of the response."""
    async for _ in invocation.channel.pieces():
        pass


def test_all_invocations_time_out_if_init_takes_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "INIT_TIMEOUT_S", 0.2)

    async def main() -> None:
        async with pooled(make_threaded_package(tmp_path, "signal.pause()", timeout=1)) as pool:
            started = await asyncio.gather(*(pool.start("") for _ in range(2)))
            for invocation in started:
                assert await body_or_error(invocation) == ("Sandbox.Timedout", "Task timed out after 1.00 seconds")

    run(main())


def test_a_client_that_leaves_ends_nothing_but_its_own_response(tmp_path: Path) -> None:
    async def main() -> None:
        async with pooled(make_threaded_package(tmp_path)) as pool:
            streams, _ = await held(pool, tmp_path, "ab")
            streams[0].invocation.channel.discard()
            await streams[1].release()
            (tmp_path / "a").write_text("open")
            await pool.until_idle()

    run(main())


@pytest.mark.skipif(sys.platform != "linux", reason="it reads in /proc whether the process is stopped")
def test_an_idle_sandbox_is_not_stopped(tmp_path: Path) -> None:
    async def main() -> None:
        async with pooled(make_threaded_package(tmp_path)) as pool:
            process = await pool.say_process()
            await pool.until_idle()
            assert not is_stopped(process)

    run(main())


@pytest.mark.skipif(sys.platform != "linux", reason="it reads in /proc how much memory the process uses")
def test_the_dashboard_shows_what_each_sandbox_runs_and_the_memory_of_all_its_processes(tmp_path: Path) -> None:
    init = "import subprocess; child = subprocess.Popen(['sleep', '600'])"

    async def main() -> None:
        activity = Activity()
        async with pooled(make_threaded_package(tmp_path, init), activity=activity) as pool:
            streams, _ = await held(pool, tmp_path, "ab")
            (shown,) = activity.since(0)["sandboxes"]["tiny"]
            assert (shown["running"], shown["max_concurrency"]) == (2, 3)
            for stream in streams:
                await stream.release()
            await pool.until_idle()
            while (shown := activity.since(0)["sandboxes"]["tiny"][0])["processes"] != 2:
                await pool.say_process()
                await pool.until_idle()
            assert shown["running"] == 0
            assert shown["memory"] > 1024**2
        assert activity.since(0)["sandboxes"] == {"tiny": []}

    run(main())
