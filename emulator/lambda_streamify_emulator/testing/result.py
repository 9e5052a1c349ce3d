"""A complete response: the result of `streamify.invoke` and `streamify.request` in a test."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..recordings.recorder import create, now
from ..recordings.recording import END, ERROR, HEAD, Event, Header, RecordingWriter
from ..recordings.timeline import pluralize
from . import assertions as stream_assertions
from . import events as stream_events
from .assertions import StreamError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

    from ..recordings.recording import RecordingReader

MICROSECONDS_PER_SECOND = 1_000_000
# What determines where the chunks end.
RUNTIME, CLIENT, BUFFERED = "runtime", "client", "buffered"


class Times(NamedTuple):
    """The times of a response, in seconds since the request began."""

    first_byte: float | None
    """The first byte of the head or the body, whichever arrived first; None if neither did."""
    gaps: list[float]
    """The times between one chunk and the next."""
    end: float


class StreamResult:
    """A response that has been read to its end.

    status_code  an int
    headers      a dict with names in lower case
    cookies      a list of Set-Cookie values
    chunks       a list of bytes
    framing      where the chunks come from: "runtime" (as the function's runtime sent them), "buffered" (its URL
                 collects the response) or "client" (as they arrived, because no function has run)
    error        type and message of the function's error, or None. It is set even for an error after the first byte,
                 which the client of a function URL cannot see.

        result = streamify.get("hello")
        result.assert_streamed()
        assert result.text.startswith("Chunk 0")
    """

    def __init__(self, function: str, events: list[Event], framing: str) -> None:
        self.function = function
        self.framing = framing
        self._events = events
        head: dict[str, Any] = next((event.data for event in events if event.code == HEAD), {})
        self.status_code: int = head.get("status_code", 200)
        self.headers: dict[str, str] = {name.lower(): value for name, value in head.get("headers", {}).items()}
        self.cookies: list[str] = head.get("cookies", [])
        self.chunks: list[bytes] = [chunk for event in events if (chunk := event.chunk) is not None]
        errors = (StreamError(**event.data) for event in events if event.code == ERROR)
        self.error: StreamError | None = next(errors, None)

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self.chunks)

    @property
    def text(self) -> str:
        """The whole body, decoded as UTF-8."""
        return self.body.decode("utf-8")

    def json(self) -> Any:
        """Parse the whole body as JSON."""
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """The server-sent events or NDJSON records of the body, depending on the content type.

        Raises ValueError for any other content type.
        """
        return stream_events.parsed(self.headers.get("content-type", ""), self.text)

    def server_sent_events(self) -> list[stream_events.ServerSentEvent]:
        """Parse the body as server-sent events; for direct invocations, which have no content type."""
        return stream_events.server_sent_events(self.text)

    def records(self) -> list[Any]:
        """Parse the body as NDJSON; for direct invocations, which have no content type."""
        return stream_events.records(self.text)

    @property
    def timeline(self) -> Times:
        """The times of the first byte, the chunks and the end, in seconds."""
        arrivals = [event.time for event in self._events if event.code == HEAD or event.chunk is not None]
        chunks = [event.time for event in self._events if event.chunk is not None]
        gaps = [(later - earlier) / MICROSECONDS_PER_SECOND for earlier, later in pairwise(chunks)]
        first_byte = arrivals[0] / MICROSECONDS_PER_SECOND if arrivals else None
        return Times(first_byte, gaps, self._events[-1].time / MICROSECONDS_PER_SECOND)

    def recording(self) -> list[Event]:
        """Return the events of the response as a recording (docs/reference/recording-format.md)."""
        return list(self._events)

    def save(self, path: str | PathLike[str], *, secrets: bool = False) -> None:
        """Write the recording to a file. Cookies and secret headers are hidden unless `secrets` is true.

        Raises OSError if the file cannot be written.
        """
        with create(Path(path)) as file:
            header = Header("client", {"function": self.function, "recorded": now()})
            writer = RecordingWriter(file, header, secrets=secrets)
            for event in self._events:
                if event.code == HEAD:
                    writer.head(event.time, **event.data)
                else:
                    writer.event(event)

    def assert_streamed(self) -> None:
        """Raise AssertionError unless the client received the first chunk before the response was complete."""
        __tracebackhide__ = True
        stream_assertions.check_streamed(self)

    def assert_matches(
        self, recording: str | PathLike[str] | RecordingReader | Iterable[Event], *, borders: bool = True
    ) -> None:
        """Raise AssertionError unless the chunks are the recorded ones. With borders=False, compare only the bytes."""
        __tracebackhide__ = True
        stream_assertions.check_matches(self, recording, borders=borders)

    def __repr__(self) -> str:
        end = "" if self.error is None else f", {self.error.type}"
        size = f"{pluralize(len(self.chunks), 'chunk')}, {pluralize(len(self.body), 'byte')}"
        return f"<StreamResult {self.status_code}, {size}{end}>"


def end_event(time: int, reason: str, chunks: Iterable[bytes]) -> Event:
    """Return the end event of a stream."""
    sizes = [len(chunk) for chunk in chunks]
    return Event(time, END, {"reason": reason, "bytes": sum(sizes), "chunks": len(sizes)})
