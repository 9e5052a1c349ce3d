"""From chunks to server-sent events, without input or output: errors, the end, and when to ask again.

Source for asking again: WHATWG HTML, section 9.2.3 "Processing model": after a cut, with Last-Event-ID, after the time
that `retry` has named; never after status 204 or another one than 200, nor for another content type. Other than an
EventSource, this does not ask again after a response that is complete.
"""

from ..errors import StreamCut, StreamFailed
from ._checks import check_encoding, check_event_stream
from ._in_band import check_event
from ._sse import EventParser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ._sse import ServerSentEvent

_RETRY_S = 3.0  # the wait before the request is sent again, unless the stream names one; as in Chrome
NO_CONTENT = 204  # means that there will be no more events


class EventReading:
    """The events of one response, and of those that resume it.

    `is_over` says whether the last event, which `until` recognises, has come. `is_cut` says that the request has to be
    sent again with `last_event_id`, after `delay_s` seconds.
    """

    def __init__(self, until: "str | Callable[[ServerSentEvent], object] | None", reconnects: int) -> None:
        self.is_over = False
        self.is_cut = False
        self.delay_s = _RETRY_S
        self._until = until
        self._reconnects = self._left = reconnects
        self._can_resume = True  # not behind events without an id
        self._parser = EventParser()

    @property
    def last_event_id(self) -> str:
        """The id of the last complete event, or ""."""
        return self._parser.last_event_id

    def begin(self, headers: "Mapping[str, str]") -> None:
        """A response begins. Raises StreamFailed if it contains no server-sent events."""
        check_encoding(headers)
        check_event_stream(headers)
        self.is_cut = False
        self._parser = EventParser(self._parser.last_event_id)

    def feed(self, chunk: bytes) -> "Iterator[ServerSentEvent]":
        """The events that `chunk` completes, up to the last one."""
        for event in self._parser.feed(chunk):
            check_event(event)
            self._left = self._reconnects
            self._can_resume = bool(event.id)
            self.is_over = self._is_last(event)
            yield event
            if self.is_over:
                return

    def end(self) -> None:
        """The response is complete. Raises StreamCut if the last event is missing."""
        if self._until is not None:
            raise StreamCut("the response ended without its last event, which `until` describes")

    def nothing_more(self) -> None:
        """The server has answered with status 204. Raises StreamFailed if the last event is missing."""
        if self._until is not None:
            raise StreamFailed("the server answered with status 204, but the last event has not come")

    def cut(self, failure: StreamFailed) -> None:
        """The response was cut, or there was none. Raises `failure` if the request is not to be sent again."""
        failure.partial = self._parser.rest
        if self._parser.retry_ms is not None:
            self.delay_s = self._parser.retry_ms / 1000
        if not self._left or not self._can_resume:
            raise failure
        self._left -= 1
        self.is_cut = True

    def _is_last(self, event: "ServerSentEvent") -> bool:
        if self._until is None or isinstance(self._until, str):
            return event.event == self._until
        return bool(self._until(event))
