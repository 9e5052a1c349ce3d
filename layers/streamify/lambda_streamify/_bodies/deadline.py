"""The time that an invocation has left, and bodies that end in good order before it is over.

Lambda cuts the stream of a function that runs into its timeout: no trailers, no `finally`, and the reader cannot tell.
"""

from .._core.iteration import Iteration
from .._response.response import StreamingResponse, is_async
from ..errors import ChunkTypeError, HandlerError
from .bodies import AsyncTypedBody, TypedBody
from .interruption import INTERRUPTED, Interruption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Generator, Iterable, Iterator
    from typing import Any, Protocol, overload

    from .._response.response import Readable

    class Context(Protocol):
        """What `deadline` needs of the handler's second argument."""

        def get_remaining_time_in_millis(self) -> int:
            """Milliseconds until Lambda ends the invocation."""


def deadline(context: "Context", margin: float = 1.0) -> "Deadline":
    r"""The moment `margin` seconds before Lambda ends the invocation of `context`, the handler's second argument.

        return deadline(context, margin=2).limit(rows(), last="...cut\n")

    The margin leaves time for a last chunk, for the end of the source, and for sending the end of the response.

    Raises HandlerError for a wrong argument.
    """
    if not margin >= 0:  # so NaN is refused, too
        raise HandlerError(f"deadline: margin is {margin!r}; it must be seconds, 0 or more")
    if not hasattr(context, "get_remaining_time_in_millis"):
        raise HandlerError(f"deadline was given {context!r}; give it the handler's second argument, the Lambda context")
    return Deadline(context, margin)


class Deadline:
    """A moment in the future. Its only clock is `context.get_remaining_time_in_millis()`."""

    def __init__(self, context: "Context", margin: float) -> None:
        self._context = context
        self._margin = margin

    @property
    def remaining(self) -> float:
        """Seconds until the deadline; 0.0 after it."""
        return max(0.0, float(self._context.get_remaining_time_in_millis()) / 1000 - self._margin)

    @property
    def passed(self) -> bool:
        """Whether there is no time left."""
        return self.remaining == 0

    if TYPE_CHECKING:

        @overload
        def limit(self, body: AsyncIterable[Any], last: object = None) -> AsyncTypedBody: ...

        @overload
        def limit(self, body: Iterable[Any] | Readable, last: object = None) -> TypedBody: ...

    def limit(self, body: "Any", last: object = None) -> "TypedBody | AsyncTypedBody":
        """End `body` at the deadline if it has not ended before.

        body  a body, or the items that `sse.events` and `ndjson.lines` take
        last  the last chunk (or item) of a body that is cut, or a function that returns it; None sends no chunk

        A sync body yields no more chunks after the deadline, but nothing can interrupt its wait for a chunk. The wait
        of an async body ends at the deadline: the source gets a CancelledError in the task that iterates it. A
        cancellation from elsewhere stays a cancellation. (Python 3.10 does not count cancellations: another one that
        comes before the source has handled the deadline's is taken for the same.) The source is closed after `last`.

        Raises HandlerError or ChunkTypeError for a wrong argument.
        """
        if hasattr(body, "write_to") or hasattr(body, "awrite_to"):
            raise HandlerError(
                f"limit was given a {type(body).__name__}, which decides itself when to write; use limit inside it: "
                "keepalive(limit(body))"
            )
        given = body
        body = StreamingResponse(body).body  # a file becomes blocks
        # Text, bytes and objects are iterable, but a body is never meant as their characters or keys.
        whole = isinstance(given, (str, bytes, bytearray, memoryview, dict))
        if whole or not (is_async(body) or hasattr(body, "__iter__")):
            raise ChunkTypeError(f"limit was given a {type(given).__name__}; give it a body, a generator for example")
        content_type = getattr(body, "content_type", None)
        if is_async(body):
            return AsyncTypedBody(self._limited_async(body, last), content_type, body)
        return TypedBody(self._limited_sync(body, last), content_type, body)

    def _limited_sync(self, body: "Any", last: object) -> "Generator[Any, None, object]":
        with Iteration(body) as chunks:
            while not self.passed:
                try:
                    chunk = next(chunks)
                except StopIteration as end:
                    return end.value
                yield chunk
                del chunk  # while a view of it lives, a body cannot resize the bytearray that it yielded
            yield from _last(last)
            return None

    async def _limited_async(self, body: "Any", last: object) -> "AsyncIterator[Any]":
        async with Iteration(body) as chunks:
            with _DeadlineInterruption(self) as interruption:
                while not self.passed:
                    try:
                        chunk = await interruption.next(chunks)
                    except StopAsyncIteration:
                        return
                    if chunk is INTERRUPTED:
                        break
                    yield chunk
                    del chunk
            for chunk in _last(last):
                yield chunk


class _DeadlineInterruption(Interruption):
    """Ends the wait for a chunk at the deadline."""

    def __init__(self, deadline: Deadline) -> None:
        super().__init__()
        self._deadline = deadline

    def __enter__(self) -> "_DeadlineInterruption":
        from asyncio import get_running_loop

        self._loop = get_running_loop()
        self._set_timer()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _set_timer(self) -> None:
        self._timer = self._loop.call_later(self._deadline.remaining, self._ring)

    def _ring(self) -> None:
        if not self._deadline.passed:  # the event loop's clock is fast, or stood still with the rest of the sandbox
            self._set_timer()
        else:
            self.interrupt()


def _last(last: object) -> "Iterator[Any]":
    chunk = last() if callable(last) else last
    if chunk is not None:
        yield chunk
