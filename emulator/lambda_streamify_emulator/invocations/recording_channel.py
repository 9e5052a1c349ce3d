"""Recordings of a response on both sides of the emulator: as the runtime writes it, and as the client gets it.

Compare the two to see where the emulator has joined or split chunks. The times of both count from the invocation.
"""

from __future__ import annotations

from itertools import chain, count
from typing import TYPE_CHECKING

from ..errors import EmulatorError, PreludeError
from ..recordings.recorder import Recorder, create, now
from ..recordings.recording import Header, error_message
from .prelude import CONTENT_TYPE, PreludeParser
from .watched_channel import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .channel import FunctionError
    from .invocation import Invocation

LAYERS = ("runtime-api", "client")


class Recordings:
    """Records the responses of a process in `folder`, in two files for each invocation.

    `warn` is called with a message when a file cannot be written. Raises EmulatorError if the folder cannot be created.
    """

    def __init__(self, folder: Path, warn: Callable[[str], None]) -> None:
        self._folder = folder
        self._warn = warn
        self._open: list[Recorder] = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EmulatorError(f"cannot create the folder {folder} for recordings: {error.strerror}") from error

    def watch(self, function: str, invocation: Invocation) -> RecordingWatcher | None:
        """Return a watcher that records one invocation; None if its files cannot be created.

        Further attempts of an asynchronous invocation have the same id; their file names get a number after it.
        """
        stem = self._find_unused(f"{function}-{invocation.request_id}")
        header = {"function": function, "request_id": invocation.request_id, "recorded": now()}
        recorders = []
        for layer in LAYERS:
            path = self._folder / f"{stem}.{layer}.ndjson"
            try:
                recorders.append(Recorder(create(path), Header(layer, header)))
            except OSError as error:
                self._warn(f"{path} cannot be written: {error.strerror}")
                return None
        self._open = [recorder for recorder in self._open if not recorder.is_closed]
        self._open += recorders
        return RecordingWatcher(*recorders, warn=self._warn)

    def _find_unused(self, stem: str) -> str:
        names = chain([stem], (f"{stem}-{attempt}" for attempt in count(2)))
        return next(name for name in names if not (self._folder / f"{name}.{LAYERS[0]}.ndjson").exists())

    def close(self) -> None:
        """Wait until everything is written. The recording of a response that has not ended says so."""
        for recorder in self._open:
            try:
                recorder.close()
            except OSError as failure:  # noqa: PERF203 - close the others too
                self._warn(_incomplete(recorder, failure))


class RecordingWatcher(Watcher):
    """Records a response twice: `runtime` as it is written, `client` as it is read."""

    def __init__(self, runtime: Recorder, client: Recorder, *, warn: Callable[[str], None]) -> None:
        self._runtime = _Side(runtime, warn)
        self._client = _Side(client, warn)
        self._chunk = bytearray()

    def start(self, content_type: str) -> None:
        """Begin both recordings."""
        self._runtime.start(content_type)
        self._client.start(content_type)

    def write(self, data: bytes) -> None:
        """Add bytes to the chunk, which is recorded when it is complete."""
        self._chunk += data

    def end_chunk(self) -> None:
        """Record the complete chunk."""
        self._runtime.chunk(bytes(self._chunk))
        self._chunk.clear()

    def end(self, error: FunctionError | None) -> None:
        """Record the end of the response, or its error."""
        self._runtime.end(error)

    def read(self, data: bytes) -> None:
        """Record a piece that is sent to the client."""
        self._client.chunk(data)

    def read_all(self, error: FunctionError | None) -> None:
        """Record that the client has been sent everything."""
        self._client.end(error)

    def leave(self) -> None:
        """Record that the client has stopped reading, unless it has read everything."""
        self._client.leave()


class _Side:
    """One of the two recordings. It separates the prelude from the body, and ends only once."""

    def __init__(self, recorder: Recorder, warn: Callable[[str], None]) -> None:
        self._recorder = recorder
        self._warn = warn
        self._parser: PreludeParser | None = None
        self._ended = False

    def start(self, content_type: str) -> None:
        if content_type == CONTENT_TYPE:
            self._parser = PreludeParser()

    def chunk(self, data: bytes) -> None:
        if self._parser is not None:
            try:
                parsed = self._parser.feed(data)
            except PreludeError:  # the front end reports it
                self._parser = None
                return
            if parsed is None:
                return
            head, data = parsed
            self._parser = None
            self._recorder.head(head.status, dict(head.headers), head.cookies)
        if data:
            self._recorder.chunk(data)

    def end(self, error: FunctionError | None) -> None:
        if error is not None:
            self._recorder.error(error.error_type, error_message(error.details.decode("utf-8", "replace")))
        self._finish("end" if error is None else REASONS.get(error.error_type, "error"))

    def leave(self) -> None:
        """The client has stopped reading."""
        self._finish("disconnect")

    def _finish(self, reason: str) -> None:
        if self._ended:
            return
        self._ended = True
        self._recorder.end(reason)
        self._recorder.finish(self._warn_incomplete)

    def _warn_incomplete(self, failure: OSError) -> None:
        self._warn(_incomplete(self._recorder, failure))


def _incomplete(recorder: Recorder, failure: OSError) -> str:
    return f"the recording {recorder.name} is not complete: {failure.strerror or failure}"


REASONS = {"Sandbox.Timedout": "timeout", "Sandbox.Timeout": "timeout"}
