"""What `resumable` was given, and what both of its forms do with it."""

from time import monotonic

from .._bodies.records import EVENTS, format_of
from .._core.iteration import as_bytes
from .._response.response import is_async
from ..errors import ChunkTypeError, HandlerError, ResponseError
from .event_blocks import EventSplitter
from .following import follow, open_for_reading
from .run import event_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NamedTuple

    from .following import Steps
    from .recorder import Recorder
    from .run import Run
    from .store import Store

    class _Plan(NamedTuple):
        """The arguments of `resumable`, and whether the request asks for headers only.

        If there is a `function`, `body` is the same, and is called by the writer.
        """

        body: Any
        function: Callable[[], Any] | None
        store: Store
        key: str
        after: str | None
        writer_timeout: float
        stopped: bytes | None
        lost: bytes | None
        is_head: bool = False
else:
    from collections import namedtuple

    _FIELDS = "body function store key after writer_timeout stopped lost is_head"
    _Plan = namedtuple("_Plan", _FIELDS, defaults=(False,))  # noqa: PYI024 - `typing` starts late

NO_CONTENT = 204  # EventSource then does not connect again (WHATWG HTML, section 9.2.3)


class Plan(_Plan):
    """One request for a run."""

    __slots__ = ()

    @property
    def may_write(self) -> bool:
        """Whether this request may create the run."""
        return self.after is None and self.body is not None and not self.is_head

    @property
    def source(self) -> object:
        """What must be closed with the body."""
        return self.body if self.function is None else None

    def open_for_reading(self) -> "Steps":
        """Return the steps that find the run."""
        return open_for_reading(self.store, self.key, self.after)

    def follow(self, run: "Run", position: int) -> "Steps":
        """Return the steps that send the run."""
        timeout, lost = self.writer_timeout, self.lost
        return follow(self.store, self.key, run, position, writer_timeout=timeout, lost=lost, clock=monotonic)


class Output:
    """Turns the chunks of a body into chunks whose events have ids and are kept.

    Events have ids also where the store has failed: a client that comes back is then refused, rather than taken for a
    new one whose body has to run.
    """

    def __init__(self, recorder: "Recorder") -> None:
        self._recorder = recorder
        self._splitter = EventSplitter()
        self._id = b"id: " + event_id(recorder.run_id, "").encode()  # of an event, up to its number
        self._number = 0
        self.has_room = True  # whether the store keeps up

    def send(self, chunk: object) -> bytes:
        """Return what to send for a chunk of the body; empty if it completes no event."""
        data = chunk if type(chunk) is bytes else as_bytes(chunk)
        if self._splitter.is_one_event(data):  # nearly all are, and each call costs the live stream time
            return self._keep(data)
        return b"".join([self._keep(event) for event in self._splitter.split(data)])

    def finish(self) -> None:
        """Take note that the body has ended. Raises ResponseError if it has ended inside an event."""
        self._splitter.finish()

    def _keep(self, event: bytes) -> bytes:
        self.has_room = self._recorder.put(event)
        self._number += 1
        return b"%b%d\n%b" % (self._id, self._number, event)


def is_body(value: object) -> bool:
    """Return whether `value` can be iterated as a body."""
    return hasattr(value, "__iter__") or is_async(value)


def checked_body(body: "Any", *, should_be_async: bool) -> "Any":
    """Return `body`, which the writer is about to run. Raises an error if it cannot be kept."""
    if hasattr(body, "write_to") or hasattr(body, "awrite_to"):
        raise HandlerError(
            f"resumable was given a {type(body).__name__}, which decides itself when to write; use resumable inside it:"
            " keepalive(resumable(body))"
        )
    if isinstance(body, (str, bytes, dict)) or not is_body(body):
        raise ChunkTypeError(f"the function that resumable was given returned a {type(body).__name__}, no body")
    if is_async(body) and not should_be_async:
        raise HandlerError(
            "the function that resumable was given returned an async body; make it an `async def` function"
        )
    if should_be_async and not is_async(body):
        raise HandlerError("the async function that resumable was given returned a sync body; make it a plain function")
    content_type = getattr(body, "content_type", None)
    if content_type is not None and format_of(content_type) is not EVENTS:
        raise ResponseError(f"resumable was given a body of {content_type!r}; it keeps server-sent events only")
    return body
