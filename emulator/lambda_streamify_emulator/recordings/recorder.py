"""Writes a recording while its stream runs, and never holds the stream up.

Events are handed to a thread. If the disk cannot follow, chunks are left out once too many bytes wait, and the end of
the recording says how many: docs/recording-format.md, `lost`.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from .recording import END, HEAD, Event, Header, RecordingWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, TextIO

PENDING_LIMIT = 64 * 1024 * 1024  # bytes of chunks that wait for the disk
WAITING = 300  # bytes that a chunk takes while it waits, beside its data: streams of a million small ones exist


def now() -> str:
    """The time of day in UTC, for the header of a recording."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class Recorder:
    """One recording that is under way; the methods are those of RecordingWriter, without the times.

    `clock` counts seconds; the recording's times begin when this is made. `file` is closed at the end. What the disk
    refuses is raised by `close`, as an OSError.
    """

    def __init__(
        self,
        file: TextIO,
        header: Header,
        *,
        secrets: bool = False,
        clock: Callable[[], float] = time.monotonic,
        pending_limit: int = PENDING_LIMIT,
    ) -> None:
        self._file = file
        self._header = header
        self._secrets = secrets
        self._clock = clock
        self._limit = pending_limit
        self._began = clock()
        self._pending: deque[Callable[[RecordingWriter], None]] = deque()
        self._pending_bytes = 0
        self._lost_chunks = self._lost_bytes = 0
        self._closing = False
        self._failure: OSError | None = None
        self._failed: Callable[[OSError], None] | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="streamify-recorder", daemon=True)
        self._thread.start()

    def head(self, status_code: int, headers: Mapping[str, str], cookies: Iterable[str] = ()) -> None:
        """Status, headers and cookies have come."""
        at, kept = self._elapsed(), list(cookies)
        self._hand_over(lambda writer: writer.head(at, status_code, headers, kept))

    def chunk(self, data: bytes) -> None:
        """A chunk has come."""
        self._take(self._elapsed(), data)

    def _take(self, at: int, data: bytes) -> None:
        size = WAITING + len(data)
        with self._changed:
            if self._pending and self._pending_bytes + size > self._limit:
                self._lost_chunks += 1
                self._lost_bytes += len(data)
                return
            self._pending_bytes += size
        self._hand_over(lambda writer: self._write_chunk(writer, at, data))

    def error(self, error_type: str, message: str) -> None:
        """The stream ends in an error."""
        at = self._elapsed()
        self._hand_over(lambda writer: writer.error(at, error_type, message))

    def end(self, reason: str) -> None:
        """The stream is over."""
        at = self._elapsed()
        self._hand_over(lambda writer: self._write_end(writer, at, reason))

    def event(self, event: Event) -> None:
        """An event that has its own time."""
        if event.code == HEAD:
            self._hand_over(lambda writer: writer.head(event.time, **event.data))
        elif event.code == END:
            self._hand_over(lambda writer: self._write_end(writer, event.time, event.data["reason"]))
        elif event.chunk is None:
            self._hand_over(lambda writer: writer.event(event))
        else:
            self._take(event.time, event.chunk)

    def close(self) -> None:
        """Wait until all is written, and close the file. Without an `end` before, the recording is marked as cut."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    @property
    def is_closed(self) -> bool:
        """Whether all is written, and the file closed."""
        return not self._thread.is_alive()

    def finish(self, failed: Callable[[OSError], None]) -> None:
        """`close` without waiting; `failed` is called, in the recorder's thread, with what the disk has refused."""
        with self._changed:
            self._failed = failed
            self._closing = True
            self._changed.notify()

    def _elapsed(self) -> int:
        return int((self._clock() - self._began) * 1_000_000)

    def _hand_over(self, write: Callable[[RecordingWriter], None]) -> None:
        with self._changed:
            self._pending.append(write)
            self._changed.notify()

    def _write_chunk(self, writer: RecordingWriter, at: int, data: bytes) -> None:
        writer.chunk(at, data)
        with self._changed:
            self._pending_bytes -= WAITING + len(data)

    def _write_end(self, writer: RecordingWriter, at: int, reason: str) -> None:
        writer.chunks += self._lost_chunks
        writer.bytes += self._lost_bytes
        lost: dict[str, Any] = {}
        if self._lost_chunks:
            lost = {"lost": {"chunks": self._lost_chunks, "bytes": self._lost_bytes}}
        writer.end(at, reason, **lost)

    def _run(self) -> None:
        try:
            with self._file:
                writer = RecordingWriter(self._file, self._header, secrets=self._secrets)
                while True:
                    with self._changed:
                        while not self._pending and not self._closing:
                            self._changed.wait()
                        if not self._pending:
                            return
                        write = self._pending.popleft()
                    write(writer)
                    if not self._pending:
                        self._file.flush()  # whoever looks while the stream pauses sees all of it
        except OSError as failure:
            self._failure = failure
            with self._changed:
                while not self._closing:
                    self._changed.wait()
            if self._failed is not None:
                self._failed(failure)
