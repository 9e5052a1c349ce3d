"""A handler's response in a unit test, without any server: `collect(handler(event, context))`."""

from . import current
from .errors import StreamStateError
from .iteration import in_event_loop
from .outside import Gathering, needs_event_loop
from .response import as_bytes, as_http, has_no_body, prelude_fields
from .sources import http_method, source_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Collected:
    """What a client would have received.

    `status_code` is an int, `headers` a dict with names in lower case, `cookies` a list of Set-Cookie values, `chunks`
    a list of bytes, one for each chunk that is not empty.
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
        """The whole body, which is UTF-8."""
        return self.body.decode("utf-8")

    def json(self) -> "Any":
        """The value of the whole body, which is JSON."""
        from json import loads

        return loads(self.body)

    def __repr__(self) -> str:
        return f"<Collected {self.status_code}, {len(self.chunks)} chunks, {len(self.body)} bytes>"


def collect(result: "Any") -> Collected:
    """What a function URL's client receives if a handler returns `result`, which may be of any form, async too.

    What a body raises is raised here, wherever in the stream it happens; the body is closed in any case.
    """
    gathering = Gathering()
    _check_loop(result, "collect")
    return _collected(gathering, gathering.deliver_now(result))


async def collect_async(result: "Any") -> Collected:
    """`collect` for a test that is a coroutine itself."""
    gathering = Gathering()
    return _collected(gathering, await gathering.deliver_now_async(result))


def call(handler: "Callable[..., Any]", event: "Any" = None, context: "Any" = None) -> Collected:
    """Call `handler` as an invocation would, and collect its response: for handlers that use `open_stream`."""
    gathering = Gathering()
    token = current.running.set(gathering)
    try:
        result = handler(event, context)
        _check_loop(result, "call")
        return _collected(gathering, gathering.deliver_now(result), event)
    finally:
        current.running.reset(token)


async def call_async(handler: "Callable[..., Any]", event: "Any" = None, context: "Any" = None) -> Collected:
    """`call` for a test that is a coroutine itself."""
    gathering = Gathering()
    token = current.running.set(gathering)
    try:
        return _collected(gathering, await gathering.deliver_now_async(handler(event, context)), event)
    finally:
        current.running.reset(token)


def _check_loop(result: "Any", name: str) -> None:
    if in_event_loop() and needs_event_loop(result):
        close = getattr(result, "close", None)
        if close is not None:
            close()  # a coroutine; Python warns of one that nobody awaits
        raise StreamStateError(
            f"{name} runs asynchronous handlers in an event loop of its own, but one runs here already: use"
            f" `await testing.{name}_async(...)` there"
        )


def _collected(gathering: Gathering, result: "Any", event: "Any" = None) -> Collected:
    from .marshal import marshal

    gathering.over = True
    response, chunks = gathering.response, gathering.chunks
    if response is None:
        response = as_http(result, lambda value: marshal(value)[0])
        chunks = list(response.body)  # type: ignore[arg-type]
    fields = prelude_fields(response, chunks[0] if chunks else "", fold=True)
    method = http_method(event) if source_of(event).http else ""
    if has_no_body(response, method):
        chunks = []
    return Collected(fields, [data for chunk in chunks if (data := bytes(as_bytes(chunk)))])
