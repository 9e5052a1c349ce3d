"""Bodies are always closed, in the thread and task that iterated them, and a slow client suspends them."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from threading import Event
from typing import Any

import pytest

from invoking import DIRECT, FUNCTION_URL, Handler, Loop, invoke, invoke_scripted
from lambda_streamify._response.response import StreamingResponse
from lambda_streamify._runtime.invocation import PENDING_TASK_LIMIT
from scripted_api import ACCEPTED, WAIT, Peer

variable: ContextVar[str] = ContextVar("variable", default="nothing")


class Steps:
    """Records the thread, the task and the context of each step of an invocation."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.places: set[object] = set()
        self.variables: list[str] = []

    def here(self, name: str, task: object = None) -> None:
        self.names.append(name)
        self.places.add((threading.get_ident(), task))
        self.variables.append(variable.get())


class Body:
    """An iterable that returns a generator, so two objects must be closed."""

    def __init__(self, steps: Steps, fails: BaseException | None) -> None:
        self._steps = steps
        self._fails = fails

    def __iter__(self) -> Iterator[str]:
        return generate(self._steps, self._fails)

    def close(self) -> None:
        self._steps.here("body closed")


def generate(steps: Steps, fails: BaseException | None) -> Iterator[str]:
    try:
        steps.here("first")
        yield "one"
        steps.here("second")
        yield "two"
        if fails:
            raise fails
    finally:
        steps.here("finally")


class AsyncBody:
    """The asynchronous variant of `Body`. Steps are recorded with their task."""

    def __init__(self, steps: Steps, fails: BaseException | None) -> None:
        self._steps = steps
        self._fails = fails

    def __aiter__(self) -> AsyncIterator[str]:
        return generate_async(self._steps, self._fails)

    async def aclose(self) -> None:
        self._steps.here("body closed", asyncio.current_task())


async def generate_async(steps: Steps, fails: BaseException | None) -> AsyncIterator[str]:
    try:
        steps.here("first", asyncio.current_task())
        yield "one"
        await asyncio.sleep(0)
        steps.here("second", asyncio.current_task())
        yield "two"
        if fails:
            raise fails
    finally:
        await asyncio.sleep(0)
        steps.here("finally", asyncio.current_task())


def sync_handler(steps: Steps, make: Callable[[], Any]) -> Handler:
    def handler(_event: Any, _context: Any) -> Any:
        variable.set("set by the handler")
        steps.here("handler")
        return make()

    return handler


def async_handler(steps: Steps, make: Callable[[], Any]) -> Handler:
    async def handler(_event: Any, _context: Any) -> Any:
        await asyncio.sleep(0)
        variable.set("set by the handler")
        steps.here("handler", asyncio.current_task())
        return make()

    return handler


@pytest.mark.parametrize("fails", [None, ValueError("why")])
@pytest.mark.parametrize("mode", ["auto", "buffered"])
@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("behind_an_iterable", [False, True])
def test_handler_body_and_close_run_in_one_thread_one_task_and_one_context(
    fails: BaseException | None, mode: str, loop: Loop, *, asynchronous: bool, behind_an_iterable: bool
) -> None:
    steps = Steps()
    if asynchronous:
        handler = async_handler(
            steps,
            lambda: StreamingResponse(AsyncBody(steps, fails)) if behind_an_iterable else generate_async(steps, fails),
        )
    else:
        handler = sync_handler(
            steps, lambda: StreamingResponse(Body(steps, fails)) if behind_an_iterable else generate(steps, fails)
        )

    invoke(handler, DIRECT, mode=mode, loop=loop)

    last = ["body closed"] if behind_an_iterable else []
    assert steps.names == ["handler", "first", "second", "finally", *last]
    assert set(steps.variables) == {"set by the handler"}
    assert len(steps.places) == 1


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("behind_an_iterable", [False, True])
@pytest.mark.parametrize("reason", ["a chunk of a wrong type", "a status that cannot be"])
def test_a_failed_body_is_closed_before_the_error_is_sent(
    reason: str, loop: Loop, *, asynchronous: bool, behind_an_iterable: bool
) -> None:
    closed = Event()

    def body() -> Iterator[Any]:
        try:
            yield None if reason == "a chunk of a wrong type" else "x"
        finally:
            closed.set()

    async def async_body() -> AsyncIterator[Any]:
        try:
            yield None if reason == "a chunk of a wrong type" else "x"
        finally:
            await asyncio.sleep(0)
            closed.set()

    class Behind:
        def __iter__(self) -> Iterator[Any]:
            return body()

    class AsyncBehind:
        def __aiter__(self) -> AsyncIterator[Any]:
            return async_body()

    def handler(_event: Any, _context: Any) -> Any:
        made: Any = (AsyncBehind if asynchronous else Behind)() if behind_an_iterable else None
        return StreamingResponse(
            made or (async_body if asynchronous else body)(), 200 if reason.startswith("a chunk") else 1000
        )

    def script(peer: Peer) -> None:
        request = peer.read_request()
        assert request.startswith(b"POST /2018-06-01/runtime/invocation/request-1/error ")
        assert closed.is_set() or reason.startswith("a status")  # with an invalid status, the body had not begun
        peer.send(ACCEPTED)

    invoke_scripted(handler, FUNCTION_URL, script, loop=loop)


class Closable:
    """A body whose `close` can fail."""

    def __init__(self, chunks: list[Any]) -> None:
        self._chunks = iter(chunks)

    def __iter__(self) -> Iterator[Any]:
        return self._chunks

    def close(self) -> None:
        raise ValueError("no end")


class AsyncClosable:
    """The asynchronous variant of `Closable`."""

    def __init__(self, chunks: list[Any]) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[Any]:
        for chunk in self._chunks:
            yield chunk

    async def aclose(self) -> None:
        raise ValueError("no end")


@pytest.mark.parametrize("make", [Closable, AsyncClosable])
def test_an_error_in_closing_is_trailers_after_the_whole_body(make: Callable[[list[Any]], Any], loop: Loop) -> None:
    sent = invoke(lambda *_: StreamingResponse(make(["one", "two"])), FUNCTION_URL, loop=loop).sent

    assert sent.content == b"onetwo"
    assert sent.trailed_error["errorMessage"] == "no end"


@pytest.mark.parametrize("make", [Closable, AsyncClosable])
@pytest.mark.parametrize("mode", ["auto", "buffered"])
def test_an_error_in_closing_before_anything_was_sent_is_an_ordinary_error(
    make: Callable[[list[Any]], Any], mode: str, loop: Loop
) -> None:
    outcome = invoke(lambda *_: StreamingResponse(make([None])), FUNCTION_URL, mode=mode, loop=loop)

    assert outcome.path == "error"
    assert outcome.sent.json["errorMessage"] == "no end"


def test_an_error_in_finally_is_trailers(loop: Loop) -> None:
    def handler(_event: Any, _context: Any) -> Iterator[str]:
        try:
            yield "one"
        finally:
            raise ValueError("no end")

    async def handler_async(_event: Any, _context: Any) -> AsyncIterator[str]:
        try:
            yield "one"
        finally:
            raise ValueError("no end")

    for each in (handler, handler_async):
        sent = invoke(each, FUNCTION_URL, loop=loop).sent
        assert (sent.content, sent.trailed_error["errorMessage"]) == (b"one", "no end")


def test_an_error_in_closing_the_iterator_does_not_keep_the_body_open() -> None:
    steps = Steps()

    class Both(Body):
        def __iter__(self) -> Iterator[Any]:
            try:
                yield None
            finally:
                raise ValueError("no end")

    outcome = invoke(lambda *_: StreamingResponse(Both(steps, None)), FUNCTION_URL)

    assert outcome.sent.json["errorMessage"] == "no end"
    assert steps.names == ["body closed"]


# --- a slow reader ---------------------------------------------------------------------------------------------------

LARGE = bytes(16 * 1024 * 1024)  # more than the kernel's buffers on both sides


def test_a_slow_client_suspends_the_generator() -> None:
    order: list[str] = []

    def handler(_event: Any, _context: Any) -> Iterator[bytes]:
        yield LARGE
        order.append("next chunk asked for")
        yield b"x"

    def script(peer: Peer) -> None:
        peer.read_until(b"\r\n1000000\r\n")
        order.append("reading begins")
        peer.read(len(LARGE) + 2)
        assert peer.read_until(b"\r\n0\r\n\r\n") == b"1\r\nx\r\n0\r\n\r\n"
        peer.send(ACCEPTED)

    invoke_scripted(handler, DIRECT, script)

    assert order == ["reading begins", "next chunk asked for"]


@pytest.mark.parametrize("small_first", [False, True])
def test_a_slow_client_suspends_the_asynchronous_generator_and_not_the_event_loop(
    loop: Loop, *, small_first: bool
) -> None:
    order: list[str] = []
    others_ran = Event()

    async def others() -> None:
        for _ in range(100):
            await asyncio.sleep(0)
        order.append("other tasks ran")
        others_ran.set()

    async def handler(_event: Any, _context: Any) -> Any:
        other = asyncio.ensure_future(others())

        async def body() -> AsyncIterator[bytes]:
            if small_first:
                yield b"first"
            yield LARGE
            order.append("next chunk asked for")
            await other
            yield b"x"

        return body()

    def script(peer: Peer) -> None:
        peer.read_until(b"\r\n1000000\r\n")
        assert others_ran.wait(WAIT), "the event loop was blocked"
        order.append("reading begins")
        peer.read(len(LARGE) + 2)
        assert peer.read_until(b"\r\n0\r\n\r\n") == b"1\r\nx\r\n0\r\n\r\n"
        peer.send(ACCEPTED)

    invoke_scripted(handler, DIRECT, script, loop=loop)

    assert order == ["other tasks ran", "reading begins", "next chunk asked for"]


@pytest.mark.parametrize(("left", "warnings"), [(PENDING_TASK_LIMIT, 0), (PENDING_TASK_LIMIT + 1, 1)])
def test_tasks_that_accumulate_over_invocations_are_logged(left: int, warnings: int, loop: Loop) -> None:
    never = asyncio.Event()
    tasks: list[asyncio.Task[bool]] = []

    async def handler(_event: Any, _context: Any) -> None:
        tasks.extend(asyncio.create_task(never.wait()) for _ in range(left // 2 if not tasks else left - left // 2))

    first = invoke(handler, DIRECT, loop=loop).log
    second = invoke(handler, DIRECT, loop=loop).log

    assert first.messages == []
    assert len(second.messages) == warnings
    assert all("tasks of past invocations are still pending" in message for message in second.messages)

    async def end() -> None:
        never.set()
        await asyncio.wait(tasks)

    loop().run_until_complete(end())
