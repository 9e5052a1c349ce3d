"""Collects a handler's response in a unit test, without a server: `collect(handler(event, context))`."""

from ._core import current
from ._core.iteration import as_bytes, in_event_loop
from ._response.collecting import CollectingInvocation, needs_event_loop, refused
from ._response.response import as_http, has_no_body, prelude_fields
from ._response.sources import http_method, source_of
from .errors import BadRequest, StreamStateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Collected:
    """The response that a client would receive.

    `status_code` is an int, `headers` a dict with names in lower case, `cookies` a list of Set-Cookie values (str), and
    `chunks` a list of the chunks that are not empty (bytes).
    """

    def __init__(self, fields: "dict[str, Any]", chunks: "list[bytes]") -> None:
        self.status_code: int = fields["statusCode"]
        self.headers: dict[str, str] = {name.lower(): value for name, value in fields["headers"].items()}
        self.cookies: list[str] = fields.get("cookies", [])
        self.chunks = chunks

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self.chunks)

    @property
    def text(self) -> str:
        """The whole body, decoded as UTF-8. Raises UnicodeDecodeError for a body that is not UTF-8."""
        return self.body.decode("utf-8")

    def json(self) -> "Any":
        """Return the value of the whole body, parsed as JSON. Raises ValueError for a body that is not JSON."""
        from json import loads

        return loads(self.body)

    def __repr__(self) -> str:
        return f"<Collected {self.status_code}, {len(self.chunks)} chunks, {len(self.body)} bytes>"


def collect(result: "Any") -> Collected:
    """Return what a client of a function URL receives if a handler returns `result`.

        sent = collect(handler(event, context))
        assert sent.status_code == 200
        assert sent.chunks == [b"one", b"two"]

    `result` may be anything that a handler can return, also async. An exception of the body is raised here, after the
    body is closed. Raises StreamStateError for an async result where an event loop runs: use `collect_async` there.
    """
    invocation = CollectingInvocation()
    _check_loop(result, "collect")
    return _collected(invocation, invocation.deliver_now(result))


async def collect_async(result: "Any") -> Collected:
    """Do the same as `collect`, in an async test."""
    invocation = CollectingInvocation()
    return _collected(invocation, await invocation.deliver_now_async(result))


def call(handler: "Callable[..., Any]", event: "Any" = None, context: "Any" = None) -> Collected:
    """Call `handler` as an invocation would, and return its response. For handlers that use `open_stream`.

    If the event is an HTTP request and `handler` raises BadRequest, returns the response with status 400. Raises
    everything else that the handler raises. Raises StreamStateError for an async handler where an event loop runs: use
    `call_async` there.
    """
    invocation = CollectingInvocation(event)
    token = current.running.set(invocation)
    try:
        result = handler(event, context)
        _check_loop(result, "call")
        return _collected(invocation, invocation.deliver_now(result), event)
    except BadRequest as error:
        return _collected(invocation, refused(invocation, error, event), event)
    finally:
        current.running.reset(token)


async def call_async(handler: "Callable[..., Any]", event: "Any" = None, context: "Any" = None) -> Collected:
    """Do the same as `call`, in an async test."""
    invocation = CollectingInvocation(event)
    token = current.running.set(invocation)
    try:
        return _collected(invocation, await invocation.deliver_now_async(handler(event, context)), event)
    except BadRequest as error:
        return _collected(invocation, refused(invocation, error, event), event)
    finally:
        current.running.reset(token)


def _check_loop(result: "Any", name: str) -> None:
    if in_event_loop() and needs_event_loop(result):
        close = getattr(result, "close", None)
        if close is not None:
            close()  # Python warns about a coroutine that is never awaited
        raise StreamStateError(
            f"{name} runs asynchronous handlers in an event loop of its own, but an event loop already runs here: use"
            f" `await testing.{name}_async(...)` there"
        )


def _collected(invocation: CollectingInvocation, result: "Any", event: "Any" = None) -> Collected:
    from ._wire.marshal import marshal

    invocation.is_over = True
    response, chunks = invocation.response, invocation.chunks
    if response is None:
        response = as_http(result, lambda value: marshal(value)[0])
        chunks = list(response.body)  # type: ignore[arg-type]
    fields = prelude_fields(response, chunks[0] if chunks else "", fold=True)
    method = http_method(event) if source_of(event).is_http else ""
    if has_no_body(response, method):
        chunks = []
    return Collected(fields, [data for chunk in chunks if (data := bytes(as_bytes(chunk)))])
