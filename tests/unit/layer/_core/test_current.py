"""The running invocation: who finds it, and who does not."""

import asyncio
import threading
from contextvars import Context, copy_context
from typing import Any

import pytest

from invoking import DIRECT, Loop, invoke
from lambda_streamify import open_stream
from lambda_streamify._core import current
from lambda_streamify.errors import StreamStateError


def test_outside_of_an_invocation_nothing_runs() -> None:
    assert current.running.get() is None


def test_the_invocation_is_found_while_its_handler_runs_and_not_after_it() -> None:
    seen: list[Any] = []

    invoke(lambda *_: seen.append(current.running.get()), DIRECT)

    assert seen[0] is not None
    assert current.running.get() is None


def test_neither_is_it_after_a_handler_that_raised() -> None:
    def handler(_event: Any, _context: Any) -> None:
        raise ValueError

    invoke(handler, DIRECT)

    assert current.running.get() is None


def test_a_plain_thread_finds_none() -> None:
    seen: list[Any] = []

    def handler(_event: Any, _context: Any) -> None:
        thread = threading.Thread(target=lambda: seen.append(current.running.get()))
        thread.start()
        thread.join()

    invoke(handler, DIRECT)

    assert seen == [None]


def test_a_copied_context_that_outlives_its_invocation_never_reaches_the_next() -> None:
    kept: list[Context] = []

    def second(_event: Any, _context: Any) -> Any:
        with pytest.raises(StreamStateError, match="the response is over"):
            kept[0].run(open_stream)
        return iter(["second"])

    invoke(lambda *_: kept.append(copy_context()), DIRECT)

    assert invoke(second, DIRECT).sent.chunks == [b"second"]


def test_a_task_that_outlives_its_invocation_never_reaches_the_next(loop: Loop) -> None:
    async def linger(go_on: asyncio.Event) -> str:
        await go_on.wait()
        try:
            open_stream().write("from before")
        except StreamStateError as error:
            return str(error)
        return "written"

    kept: list[Any] = []

    async def first(_event: Any, _context: Any) -> None:
        go_on = asyncio.Event()
        kept.extend((go_on, asyncio.ensure_future(linger(go_on))))
        await asyncio.sleep(0)

    async def second(_event: Any, _context: Any) -> None:
        out = open_stream()
        kept[0].set()
        assert "the response is over" in await kept[1]
        await out.awrite("second")

    invoke(first, DIRECT, loop=loop)

    assert invoke(second, DIRECT, loop=loop).sent.chunks == [b"second"]
