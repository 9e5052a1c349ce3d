import asyncio
import os
import signal
import threading
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from asynchronous import run
from file_limit import no_free_file
from lambda_streamify_emulator.activity.activity import Activity
from lambda_streamify_emulator.building.steps import Steps
from lambda_streamify_emulator.building.task_root import TaskRoot
from lambda_streamify_emulator.errors import BuildError
from lambda_streamify_emulator.invocations.channel import FunctionFailed
from lambda_streamify_emulator.invocations.invocation import Invocation
from lambda_streamify_emulator.invocations.recording_channel import Recordings
from lambda_streamify_emulator.listener import LOG
from lambda_streamify_emulator.processes.reaper import Reaper
from lambda_streamify_emulator.sandboxes import pool as module
from lambda_streamify_emulator.sandboxes.function_package import Package
from lambda_streamify_emulator.sandboxes.pool import RESERVED, UNRESERVED, SandboxPool, Throttled
from lambda_streamify_emulator.settings import DEFAULTS, Settings
from process_table import is_running
from shared_reaper import shared_reaper
from tiny_runtime import SAY_HALF, SAY_PROCESS, WAIT, body, make_package, reported, running
from unreaped import RUN
from waiting import TIMEOUT_S


class Pool(SandboxPool):
    """A pool that can be asked to wait for idle or ended sandboxes."""

    def __init__(self, package: Package, reaper: Reaper, settings: Settings) -> None:
        self.lines: list[str] = []
        super().__init__(package, reaper, self.lines.append, settings)

    async def idle(self, number: int) -> None:
        while len(self._idle) != number:  # noqa: ASYNC110 - a pool has no event for this
            await asyncio.sleep(0.001)

    async def say_process(self) -> int:
        invocation = running(SAY_PROCESS)
        await self.invoke(invocation)
        return int(await body(invocation))


@asynccontextmanager
async def pooled(package: Package, settings: Settings = DEFAULTS) -> AsyncIterator[Pool]:
    pool = Pool(package, shared_reaper(), settings)
    try:
        yield pool
    finally:
        await pool.stop()


def test_an_idle_sandbox_is_used_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with pooled(make_package(tmp_path)) as pool:
            processes = set()
            for _ in range(3):
                processes.add(await pool.say_process())
                await pool.idle(1)

            assert len(processes) == 1
            assert pool.function.name == "tiny"

    run(main())


def test_while_one_is_at_work_another_starts_and_the_last_used_serves_next(tmp_path: Path) -> None:
    async def main() -> None:
        async with pooled(make_package(tmp_path)) as pool:
            busy = running(SAY_HALF + "open('gate').read(); respond = api.sock.sendall(b'0\\r\\n\\r\\n'); api.close()")
            os.mkfifo(tmp_path / "gate")
            await pool.invoke(busy)
            await busy.channel.wait_for_start()
            other = await pool.say_process()
            await pool.idle(1)
            assert await pool.say_process() == other
            await pool.idle(1)
            (tmp_path / "gate").write_text("open")
            assert await body(busy) == b"half"

    run(main())


def test_a_sandbox_that_has_ended_is_not_used_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with pooled(make_package(tmp_path)) as pool:
            first = await pool.say_process()
            await pool.idle(1)
            os.kill(first, signal.SIGKILL)
            await pool.idle(0)
            assert await pool.say_process() != first

            failing = running("os._exit(1)")
            await pool.invoke(failing)
            with pytest.raises(FunctionFailed):
                await failing.channel.wait_for_start()

    run(main())


def test_an_idle_sandbox_whose_process_has_ended_is_not_used_though_its_log_is_still_held(tmp_path: Path) -> None:
    holder = "child = subprocess.Popen(['sleep', '600'], start_new_session=True)"

    async def main() -> None:
        async with pooled(make_package(tmp_path)) as pool:
            invocation = running(f"{holder}; respond(f'{{os.getpid()}} {{child.pid}}'.encode())")
            await pool.invoke(invocation)
            first, child = map(int, (await body(invocation)).split())
            try:
                await pool.idle(1)
                (sandbox,) = pool._idle  # noqa: SLF001 - a pool does not expose its sandboxes
                os.kill(first, signal.SIGKILL)
                while not sandbox.ended:  # noqa: ASYNC110 - it has no event for this
                    await asyncio.sleep(0.001)
                assert await pool.say_process() != first
            finally:
                os.kill(child, signal.SIGKILL)

    run(main())


def edit(file: Path, second: int) -> None:
    """Set the file's time to that second: the clock's resolution may be too low."""
    file.write_text("")
    os.utime(file, (second, second))


def with_code_in(folder: Path, package: Package) -> Package:
    folder.mkdir()
    return replace(package, function=replace(package.function, code=folder))


def test_after_an_edit_the_next_invocation_runs_in_a_new_process(tmp_path: Path) -> None:
    async def main() -> None:
        edited = tmp_path / "code" / "app.py"
        async with pooled(with_code_in(tmp_path / "code", make_package(tmp_path))) as pool:
            edit(edited, 1)
            first = await pool.say_process()
            await pool.idle(1)
            edit(edited, 2)
            second = await pool.say_process()
            await pool.idle(1)

            assert second != first
            assert await pool.say_process() == second
            while is_running(first):  # noqa: ASYNC110 - there is no event for this
                await asyncio.sleep(0.001)

    run(main())


def test_a_stream_that_runs_while_its_code_is_edited_ends_undisturbed_and_its_process_is_not_used_again(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        async with pooled(with_code_in(tmp_path / "code", make_package(tmp_path))) as pool:
            half = SAY_HALF + "open('gate').read(); api.sock.sendall(b'0\\r\\n\\r\\n'); api.getresponse().read()"
            streaming = running(half)
            os.mkfifo(tmp_path / "gate")
            await pool.invoke(streaming)
            await streaming.channel.wait_for_start()
            edit(tmp_path / "code" / "app.py", 2)
            second = await pool.say_process()
            await pool.idle(1)
            (tmp_path / "gate").write_text("open")

            assert await body(streaming) == b"half"
            await pool.idle(2)
            assert await pool.say_process() == second
            assert len(pool._idle) <= 1  # noqa: SLF001 - the other one ends

    run(main())


# --- the number of sandboxes -----------------------------------------------------------------------------------------

# The function answers, and asks for its next event when the gate is open.
ANSWER_EARLY = "respond(str(os.getpid()).encode()); open('gate').read()"


async def until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110 - a pool has no event for this
        await asyncio.sleep(0.001)


def test_an_invocation_right_after_a_response_reuses_its_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_WAIT_TIMEOUT_S", 3600)
    os.mkfifo(tmp_path / "gate")

    async def main() -> None:
        async with pooled(make_package(tmp_path)) as pool:
            first, second, third = running(ANSWER_EARLY), running(SAY_PROCESS), running(SAY_PROCESS)
            await pool.invoke(first)
            process = await body(first)
            asking = asyncio.create_task(pool.invoke(second))
            await until(lambda: pool._waiting)  # noqa: SLF001
            await pool.invoke(third)  # the second invocation already waits for that sandbox
            (tmp_path / "gate").write_text("open")
            await asking

            assert await body(second) == process
            assert await body(third) != process

    run(main())


def test_a_sandbox_that_does_not_become_idle_is_not_waited_for_any_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_WAIT_TIMEOUT_S", 0)
    os.mkfifo(tmp_path / "gate")

    async def main() -> None:
        async with pooled(make_package(tmp_path)) as pool:
            first = running(ANSWER_EARLY)
            await pool.invoke(first)
            process = await body(first)

            assert await pool.say_process() != int(process)

    run(main())


def test_a_sandbox_that_ends_instead_of_becoming_idle_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_WAIT_TIMEOUT_S", 3600)
    os.mkfifo(tmp_path / "gate")

    async def main() -> None:
        async with pooled(make_package(tmp_path)) as pool:
            first, second = running(ANSWER_EARLY), running(SAY_PROCESS)
            await pool.invoke(first)
            process = int(await body(first))
            asking = asyncio.create_task(pool.invoke(second))
            await until(lambda: pool._waiting)  # noqa: SLF001
            os.kill(process, signal.SIGKILL)
            await asking

            assert int(await body(second)) != process

    run(main())


def test_a_sandbox_that_nobody_waits_for_any_more_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_WAIT_TIMEOUT_S", 3600)
    os.mkfifo(tmp_path / "gate")

    async def main() -> None:
        async with pooled(make_package(tmp_path)) as pool:
            first = running(ANSWER_EARLY)
            await pool.invoke(first)
            process = int(await body(first))
            asking = asyncio.create_task(pool.invoke(running(SAY_PROCESS)))
            await until(lambda: pool._waiting)  # noqa: SLF001
            asking.cancel()
            (tmp_path / "gate").write_text("open")
            await pool.idle(1)

            assert await pool.say_process() == process

    run(main())


def test_a_sandbox_that_has_answered_is_not_used_again_if_its_code_was_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_WAIT_TIMEOUT_S", 3600)
    os.mkfifo(tmp_path / "gate")

    async def main() -> None:
        async with pooled(with_code_in(tmp_path / "code", make_package(tmp_path))) as pool:
            first, second = running(ANSWER_EARLY), running(SAY_PROCESS)
            await pool.invoke(first)
            process = await body(first)
            edit(tmp_path / "code" / "app.py", 2)
            asking = asyncio.create_task(pool.invoke(second))
            await until(lambda: pool._waiting)  # noqa: SLF001
            (tmp_path / "gate").write_text("open")
            await asking

            assert await body(second) != process

    run(main())


def reserving(package: Package, number: int) -> Package:
    return replace(package, function=replace(package.function, reserved_concurrency=number))


@pytest.mark.parametrize("reserved", [None, 1])
def test_no_more_sandboxes_start_than_there_may_be(tmp_path: Path, reserved: int | None) -> None:
    package = make_package(tmp_path)
    settings = Settings(max_sandboxes=1 if reserved is None else 1000)

    async def main() -> None:
        async with pooled(package if reserved is None else reserving(package, reserved), settings) as pool:
            busy = running(SAY_HALF + WAIT)
            await pool.invoke(busy)
            with pytest.raises(Throttled) as raised:
                await pool.invoke(running(SAY_PROCESS))

            assert raised.value.reason == (UNRESERVED if reserved is None else RESERVED)
            assert len(pool._all) == 1  # noqa: SLF001

    run(main())


def test_a_function_that_reserves_nothing_runs_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with pooled(reserving(make_package(tmp_path), 0)) as pool:
            with pytest.raises(Throttled):
                await pool.invoke(running(SAY_PROCESS))

    run(main())


def test_an_idle_sandbox_and_one_that_has_ended_leave_room(tmp_path: Path) -> None:
    async def main() -> None:
        async with pooled(reserving(make_package(tmp_path), 1)) as pool:
            first = await pool.say_process()
            await pool.idle(1)
            assert await pool.say_process() == first
            await pool.idle(1)
            os.kill(first, signal.SIGKILL)
            await pool.idle(0)
            assert await pool.say_process() != first

    run(main())


def test_an_invocation_may_wait_for_a_free_sandbox(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    half = SAY_HALF + "open('gate').read(); api.sock.sendall(b'0\\r\\n\\r\\n'); api.getresponse().read()"

    async def main() -> None:
        async with pooled(reserving(make_package(tmp_path), 1)) as pool:
            busy, next_one, last = running(half), running("os._exit(1)"), running(SAY_PROCESS)
            await pool.invoke(busy)
            await busy.channel.wait_for_start()
            asking = [
                asyncio.create_task(pool.invoke(invocation, wait_if_full=True)) for invocation in (next_one, last)
            ]
            await until(lambda: len(pool._waiting) == 2)  # noqa: SLF001
            (tmp_path / "gate").write_text("open")
            await asyncio.gather(*asking)

            assert await body(last)
            assert reported(next_one)[0] == "Runtime.ExitError"

    run(main())


def test_an_invocation_that_waits_for_a_sandbox_fails_when_the_emulator_stops(tmp_path: Path) -> None:
    async def main() -> None:
        async with pooled(reserving(make_package(tmp_path), 0)) as pool:
            invocation = running(SAY_PROCESS)
            asking = asyncio.create_task(pool.invoke(invocation, wait_if_full=True))
            await until(lambda: pool._waiting)  # noqa: SLF001
            await pool.stop()
            await asking

            assert reported(invocation)[0] == "Sandbox.Failure"

    run(main())


# --- ageing ----------------------------------------------------------------------------------------------------------


def test_a_sandbox_that_nobody_needs_ends_after_a_while(tmp_path: Path) -> None:
    async def main() -> None:
        async with pooled(make_package(tmp_path), Settings(idle_limit=0)) as pool:
            process = await pool.say_process()
            await until(lambda: not pool._all)  # noqa: SLF001
            assert not is_running(process)
            assert await pool.say_process() != process

    run(main())


def test_the_age_of_a_sandbox_counts_from_its_last_use(tmp_path: Path) -> None:
    async def main() -> None:
        async with pooled(make_package(tmp_path)) as pool:
            await pool.say_process()
            await pool.idle(1)
            (first,) = pool._idle.values()  # noqa: SLF001 - to wait for it would take longer than a test may
            await pool.say_process()
            await pool.idle(1)
            (second,) = pool._idle.values()  # noqa: SLF001

            assert first.cancelled()
            assert not second.cancelled()
            assert second.when() > first.when()

    run(main())


# --- failures --------------------------------------------------------------------------------------------------------


def test_an_interpreter_that_does_not_run_fails_each_invocation_and_is_logged(tmp_path: Path) -> None:
    package = make_package(tmp_path)
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\n")
    function = replace(package.function, environment={})

    async def main() -> None:
        async with pooled(replace(package, function=function, interpreter=python)) as pool:
            for _ in range(2):
                invocation = Invocation(b"{}")
                await pool.invoke(invocation)
                message = f"{python} does not start: Permission denied"
                assert reported(invocation) == ("Runtime.InvalidEntrypoint", message)
                assert pool.lines.pop() == message

    run(main())


def test_stopping_ends_all_sandboxes_idle_or_not_and_then_none_starts(tmp_path: Path) -> None:
    async def main() -> None:
        async with pooled(make_package(tmp_path)) as pool:
            busy = running(SAY_HALF + WAIT)
            await pool.invoke(busy)
            await busy.channel.wait_for_start()
            process = await pool.say_process()
            await pool.idle(1)
            await pool.stop()

            assert not is_running(process)
            assert reported(busy)[0] == "Runtime.ExitError"
            late = running(SAY_PROCESS)
            await pool.invoke(late)
            assert reported(late) == ("Sandbox.Failure", "The emulator has stopped")

    run(main())


def test_a_sandbox_that_starts_while_all_are_stopped_is_stopped_too(tmp_path: Path) -> None:
    async def main() -> None:
        async with pooled(make_package(tmp_path)) as pool:
            invocation = running(SAY_PROCESS)
            starting = asyncio.create_task(pool.invoke(invocation))
            await asyncio.sleep(0)
            await pool.stop()
            await starting

            assert invocation.channel.ended

    run(main())


def test_a_start_that_is_cancelled_leaves_no_process(tmp_path: Path) -> None:
    init = "open('started', 'w').write(str(os.getpid()))"

    async def main() -> None:
        async with pooled(make_package(tmp_path, init=init)) as pool:
            starting = asyncio.create_task(pool.invoke(running(WAIT)))
            await asyncio.sleep(0)
            starting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await starting
            assert pool._all == {}  # noqa: SLF001 - else stop() would stop a sandbox that never ran

    run(main())


def test_responses_are_recorded_but_not_throttled_invocations(tmp_path: Path) -> None:
    recordings = Recordings(tmp_path / "kept", print)
    settings = Settings(max_sandboxes=1, recordings=recordings)

    async def main() -> None:
        async with pooled(make_package(tmp_path), settings) as pool:
            busy = running(SAY_HALF + WAIT)
            await pool.invoke(busy)
            await anext(busy.channel.pieces())
            with pytest.raises(Throttled):
                await pool.invoke(running(SAY_PROCESS))

    run(main())
    recordings.close()

    assert len(list((tmp_path / "kept").iterdir())) == 2


def test_each_attempt_of_an_asynchronous_event_is_recorded_on_its_own(tmp_path: Path) -> None:
    recordings = Recordings(tmp_path / "kept", print)
    settings = Settings(recordings=recordings, async_retry_delays_s=(0, 0))
    invocation = running("raise SystemExit(3)")

    async def main() -> None:
        async with pooled(make_package(tmp_path), settings) as pool:
            pool.enqueue(invocation)
            while not any("the event is dropped" in line for line in pool.lines):  # noqa: ASYNC110 - no event for this
                await asyncio.sleep(0.001)
            starts = [line for line in pool.lines if line.startswith("START ")]
            assert starts == [f"START RequestId: {invocation.request_id} Version: $LATEST"] * 3

    run(main())
    recordings.close()

    stem = f"tiny-{invocation.request_id}"
    kept = {f"{stem}{attempt}.{layer}.ndjson" for attempt in ("", "-2", "-3") for layer in ("runtime-api", "client")}
    assert {path.name for path in (tmp_path / "kept").iterdir()} == kept


# --- code that must be built first -----------------------------------------------------------------------------------


class Root(TaskRoot):
    """Returns the folders, or raises the errors, of a list."""

    def __init__(self, package: Package, *results: Path | BuildError) -> None:
        super().__init__(package.function, package.interpreter, package.folders.task, Steps(lambda _: None), RUN)
        self.results = list(results)

    def make(self) -> Path:
        result = self.results.pop(0)
        if isinstance(result, BuildError):
            raise result
        return result


SAY_TASK = "respond(os.environ['LAMBDA_TASK_ROOT'].encode())"


def test_the_code_is_made_ready_when_it_is_first_needed_and_when_it_has_changed(tmp_path: Path) -> None:
    async def main() -> None:
        package = make_package(tmp_path)
        root = Root(package, tmp_path / "one", tmp_path / "two")
        async with pooled(replace(package, task_root=root)) as pool:
            assert len(root.results) == 2
            for name in ("one", "two"):
                (tmp_path / name).mkdir()
            for expected in ("one", "one", "two"):
                if expected == "two":
                    (tmp_path / "edited.py").write_text("")
                asked = running(SAY_TASK)
                await pool.invoke(asked)
                assert await body(asked) == str(tmp_path / expected).encode()
                await pool.idle(1)

    run(main())


class HeldRoot(Root):
    """Begins to build its first folder, and returns it when the gate is open."""

    def __init__(self, package: Package, *results: Path) -> None:
        super().__init__(package, *results)
        self.begun, self.gate = threading.Event(), threading.Event()

    def make(self) -> Path:
        result = super().make()
        self.begun.set()
        assert self.gate.wait(TIMEOUT_S)
        return result


def test_a_build_begun_before_an_edit_is_not_used_for_later_invocations(tmp_path: Path) -> None:
    async def main() -> None:
        edited, made = tmp_path / "code" / "app.py", [tmp_path / name for name in ("one", "two")]
        package = with_code_in(tmp_path / "code", make_package(tmp_path))
        root = HeldRoot(package, *made, made[1])  # a late report of the edit asks for one more build
        for folder in made:
            folder.mkdir()
        edit(edited, 1)
        async with pooled(replace(package, task_root=root)) as pool:
            before, after = running(SAY_TASK), running(SAY_TASK)
            asking = [asyncio.create_task(pool.invoke(before))]
            await asyncio.to_thread(root.begun.wait)
            edit(edited, 2)
            asking.append(asyncio.create_task(pool.invoke(after)))
            await asyncio.sleep(0)  # lets it wait for the build that has begun
            root.gate.set()
            await asyncio.gather(*asking)

            assert [await body(before), await body(after)] == [str(made[1]).encode()] * 2

    run(main())


def test_code_that_is_ready_when_the_emulator_has_stopped_is_not_run(tmp_path: Path) -> None:
    async def main() -> None:
        edited = tmp_path / "code" / "app.py"
        package = with_code_in(tmp_path / "code", make_package(tmp_path))
        root = HeldRoot(package, tmp_path)
        edit(edited, 1)
        async with pooled(replace(package, task_root=root)) as pool:
            late = running(SAY_TASK)
            asking = asyncio.create_task(pool.invoke(late))
            await asyncio.to_thread(root.begun.wait)
            stopping = asyncio.create_task(pool.stop())
            await asyncio.sleep(0)
            edit(edited, 2)
            root.gate.set()
            await asyncio.gather(asking, stopping)

            assert reported(late) == ("Sandbox.Failure", "The emulator has stopped")

    run(main())


def test_code_that_its_own_build_changes_is_run_all_the_same(tmp_path: Path) -> None:
    code = tmp_path / "code"

    class Writing(Root):
        def make(self) -> Path:
            edit(code / "version.py", 100 - len(self.results))
            return super().make()

    async def main() -> None:
        package = with_code_in(code, make_package(tmp_path))
        root = Writing(package, *[tmp_path] * 9)
        async with pooled(replace(package, task_root=root)) as pool:
            first = await pool.say_process()
            await pool.idle(1)
            assert pool.lines[0] == f"each build changes its own source folder {code}: let the build write elsewhere"
            built = len(root.results)

            assert await pool.say_process() == first
            assert len(root.results) == built

    run(main())


def test_code_that_cannot_be_made_ready_fails_the_invocation_alone_and_is_tried_again(tmp_path: Path) -> None:
    async def main() -> None:
        package = make_package(tmp_path)
        root = Root(package, BuildError("it cannot be installed"), tmp_path)
        async with pooled(replace(package, task_root=root)) as pool:
            failed = running(SAY_TASK)
            await pool.invoke(failed)
            assert reported(failed) == ("Sandbox.Failure", "it cannot be installed")
            assert "it cannot be installed" in pool.lines
            assert b64decode(await failed.tail.result()) == b"it cannot be installed\n"
            assert await pool.say_process()

    run(main())


@pytest.mark.parametrize("is_new", [True, False])
def test_without_a_free_file_descriptor_an_invocation_fails_and_the_next_one_does_not(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    is_new: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setattr(LOG, "filters", [])  # another test may have logged this within the second
    message = "no sandbox of tiny can start: Too many open files: raise the limit with `ulimit -n` in the shell"

    async def main() -> None:
        async with pooled(make_package(tmp_path)) as pool:
            busy = running(SAY_HALF + WAIT)
            if not is_new:  # the code is built: only the sandbox cannot start
                await pool.invoke(busy)
                await anext(busy.channel.pieces())
            failed = running(SAY_PROCESS)
            with no_free_file():
                await pool.invoke(failed)
            assert reported(failed) == ("Sandbox.Failure", message)
            assert await pool.say_process()
            assert message not in pool.lines

    run(main())
    assert message in caplog.messages


def test_what_is_on_the_dashboard_is_what_becomes_of_invocations(tmp_path: Path) -> None:
    async def main() -> None:
        package, activity = make_package(tmp_path), Activity()
        root = Root(package, BuildError("it cannot be installed"), tmp_path)
        async with pooled(replace(package, task_root=root), Settings(activity=activity)) as pool:
            failed = Invocation(b"{}")
            await pool.invoke(failed)

        (shown,) = activity.since(0)["rows"]
        assert (shown["request_id"], shown["ending"]) == (failed.request_id, "error")
        assert shown["error"]["message"].endswith("it cannot be installed")

    run(main())


# --- retirement ------------------------------------------------------------------------------------------------------

FINISH = "open('gate').read(); respond = api.sock.sendall(b'0\\r\\n\\r\\n'); api.close()"


def test_a_retired_pool_lets_its_streams_finish_and_passes_other_invocations_on(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()

    async def main() -> None:
        async with pooled(make_package(tmp_path)) as pool, pooled(make_package(tmp_path / "new")) as successor:
            os.mkfifo(tmp_path / "gate")
            busy = running(SAY_HALF + FINISH)
            await pool.invoke(busy)
            await busy.channel.wait_for_start()
            idle = await pool.say_process()
            await pool.idle(1)

            retiring = asyncio.create_task(pool.retire(successor))
            await asyncio.sleep(0)  # lets it begin
            passed_on = await pool.say_process()
            assert passed_on != idle
            assert len(successor._all) == 1  # noqa: SLF001 - a pool does not expose its sandboxes
            assert not retiring.done()
            await asyncio.to_thread((tmp_path / "gate").write_text, "open")
            assert await body(busy) == b"half"
            await retiring
            assert not pool.is_occupied
            assert not is_running(idle)
            assert await pool.say_process() == passed_on

    run(main())


def test_an_invocation_that_waits_for_a_retired_pool_is_passed_on(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()

    async def main() -> None:
        settings = replace(DEFAULTS, max_sandboxes=1)
        async with (
            pooled(make_package(tmp_path), settings) as pool,
            pooled(make_package(tmp_path / "new")) as successor,
        ):
            os.mkfifo(tmp_path / "gate")
            busy = running(SAY_HALF + FINISH)
            await pool.invoke(busy)
            event = running(SAY_PROCESS)
            pool.enqueue(event)
            await until(lambda: pool._waiting)  # noqa: SLF001

            retiring = asyncio.create_task(pool.retire(successor))
            assert int(await body(event)) > 0
            await asyncio.to_thread((tmp_path / "gate").write_text, "open")
            await retiring

    run(main())


def test_without_a_successor_an_invocation_of_a_retired_pool_fails_with_the_reason(tmp_path: Path) -> None:
    async def main() -> None:
        async with pooled(make_package(tmp_path)) as pool:
            await pool.retire(None)
            late = running(SAY_PROCESS)
            await pool.invoke(late)
            with pytest.raises(FunctionFailed):
                await body(late)
            assert pool.lines == ["tiny is no longer in the template"]

    run(main())
