"""The time that an invocation has left, and bodies that end in good order before it is over.

Lambda cuts the stream of a function that runs into its timeout: no trailers, no `finally`, and the reader cannot tell.
"""

import sys

from .bodies import AsyncTypedBody, TypedBody
from .errors import ChunkTypeError, HandlerError
from .iteration import Iteration
from .response import StreamingResponse, is_async

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import AsyncIterator, Iterator
    from typing import Any

_TOO_LATE = object()


def deadline(context: "Any", margin: float = 1.0) -> "Deadline":
    """The moment `margin` seconds before Lambda ends the invocation that `context` is the handler's context of.

    The margin is for what comes after: a last chunk, the source's end, and the end of the response on its way out.
    """
    if not margin >= 0:  # so NaN is refused, too
        raise HandlerError(f"deadline: margin is {margin!r}; it must be seconds, 0 or more")
    if not hasattr(context, "get_remaining_time_in_millis"):
        raise HandlerError(f"deadline was given {context!r}; give it the handler's second argument, the Lambda context")
    return Deadline(context, margin)


class Deadline:
    """A moment that comes nearer. Its only clock is `context.get_remaining_time_in_millis()`."""

    def __init__(self, context: "Any", margin: float) -> None:
        self._context = context
        self._margin = margin

    @property
    def remaining(self) -> float:
        """Seconds until the deadline; 0.0 from then on."""
        return max(0.0, float(self._context.get_remaining_time_in_millis()) / 1000 - self._margin)

    @property
    def passed(self) -> bool:
        """Whether there is no time left."""
        return self.remaining == 0

    def limit(self, body: "Any", last: object = None) -> "TypedBody | AsyncTypedBody":
        """`body`, which ends at the deadline if it has not ended before; then `last` is its last chunk.

        `last` is a chunk, or a callable that returns one then; None is no chunk. What is limited need not be a body:
        the items that `sse.events` and `ndjson.lines` take will do, and `last` is an item then.

        A sync body is asked for no chunk from the deadline on, but the wait for a chunk cannot be interrupted. Of an
        asynchronous one that wait ends at the deadline: the source gets a CancelledError in the task that iterates it.
        A cancellation from elsewhere stays one. (Python 3.10 does not count cancellations: there, one that comes before
        the source is done with the deadline's is taken for the same.) Either way the source is closed after `last`.
        """
        if hasattr(body, "write_to") or hasattr(body, "awrite_to"):
            raise HandlerError(
                f"limit was given a {type(body).__name__}, which writes itself; give it what that was made of, "
                "such as keepalive(limit(body))"
            )
        given = body
        body = StreamingResponse(body).body  # a file becomes blocks
        # Text, bytes and objects are iterable, but nobody means their characters or keys.
        whole = isinstance(given, (str, bytes, bytearray, memoryview, dict))
        if whole or not (is_async(body) or hasattr(body, "__iter__")):
            raise ChunkTypeError(f"limit was given a {type(given).__name__}; give it a body, a generator for example")
        content_type = getattr(body, "content_type", None)
        if is_async(body):
            return AsyncTypedBody(self._limited_async(body, last), content_type, body)
        return TypedBody(self._limited_sync(body, last), content_type, body)

    def _limited_sync(self, body: "Any", last: object) -> "Iterator[Any]":
        with Iteration(body) as chunks:
            while not self.passed:
                try:
                    chunk = next(chunks)
                except StopIteration:
                    return
                yield chunk
                del chunk  # while a view of it lives, a body cannot resize the bytearray that it yielded
            yield from _last(last)

    async def _limited_async(self, body: "Any", last: object) -> "AsyncIterator[Any]":
        async with Iteration(body) as chunks:
            with _Interruption(self) as interruption:
                while not self.passed:
                    try:
                        chunk = await interruption.next(chunks)
                    except StopAsyncIteration:
                        return
                    if chunk is _TOO_LATE:
                        break
                    yield chunk
                    del chunk
            for chunk in _last(last):
                yield chunk


class _Interruption:
    """Ends the wait for a chunk at the deadline, by cancelling the task that waits.

    asyncio.timeout does the same, but exists from Python 3.11 on, and has the event loop's clock. asyncio.wait_for
    runs the source in a task of its own before Python 3.12, where the context variables that it sets are lost.
    """

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._waiting: Task[Any] | None = None
        self._has_cancelled = False

    def __enter__(self) -> "_Interruption":
        from asyncio import get_running_loop

        self._loop = get_running_loop()
        self._set_timer()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    async def next(self, chunks: "AsyncIterator[Any]") -> object:
        """The next chunk, or `_TOO_LATE`. Raises StopAsyncIteration at the end."""
        from asyncio import CancelledError, current_task

        task = current_task()
        assert task is not None  # noqa: S101 - an asynchronous generator is iterated in one
        cancellations = _cancellations(task)
        self._waiting = task
        try:
            return await anext(chunks)
        except (CancelledError, StopAsyncIteration):
            # The source may also take the cancellation for its end. One from elsewhere goes on either way.
            if not self._has_cancelled or _cancellations(task) > cancellations + 1:
                raise
            return _TOO_LATE
        finally:
            self._waiting = None
            if self._has_cancelled and sys.version_info >= (3, 11):
                task.uncancel()

    def _set_timer(self) -> None:
        self._timer = self._loop.call_later(self._deadline.remaining, self._ring)

    def _ring(self) -> None:
        if not self._deadline.passed:  # the event loop's clock is fast, or stood still with the rest of the sandbox
            self._set_timer()
        elif self._waiting is not None:
            self._has_cancelled = True
            self._waiting.cancel()


def _cancellations(task: "Task[Any]") -> int:
    if sys.version_info >= (3, 11):
        return task.cancelling()
    return 0


def _last(last: object) -> "Iterator[Any]":
    chunk = last() if callable(last) else last
    if chunk is not None:
        yield chunk
