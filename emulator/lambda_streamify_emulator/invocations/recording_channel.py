"""A response recorded on both sides: as the runtime writes it, and as it leaves for the client.

So a recording shows what the way between them joins and cuts. Times of both begin with the invocation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import EmulatorError, PreludeError
from ..recordings.recorder import Recorder, now
from ..recordings.recording import Header, error_message
from .prelude import CONTENT_TYPE, PreludeParser
from .watched_channel import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .channel import FunctionError

LAYERS = ("runtime-api", "client")


class Recordings:
    """Has the responses of a process recorded in `folder`, two files for each invocation.

    `warn` is told what cannot be written. Raises EmulatorError if the folder cannot be made.
    """

    def __init__(self, folder: Path, warn: Callable[[str], None]) -> None:
        self._folder = folder
        self._warn = warn
        self._open: list[Recorder] = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EmulatorError(f"the folder {folder} for recordings cannot be made: {error.strerror}") from error

    def watch(self, function: str, request_id: str) -> RecordingWatcher | None:
        """Who records one invocation; None if its recordings cannot be opened."""
        header = {"function": function, "request_id": request_id, "recorded": now()}
        recorders = []
        for layer in LAYERS:
            path = self._folder / f"{function}-{request_id}.{layer}.ndjson"
            try:
                recorders.append(Recorder(path.open("w", encoding="utf-8", newline="\n"), Header(layer, header)))
            except OSError as error:
                self._warn(f"{path} cannot be written: {error.strerror}")
                return None
        self._open = [recorder for recorder in self._open if not recorder.is_closed]
        self._open += recorders
        return RecordingWatcher(*recorders, warn=self._warn)

    def close(self) -> None:
        """Wait until all that has come is written. Responses that have not ended leave recordings that say so."""
        for recorder in self._open:
            try:
                recorder.close()
            except OSError as failure:  # noqa: PERF203 - the others are to be closed as well
                self._warn(f"a recording is not complete: {failure.strerror or failure}")


class RecordingWatcher(Watcher):
    """Records a response twice: `runtime` as it is written, `client` as it is read."""

    def __init__(self, runtime: Recorder, client: Recorder, *, warn: Callable[[str], None]) -> None:
        self._runtime = _Side(runtime, warn)
        self._client = _Side(client, warn)
        self._chunk = bytearray()

    def start(self, content_type: str) -> None:
        """The response begins."""
        self._runtime.start(content_type)
        self._client.start(content_type)

    def write(self, data: bytes) -> None:
        """The next bytes of a chunk, which is recorded when it is complete."""
        self._chunk += data

    def border(self) -> None:
        """The chunk is complete."""
        self._runtime.chunk(bytes(self._chunk))
        self._chunk.clear()

    def end(self, error: FunctionError | None) -> None:
        """The response is complete, or failed."""
        self._runtime.end(error)

    def read(self, data: bytes) -> None:
        """A piece leaves for the client."""
        self._client.chunk(data)

    def read_all(self, error: FunctionError | None) -> None:
        """All has left."""
        self._client.end(error)

    def leave(self) -> None:
        """The client reads no more, or has read all."""
        self._client.leave()


class _Side:
    """One recording: takes the prelude off, and ends once."""

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
            except PreludeError:  # what is wrong with it is told where the client is answered
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
        """Nobody is there any more."""
        self._finish("disconnect")

    def _finish(self, reason: str) -> None:
        if self._ended:
            return
        self._ended = True
        self._recorder.end(reason)
        self._recorder.finish(self._tell)

    def _tell(self, failure: OSError) -> None:
        self._warn(f"a recording is not complete: {failure.strerror or failure}")


REASONS = {"Sandbox.Timedout": "timeout", "Sandbox.Timeout": "timeout"}
