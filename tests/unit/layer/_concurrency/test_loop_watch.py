"""The watch of the event loop. The handler blocks until the log tells where."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from invoking import Log
from lambda_streamify._concurrency import loop_watch
from lambda_streamify._concurrency.loop_watch import LoopWatch
from lambda_streamify._core import current
from lambda_streamify._runtime.logs import Logs
from waiting import TIMEOUT_S


class ToldLog(Log):
    """A log that lets a thread wait for a line."""

    def __init__(self) -> None:
        super().__init__()
        self.told = threading.Event()

    def log(self, message: str, frame_type: bytes | None = None) -> None:
        super().log(message, frame_type)
        self.told.set()

    def block_until_told(self) -> None:
        """Block the event loop."""
        assert self.told.wait(TIMEOUT_S), "nobody has told"


class Running:
    """An invocation, as far as the log looks at it."""

    tenant_id = None

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_watch, "INTERVAL_S", 0.02)


def watched(scenario: Callable[[LoopWatch, ToldLog], Any]) -> list[str]:
    """Run the scenario in an event loop that is watched; returns what was logged."""

    async def main() -> None:
        watch.start()
        await scenario(watch, log)
        watch.stop()

    log = ToldLog()
    loop = asyncio.new_event_loop()
    watch = LoopWatch(loop, Logs(log, lambda: 1.0))
    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
    watch._thread.join(TIMEOUT_S)  # noqa: SLF001 - it must have ended
    assert not watch._thread.is_alive()  # noqa: SLF001
    return log.messages


def test_a_blocked_event_loop_is_told_with_its_place() -> None:
    async def scenario(watch: LoopWatch, log: ToldLog) -> None:
        with watch:
            await asyncio.get_running_loop().create_task(handler(log))

    async def handler(log: ToldLog) -> None:
        current.running.set(Running("request-1"))  # type: ignore[arg-type]
        log.block_until_told()

    (line,) = watched(scenario)

    assert "\tthe event loop has been blocked for about a second, which holds all invocations of this process: " in line
    assert f" in block_until_told < {__file__}:" in line
    assert " in handler; await instead, or call what blocks with asyncio.to_thread" in line
    if hasattr(asyncio.Task, "get_context"):
        assert line.split("\t")[2] == "request-1"


def test_the_same_place_is_told_once_and_another_one_again() -> None:
    async def scenario(watch: LoopWatch, log: ToldLog) -> None:
        with watch:
            for _ in range(2):
                block(log)
                log.told.clear()
                await asyncio.sleep(0)
                if len(log.messages) == 1:
                    log.told.set()  # nobody tells a second time
            log.told.clear()
            log.told.wait(TIMEOUT_S)

    def block(log: ToldLog) -> None:
        log.told.wait(TIMEOUT_S)

    lines = watched(scenario)

    assert [" in block " in line or " in block <" in line for line in lines] == [True, False]


def test_a_call_that_belongs_to_no_task_is_told_without_the_request_id_of_an_earlier_one() -> None:
    async def scenario(watch: LoopWatch, log: ToldLog) -> None:
        with watch:
            await asyncio.get_running_loop().create_task(handler(log))
            log.told.clear()
            asyncio.get_running_loop().call_soon(log.block_until_told)
            await asyncio.sleep(0)

    async def handler(log: ToldLog) -> None:
        current.running.set(Running("request-1"))  # type: ignore[arg-type]
        log.told.wait(TIMEOUT_S)

    lines = watched(scenario)

    assert [line.split("\t")[2] for line in lines][1:] == [""]


def test_an_event_loop_that_answers_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_watch, "WAITS", 1000)  # the machine may be busy
    asked: list[object] = []

    async def scenario(watch: LoopWatch, _log: ToldLog) -> None:
        loop: Any = asyncio.get_running_loop()
        ask = loop.call_soon_threadsafe
        answered_twice = asyncio.Event()

        def count(*call: Any) -> None:
            asked.append(call)
            ask(*call)
            if len(asked) == 3:
                ask(answered_twice.set)

        loop.call_soon_threadsafe = count
        with watch:
            await answered_twice.wait()
        loop.call_soon_threadsafe = ask

    assert watched(scenario) == []


def test_nothing_is_watched_while_nothing_runs() -> None:
    """The environment may be frozen, and must not wake up to find the event loop late."""
    asked: list[object] = []

    async def scenario(watch: LoopWatch, _log: ToldLog) -> None:
        loop: Any = asyncio.get_running_loop()
        with watch:
            pass
        loop.call_soon_threadsafe, ask = lambda *call: asked.append(call), loop.call_soon_threadsafe
        await asyncio.sleep(0.2)
        loop.call_soon_threadsafe = ask

    assert watched(scenario) == []
    assert asked == []


def test_a_loop_that_was_closed_ends_the_watch() -> None:
    loop = asyncio.new_event_loop()
    watch = LoopWatch(loop, Logs(Log()))
    watch.start()
    loop.close()
    with watch:
        watch._thread.join(TIMEOUT_S)  # noqa: SLF001 - it ends by itself

    assert not watch._thread.is_alive()  # noqa: SLF001
