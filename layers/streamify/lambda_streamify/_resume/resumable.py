"""Streams that a reader can come back to: `resumable`."""

from .. import sse
from .._core import current
from .._core.iteration import in_event_loop
from .._response.response import is_async
from ..errors import BadRequest, ChunkTypeError, HandlerError
from .plan import Plan, is_body

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
    from typing import Any, overload

    from .._web.request import Request
    from .async_body import AsyncResumable
    from .store import Store
    from .sync_body import Resumable

KEY_LIMIT_BYTES = 1024
# A writer writes a heartbeat each second. A reader that takes the run for lost ends it for all readers.
MIN_WRITER_TIMEOUT_S = 3
_ASYNC_CODE = 0x80 | 0x200  # CO_COROUTINE and CO_ASYNC_GENERATOR of a code object's flags
_STOPPED = sse.Event("", event="stopped")
_LOST = sse.Event({"errorType": "RunFailed", "errorMessage": "the stream was cut off"}, event="error")


if TYPE_CHECKING:

    @overload
    def resumable(
        body: AsyncIterable[Any] | Callable[[], AsyncIterable[Any] | Awaitable[AsyncIterable[Any]]],
        store: Store,
        *,
        key: str,
        after: str | None = None,
        writer_timeout: float = ...,
        stopped: sse.Event | None = ...,
        lost: sse.Event | None = ...,
    ) -> AsyncResumable: ...

    @overload
    def resumable(
        body: Iterable[Any] | Callable[[], Iterable[Any]],
        store: Store,
        *,
        key: str,
        after: str | None = None,
        writer_timeout: float = ...,
        stopped: sse.Event | None = ...,
        lost: sse.Event | None = ...,
    ) -> Resumable: ...

    @overload
    def resumable(  # the form depends on whether an event loop runs
        body: None,
        store: Store,
        *,
        key: str,
        after: str | None = None,
        writer_timeout: float = ...,
        stopped: sse.Event | None = ...,
        lost: sse.Event | None = ...,
    ) -> Any: ...


def resumable(
    body: "Any",
    store: "Store",
    *,
    key: str,
    after: "str | None" = None,
    writer_timeout: float = 15,
    stopped: "sse.Event | None" = _STOPPED,
    lost: "sse.Event | None" = _LOST,
) -> "Resumable | AsyncResumable":
    """Keep the events of `body` in `store`, for readers that come back or come later.

        return resumable(lambda: sse.events(ask_the_model(prompt)), store, key=chat_id)

    The first request with `key` writes: it runs the body, gives each event an id, sends it, and keeps it in the store
    beside that. Any other request with `key` reads: it gets the events after the id that it names, follows the run, and
    ends as the run ends. If it has missed nothing of a run that is over, its response has status 204, and `EventSource`
    does not connect again. A reader never runs the body.

    body      from `sse.events`, or any other body of server-sent events; or a function without arguments that returns
              one, which only the writer calls (an `async def` for an async body); or None for a request that may only
              read
    store     a store of `lambda_streamify.resume`, or another object with the methods of `resume.Store`
    key       names the run, a str of at most 1,024 bytes. Anyone who knows the key can read the run: check in the
              handler who asks, or make keys that nobody can guess.
    after     the id of the last event that the client has. The default is the header Last-Event-ID of the request, or
              `after` in its query; "" begins at the beginning.
    writer_timeout
              seconds without a heartbeat of the writer after which a reader takes the run for lost, 3 or more. A
              writer writes one each second.
    stopped   the last event of a run that `resume.stop` has stopped, by default the event "stopped"; None for none
    lost      the last event for a reader whose run is lost, by default an event "error"; None for none

    The body raises BadRequest for an id that the run has not sent, RunFailed for a reader whose run failed or is lost,
    and ResponseError for an event that has an id of its own. Raises HandlerError or BadRequest for a wrong argument.
    """
    function = body if callable(body) and not hasattr(body, "__iter__") and not is_async(body) else None
    if isinstance(body, (str, bytes, dict)) or (body is not None and function is None and not is_body(body)):
        raise ChunkTypeError(
            f"resumable was given a {type(body).__name__}; give it a body from sse.events(), or a function"
            " that returns one"
        )
    if not isinstance(key, str):
        raise HandlerError(f"resumable: key is {key!r}; it must be a str that names the run")
    _check_key(key)
    is_number = isinstance(writer_timeout, (int, float)) and not isinstance(writer_timeout, bool)
    if not is_number or not writer_timeout >= MIN_WRITER_TIMEOUT_S:
        raise HandlerError(
            f"resumable: writer_timeout is {writer_timeout!r}; it must be {MIN_WRITER_TIMEOUT_S} seconds or more"
        )
    is_head = False
    if after is None and (request := _request()):
        after = request.headers.get("last-event-id") or request.query.get("after")
        is_head = request.method == "HEAD"
    plan = Plan(body, function, store, key, after or None, writer_timeout, _encoded(stopped), _encoded(lost), is_head)
    if _is_async(body, function):
        from .async_body import AsyncResumable

        return AsyncResumable(plan)
    from .sync_body import Resumable

    return Resumable(plan)


def _check_key(key: str) -> None:
    """Raise BadRequest for a key that not every store can take. It often comes from the client."""
    try:
        size = len(key.encode())
    except UnicodeEncodeError as error:
        raise BadRequest("the key of the stream contains half of a surrogate pair, which is not text") from error
    if not 0 < size <= KEY_LIMIT_BYTES:
        raise BadRequest(f"the key of the stream has {size} bytes; it must have 1 to {KEY_LIMIT_BYTES}")


def _request() -> "Request | None":
    """Return the request of the running invocation, or None if the event is none of HTTP."""
    invocation = current.invocation()
    if invocation is None:
        raise HandlerError(
            'resumable finds no invocation here; give it after=, the Last-Event-ID of the request, or "" if it has none'
        )
    from .._response.sources import source_of
    from .._web.request import Request

    event: Any = invocation.event
    return Request(event) if source_of(event).is_http else None


def _is_async(body: object, function: "Any") -> bool:
    if body is None:
        return in_event_loop()
    while hasattr(function, "func"):  # functools.partial
        function = function.func
    code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    return is_async(body) or bool(code is not None and code.co_flags & _ASYNC_CODE)


def _encoded(event: "sse.Event | None") -> "bytes | None":
    return None if event is None else event.encode()
