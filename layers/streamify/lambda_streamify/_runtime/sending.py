"""Sends the chunks of a body to a delivery. Each chunk is sent before the body produces the next one.

The body is closed on return, in the thread and the task that iterated it.

Chunks are sent by an iterator written in C, which produces only a chunk that the socket has not taken as a whole. So
one Python function is called for each chunk, and the generator's StopIteration, which a `for` loop discards, can be
caught: it carries the value that the generator returned.
"""

from itertools import filterfalse

from .._core.iteration import Iteration, as_bytes, for_each
from .._response.response import as_http, is_async, keepable
from .._response.sources import PRELUDE
from .._wire.marshal import marshal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import AsyncIterator, Iterator
    from typing import Any

    from .._response.response import StreamingResponse
    from .._response.writer import ResponseWriter
    from .delivery import Delivery


def send_value(delivery: "Delivery", value: object) -> None:
    """Send a plain value in the response format of this caller."""
    route = delivery.route
    if route.source.response_format(route.mode, streamed=False) == PRELUDE:
        route.response_format = PRELUDE
        send(delivery, as_http(value, lambda body: marshal(body)[0]))
        delivery.end()
    else:
        delivery.answer(value)


def send(delivery: "Delivery", response: "StreamingResponse") -> object:
    """Send or collect all chunks of the body. Returns the value to answer instead, or None."""
    with Iteration(response.body) as chunks:
        delivery.set_response(response)
        if delivery.collects or _uses_own_writer(delivery, response, "write_to"):
            returned = _send_or_collect(delivery, response, chunks)
        else:
            returned = _send(delivery, response, chunks)
    return delivery.take_replacement(returned)


async def send_async(loop: "AbstractEventLoop", delivery: "Delivery", response: "StreamingResponse") -> object:
    """Do the same as `send`, in the event loop, which a slow client must not block."""
    if not is_async(response.body):  # iterate it in this task, for it may need the running loop and context variables
        with Iteration(response.body) as chunks:
            delivery.set_response(response)
            if delivery.collects or _uses_own_writer(delivery, response, "write_to"):
                returned = _send_or_collect(delivery, response, chunks)
            else:
                returned = await _send_in_task(loop, delivery, response, chunks)
        return delivery.take_replacement(returned)
    async with Iteration(response.body) as items:
        delivery.set_response(response)
        if delivery.collects:
            delivery.collected = [keepable(chunk) async for chunk in items]
        elif _uses_own_writer(delivery, response, "awrite_to"):
            await response.body.awrite_to(_writer(delivery, response))  # type: ignore[union-attr]
        else:
            await _send_async(loop, delivery, response, items)
    return None  # an asynchronous generator cannot return a value


def _send_or_collect(delivery: "Delivery", response: "StreamingResponse", chunks: "Iterator[Any]") -> object:
    """Collect the body, or let it write itself. Returns what its generator returned."""
    if not delivery.collects:
        return response.body.write_to(_writer(delivery, response))  # type: ignore[union-attr]
    collected: list[str | bytes] = []
    returned = for_each(map(keepable, chunks), collected.append)
    delivery.collected = collected
    return returned


def _send(delivery: "Delivery", response: "StreamingResponse", chunks: "Iterator[Any]") -> object:
    """Send the chunks. Returns what the generator returned; if that is the answer, nothing has been sent."""
    bodiless = delivery.route.is_bodiless(response)
    first, returned = _first_chunk(response, chunks, bodiless=bodiless)
    if returned is not None and response.is_bare:
        return returned
    data = as_bytes(first)  # raises for a wrong type, which is still an ordinary error here
    stream, start = delivery.open(response, first)
    stream.open(start, b"" if bodiless else data)
    if bodiless:
        return None
    del first, data  # while a view of a chunk lives, a body cannot resize the bytearray that it yielded
    incomplete = filterfalse(stream.write_nowait, chunks)
    while True:
        try:
            next(incomplete)
        except StopIteration as end:
            return end.value if returned is None else returned
        stream.flush()


async def _send_in_task(
    loop: "AbstractEventLoop", delivery: "Delivery", response: "StreamingResponse", chunks: "Iterator[Any]"
) -> object:
    bodiless = delivery.route.is_bodiless(response)
    first, returned = _first_chunk(response, chunks, bodiless=bodiless)
    if returned is not None and response.is_bare:
        return returned
    data = as_bytes(first)
    stream, start = delivery.open(response, first)
    await stream.open_async(loop, start, b"" if bodiless else data)
    if bodiless:
        return None
    del first, data  # as above
    incomplete = filterfalse(stream.write_nowait, chunks)
    while True:
        try:
            next(incomplete)
        except StopIteration as end:
            return end.value if returned is None else returned
        await stream.drain(loop)


def _first_chunk(response: "StreamingResponse", chunks: "Iterator[Any]", *, bodiless: bool) -> "tuple[object, object]":
    """Return the first chunk, or "", and the value that the generator returned instead of it, or None."""
    if _needs_first_chunk(response, bodiless=bodiless):
        try:
            return next(chunks), None
        except StopIteration as end:
            return "", end.value
    return "", None


async def _send_async(
    loop: "AbstractEventLoop", delivery: "Delivery", response: "StreamingResponse", chunks: "AsyncIterator[Any]"
) -> None:
    bodiless = delivery.route.is_bodiless(response)
    first = await anext(chunks, "") if _needs_first_chunk(response, bodiless=bodiless) else ""
    data = as_bytes(first)
    stream, start = delivery.open(response, first)
    await stream.open_async(loop, start, b"" if bodiless else data)
    if bodiless:
        return
    write_nowait = stream.write_nowait
    del first, data
    async for chunk in chunks:
        if not write_nowait(chunk):
            await stream.drain(loop)
        del chunk


def _needs_first_chunk(response: "StreamingResponse", *, bodiless: bool) -> bool:
    """Return whether the first chunk must exist before anything is sent. It may change the status of a bare body."""
    return response.is_bare or not (bodiless or response.eager)


def _uses_own_writer(delivery: "Delivery", response: "StreamingResponse", method: str) -> bool:
    """Return whether the body writes itself. Such a body sends chunks at certain times, which iteration cannot."""
    return hasattr(response.body, method) and not delivery.route.is_bodiless(response)


def _writer(delivery: "Delivery", response: "StreamingResponse") -> "ResponseWriter":
    from .._response.writer import ResponseWriter  # imported late: few bodies need it

    if response.eager:
        delivery.push("", b"")
    return ResponseWriter(delivery, response)
