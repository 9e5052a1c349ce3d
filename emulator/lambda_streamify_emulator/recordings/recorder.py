"""Writes a recording while its stream runs, without ever delaying the stream.

A thread writes the events. If the disk is too slow and too many bytes are pending, chunks are dropped, and the end of
the recording says how many: docs/reference/recording-format.md, `lost`.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from .recording import END, HEAD, Event, Header, RecordingWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path
    from typing import Any, TextIO

PENDING_LIMIT_BYTES = 64 * 1024 * 1024  # for the chunks that wait to be written
CHUNK_OVERHEAD_BYTES = 300  # memory for a pending chunk besides its data: streams of a million small chunks exist


def now() -> str:
    """Return the date and time in UTC, for the header of a recording."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def create(path: Path) -> TextIO:
    """Create a file for a recording, or empty an existing one. Only its owner can read it: it may contain secrets."""
    file = open(path, "w", encoding="utf-8", newline="\n", opener=_open_private)  # noqa: SIM115 - the recorder closes it
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):  # also for a file that existed; not a pipe or a terminal
        os.fchmod(file.fileno(), 0o600)
    return file


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class Recorder:
    """Writes one recording. The methods are those of RecordingWriter, without the times.

    `clock` returns seconds; the times of the recording count from the construction of this object. The recorder closes
    `file` at the end. If writing fails, `close` raises the OSError.
    """

    def __init__(
        self,
        file: TextIO,
        header: Header,
        *,
        secrets: bool = False,
        clock: Callable[[], float] = time.monotonic,
        pending_limit: int = PENDING_LIMIT_BYTES,
    ) -> None:
        self.name = str(getattr(file, "name", "of a stream"))
        """The name of the file, for messages."""
        self._file = file
        self._header = header
        self._secrets = secrets
        self._clock = clock
        self._pending_limit = pending_limit
        self._start = clock()
        self._pending: deque[Callable[[RecordingWriter], None]] = deque()
        self._pending_bytes = 0
        self._lost_chunks = self._lost_bytes = 0
        self._closing = False
        self._failure: OSError | None = None
        self._on_failure: Callable[[OSError], None] | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="streamify-recorder", daemon=True)
        self._thread.start()

    def head(self, status_code: int, headers: Mapping[str, str], cookies: Iterable[str] = ()) -> None:
        """Record status, headers and cookies."""
        at, kept = self._elapsed(), list(cookies)
        self._enqueue(lambda writer: writer.head(at, status_code, headers, kept))

    def chunk(self, data: bytes) -> None:
        """Record a chunk."""
        self._add_chunk(self._elapsed(), data)

    def _add_chunk(self, at: int, data: bytes) -> None:
        size = CHUNK_OVERHEAD_BYTES + len(data)
        with self._changed:
            if self._pending and self._pending_bytes + size > self._pending_limit:
                self._lost_chunks += 1
                self._lost_bytes += len(data)
                return
            self._pending_bytes += size
        self._enqueue(lambda writer: self._write_chunk(writer, at, data))

    def error(self, error_type: str, message: str) -> None:
        """Record that the stream ends in an error."""
        at = self._elapsed()
        self._enqueue(lambda writer: writer.error(at, error_type, message))

    def end(self, reason: str) -> None:
        """Record the end of the stream."""
        at = self._elapsed()
        self._enqueue(lambda writer: self._write_end(writer, at, reason))

    def event(self, event: Event) -> None:
        """Record an event with its own time."""
        if event.code == HEAD:
            self._enqueue(lambda writer: writer.head(event.time, **event.data))
        elif event.code == END:
            self._enqueue(lambda writer: self._write_end(writer, event.time, event.data["reason"]))
        elif event.chunk is None:
            self._enqueue(lambda writer: writer.event(event))
        else:
            self._add_chunk(event.time, event.chunk)

    def close(self) -> None:
        """Write everything that is pending and close the file. A recording without an `end` counts as cut.

        Raises the OSError if writing has failed.
        """
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    @property
    def is_closed(self) -> bool:
        """Whether everything is written and the file is closed."""
        return not self._thread.is_alive()

    def finish(self, on_failure: Callable[[OSError], None]) -> None:
        """Close without waiting. If writing fails, `on_failure` is called with the error, in the recorder's thread."""
        with self._changed:
            self._on_failure = on_failure
            self._closing = True
            self._changed.notify()

    def _elapsed(self) -> int:
        return int((self._clock() - self._start) * 1_000_000)

    def _enqueue(self, write: Callable[[RecordingWriter], None]) -> None:
        with self._changed:
            self._pending.append(write)
            self._changed.notify()

    def _write_chunk(self, writer: RecordingWriter, at: int, data: bytes) -> None:
        writer.chunk(at, data)
        with self._changed:
            self._pending_bytes -= CHUNK_OVERHEAD_BYTES + len(data)

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
                        self._file.flush()  # while the stream pauses, the file is up to date
        except OSError as failure:
            self._failure = failure
            with self._changed:
                while not self._closing:
                    self._changed.wait()
            if self._on_failure is not None:
                self._on_failure(failure)
