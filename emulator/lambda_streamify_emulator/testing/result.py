"""What a client has got of one response: the result of `streamify.invoke` and `streamify.request` in a test."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..recordings.recorder import now
from ..recordings.recording import END, ERROR, HEAD, Event, Header, RecordingWriter
from ..recordings.timeline import counted
from . import assertions as stream_assertions
from . import events as stream_events

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

    from ..recordings.recording import RecordingReader

MICROSECONDS = 1_000_000
# Where the borders between chunks come from.
RUNTIME, CLIENT, BUFFERED = "runtime", "client", "buffered"


class StreamError(NamedTuple):
    """How a function failed."""

    type: str
    message: str


class Times(NamedTuple):
    """When what came, in seconds since the request began. What never came is None."""

    first_byte: float | None
    """Of the head or the body, whichever came first."""
    gaps: list[float]
    """Between one chunk and the next."""
    end: float


class StreamResult:
    """A response that has been read to its end.

    `status_code` is an int, `headers` a dict with names in lower case, `cookies` a list of Set-Cookie values, `chunks`
    a list of bytes. `framing` says where the borders of the chunks come from: "runtime" (as the function's runtime sent
    them), "client" (as they arrived: the function was not asked) or "buffered" (its URL collects the response).
    `error` is what the function ended in, None if it ended well. A URL's client cannot see an error after the first
    byte; this shows it all the same.
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
        """The whole body, which is UTF-8."""
        return self.body.decode("utf-8")

    def json(self) -> Any:
        """The value of the whole body, which is JSON."""
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """The server-sent events or the NDJSON records of the body, by its content type."""
        return stream_events.parsed(self.headers.get("content-type", ""), self.text)

    def server_sent_events(self) -> list[stream_events.ServerSentEvent]:
        """The body's events, for responses without a content type: those of direct invocations."""
        return stream_events.server_sent_events(self.text)

    def records(self) -> list[Any]:
        """The body's NDJSON records, for responses without a content type."""
        return stream_events.records(self.text)

    @property
    def timeline(self) -> Times:
        """When the first byte, the chunks and the end came."""
        came = [event.time for event in self._events if event.code == HEAD or event.chunk is not None]
        chunks = [event.time for event in self._events if event.chunk is not None]
        gaps = [(later - earlier) / MICROSECONDS for earlier, later in pairwise(chunks)]
        return Times(came[0] / MICROSECONDS if came else None, gaps, self._events[-1].time / MICROSECONDS)

    def recording(self) -> list[Event]:
        """The events of a recording: docs/recording-format.md."""
        return list(self._events)

    def save(self, path: str | PathLike[str], *, secrets: bool = False) -> None:
        """Write the recording to a file. Headers that may hold secrets are hidden, unless `secrets`."""
        with Path(path).open("w", encoding="utf-8", newline="\n") as file:
            header = Header("client", {"function": self.function, "recorded": now()})
            writer = RecordingWriter(file, header, secrets=secrets)
            for event in self._events:
                if event.code == HEAD:
                    writer.head(event.time, **event.data)
                else:
                    writer.event(event)

    def assert_streamed(self) -> None:
        """Fail unless the client had the first chunk before the response was complete."""
        __tracebackhide__ = True
        stream_assertions.check_streamed(self)

    def assert_matches(
        self, recording: str | PathLike[str] | RecordingReader | Iterable[Event], *, borders: bool = True
    ) -> None:
        """Fail unless the chunks are the recorded ones; without `borders` their bytes suffice."""
        __tracebackhide__ = True
        stream_assertions.check_matches(self, recording, borders=borders)

    def __repr__(self) -> str:
        end = "" if self.error is None else f", {self.error.type}"
        size = f"{counted(len(self.chunks), 'chunk')}, {counted(len(self.body), 'byte')}"
        return f"<StreamResult {self.status_code}, {size}{end}>"


def end_event(time: int, reason: str, chunks: Iterable[bytes]) -> Event:
    """The last event of a stream."""
    sizes = [len(chunk) for chunk in chunks]
    return Event(time, END, {"reason": reason, "bytes": sum(sizes), "chunks": len(sizes)})
