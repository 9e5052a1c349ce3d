"""A body that yields its chunks, into a delivery: each chunk is out before the next is asked for.

The body is closed on return, in the thread and in the task that ran it.
"""

from .iteration import InTask, Iteration
from .response import as_bytes, is_async, keepable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import AsyncIterator, Iterator
    from typing import Any

    from .delivery import Delivery
    from .response import StreamingResponse
    from .writer import ResponseWriter


def send(delivery: "Delivery", response: "StreamingResponse") -> None:
    """Send or collect all chunks of the body."""
    with Iteration(response.body) as chunks:
        delivery.claim(response)
        if delivery.collects:
            delivery.collected = list(map(keepable, chunks))
        elif _writes_itself(delivery, response, "write_to"):
            response.body.write_to(_writer(delivery, response))  # type: ignore[union-attr]
        else:
            _send(delivery, response, chunks)


async def send_async(loop: "AbstractEventLoop", delivery: "Delivery", response: "StreamingResponse") -> None:
    """`send` for a body that is iterated in the event loop, which a slow reader must not block."""
    async with Iteration(response.body if is_async(response.body) else InTask(response.body)) as chunks:
        delivery.claim(response)
        if delivery.collects:
            delivery.collected = [keepable(chunk) async for chunk in chunks]
        elif _writes_itself(delivery, response, "awrite_to"):
            await response.body.awrite_to(_writer(delivery, response))  # type: ignore[union-attr]
        elif _writes_itself(delivery, response, "write_to"):
            response.body.write_to(_writer(delivery, response))  # type: ignore[union-attr]
        else:
            await _send_async(loop, delivery, response, chunks)


def _send(delivery: "Delivery", response: "StreamingResponse", chunks: "Iterator[Any]") -> None:
    bodiless = delivery.is_bodiless(response)
    first = "" if bodiless or response.eager else next(chunks, "")
    stream, start = delivery.open(response, first)
    stream.open(start, as_bytes(first))
    if bodiless:
        return
    write = stream.write
    del first
    for chunk in chunks:
        data = chunk if type(chunk) is bytes else as_bytes(chunk)
        if data:
            write(data)
        del chunk, data  # while a view of it lives, a body cannot resize the bytearray that it yielded


async def _send_async(
    loop: "AbstractEventLoop", delivery: "Delivery", response: "StreamingResponse", chunks: "AsyncIterator[Any]"
) -> None:
    bodiless = delivery.is_bodiless(response)
    first = "" if bodiless or response.eager else await anext(chunks, "")
    stream, start = delivery.open(response, first)
    await stream.open_async(loop, start, as_bytes(first))
    if bodiless:
        return
    write_nowait = stream.write_nowait
    del first
    async for chunk in chunks:
        data = chunk if type(chunk) is bytes else as_bytes(chunk)
        if data and not write_nowait(data):
            await stream.drain(loop)
        del chunk, data


def _writes_itself(delivery: "Delivery", response: "StreamingResponse", method: str) -> bool:
    """Whether the body has a way of its own to be sent: it keeps time, and a plain iteration would not."""
    return hasattr(response.body, method) and not delivery.is_bodiless(response)


def _writer(delivery: "Delivery", response: "StreamingResponse") -> "ResponseWriter":
    from .writer import ResponseWriter  # few bodies need one

    if response.eager:
        delivery.push("", b"")
    return ResponseWriter(delivery, response)
