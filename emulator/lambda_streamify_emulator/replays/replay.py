"""Replays a recorded stream: the same chunks, each at its recorded time or on request."""

from __future__ import annotations

import json
from contextlib import aclosing, closing, contextmanager
from enum import Enum
from os import PathLike
from typing import TYPE_CHECKING, Any

from ..errors import FaultError, ReplayedError
from ..invocations.channel import FunctionError
from ..invocations.prelude import DELIMITER
from ..lambda_api import eventstream
from ..recordings.recording import END, HEAD
from ..recordings.recording_file import reading
from .clocks import Clock, RealClock, VirtualClock
from .faults import MICROSECONDS_PER_SECOND, Faults
from .faults import speed as at_speed
from .permits import Permits
from .playback import Outcome, at_their_times, without_hidden

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable, Iterator, Mapping

    from ..recordings.recording import Event


class Mode(str, Enum):
    """When the next chunk is delivered."""

    REAL = "real"
    """At its recorded time."""
    INSTANT = "instant"
    """As soon as the reader asks for it."""
    VIRTUAL = "virtual"
    """At its recorded time, on a clock that jumps there."""
    LOCKSTEP = "lockstep"
    """When `release` is called."""


class Replay:
    """A recording as a stream of bytes: an iterator, an async iterator, or the response of boto3.

    source           the path of a recording, or its events
    mode             when the next chunk is delivered, one of Mode
    speed            a factor; 2 is twice as fast
    faults           changes to the stream
    clock            the clock of the modes `real` and `virtual`; by default a RealClock or a VirtualClock
    release_timeout  in lockstep, the seconds to wait for a release

    Each iteration starts the stream again, unless `source` can be iterated only once. Times count from the start of the
    iteration: a late chunk does not delay the others. In lockstep, each `release()` permits one more chunk, or the end;
    the first chunk needs none.

        replay = Replay("story.ndjson", mode="virtual")
        for chunk in replay:
            print(replay.clock.now(), chunk)

    The constructor raises FaultError for an argument that is not valid. After the chunks, an iteration raises
    ReplayedError if the recorded stream ended in an error, and ReplayedDisconnect if its connection broke. It raises
    ReplayNotReleased if a release takes too long, and RecordingFileError at a damaged line.
    """

    def __init__(
        self,
        source: str | PathLike[str] | Iterable[Event],
        *,
        mode: Mode | str = Mode.REAL,
        speed: float = 1.0,
        faults: Faults | None = None,
        clock: Clock | None = None,
        release_timeout: float = 30.0,
    ) -> None:
        if mode not in {known.value for known in Mode}:
            raise FaultError(f"mode {mode!r}: it must be one of {', '.join(known.value for known in Mode)}")
        self.mode = Mode(mode)
        self.clock: Clock = clock or (VirtualClock() if self.mode is Mode.VIRTUAL else RealClock())
        self._source = source
        self._faults = faults or Faults()
        self._speed = speed
        self._timeout_s = release_timeout
        self._permits = Permits(release_timeout)
        self._with_faults(())  # raises FaultError now, not at the first chunk

    # --- chunks ------------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[bytes]:
        outcome = Outcome()
        with closing(self.events()) as events:
            for event in events:
                outcome.add(event)
                chunk = event.chunk
                if chunk is not None:
                    yield chunk
        if outcome.failure is not None:
            raise outcome.failure

    async def __aiter__(self) -> AsyncIterator[bytes]:
        outcome = Outcome()
        async with aclosing(self.aevents()) as events:
            async for event in events:
                outcome.add(event)
                chunk = event.chunk
                if chunk is not None:
                    yield chunk
        if outcome.failure is not None:
            raise outcome.failure

    def release(self) -> None:
        """In lockstep, permit the next chunk, or the end. Any thread may call this."""
        self._permits.release()

    # --- events ------------------------------------------------------------------------------------------------------

    def events(self) -> Generator[Event, None, None]:
        """Yield all events, each at its time."""
        start = self.clock.now()  # before a file is opened, which takes a third of a millisecond
        with self._opened() as events:
            permits = self._new_permits()
            for event in at_their_times(events, self.clock, start) if self._is_scheduled else events:
                if permits and (held := _held_in_lockstep(event)):
                    permits.acquire(held)
                yield event

    async def aevents(self) -> AsyncGenerator[Event, None]:
        """Yield all events, each at its time, without blocking the event loop."""
        start = self.clock.now()
        with self._opened() as events:
            permits = self._new_permits()
            for event in events:
                if self._is_scheduled:
                    await self.clock.await_until(start + event.time / MICROSECONDS_PER_SECOND)
                elif permits and (held := _held_in_lockstep(event)):
                    await permits.acquire_async(held)
                yield event

    # --- as InvokeWithResponseStream returns it ----------------------------------------------------------------------

    def as_event_stream(self) -> dict[str, Any]:
        """Return a response like that of boto3's `invoke_with_response_stream`, with each chunk at its time.

        The first PayloadChunk of the EventStream is the head, as the prelude that Lambda passes on. If the connection
        breaks, the EventStream has no InvokeComplete.
        """
        return {
            "ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0},
            "StatusCode": 200,
            "ExecutedVersion": "$LATEST",
            "ResponseStreamContentType": eventstream.CONTENT_TYPE,
            "EventStream": self._event_stream(),
        }

    def event_stream_bytes(self) -> Iterator[bytes]:
        """Yield the messages of `as_event_stream`, each encoded as in the body of the HTTP response."""
        for payload, error in self._messages():
            yield eventstream.invoke_complete(error) if payload is None else eventstream.payload_chunk(payload)

    def _event_stream(self) -> Iterator[dict[str, Any]]:
        for payload, error in self._messages():
            if payload is not None:
                yield {"PayloadChunk": {"Payload": payload}}
            elif error is not None:
                details = error.details.decode("utf-8")
                yield {"InvokeComplete": {"ErrorCode": error.error_type, "ErrorDetails": details}}
            else:
                yield {"InvokeComplete": {}}

    def _messages(self) -> Iterator[tuple[bytes | None, FunctionError | None]]:
        """Yield (payload, None) for each payload, then (None, error or None), unless the connection breaks."""
        outcome = Outcome()
        for event in self.events():
            outcome.add(event)
            payload = prelude(event.data) if event.code == HEAD else event.chunk
            if payload is not None:
                yield payload, None
        failure = outcome.failure
        if isinstance(failure, ReplayedError):
            details = {"errorType": failure.error_type, "errorMessage": failure.message}
            yield None, FunctionError(failure.error_type, json.dumps(details).encode())
        elif failure is None:
            yield None, None

    # --- shared ------------------------------------------------------------------------------------------------------

    @property
    def _is_scheduled(self) -> bool:
        return self.mode in (Mode.REAL, Mode.VIRTUAL)

    def _new_permits(self) -> Permits | None:
        if self.mode is not Mode.LOCKSTEP:
            return None
        self._permits = Permits(self._timeout_s)
        return self._permits

    @contextmanager
    def _opened(self) -> Iterator[Iterator[Event]]:
        if isinstance(self._source, (str, PathLike)):
            with reading(self._source) as reader:
                yield self._with_faults(reader)
        else:
            yield self._with_faults(self._source)

    def _with_faults(self, events: Iterable[Event]) -> Iterator[Event]:
        changed = self._faults.apply(events)
        return changed if self._speed == 1 else at_speed(changed, self._speed)


def prelude(head: Mapping[str, Any]) -> bytes:
    """Return a head in the form in which a runtime sends it before the body."""
    shown, _ = without_hidden(head)
    fields = {"statusCode": shown["status_code"], "headers": shown["headers"], "cookies": shown["cookies"]}
    return json.dumps(fields).encode() + DELIMITER


def _held_in_lockstep(event: Event) -> str | None:
    """Return what lockstep holds until it is released, a chunk or the end; None for any other event.

    If the end came by itself, a reader that buffers everything would go unnoticed.
    """
    if event.code == END:
        return "the end of the stream"
    return None if event.chunk is None else "the next chunk"
