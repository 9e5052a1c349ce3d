"""A recorded stream once more: its chunks to the byte, with their borders, each at its time or when it is asked for."""

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
from .clocks import Clock, RealClock, VirtualClock
from .faults import MICROSECONDS, Faults
from .faults import speed as at_speed
from .playback import Outcome, at_their_times, without_hidden
from .recording import END, HEAD
from .recording_file import reading
from .turns import Turns

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable, Iterator, Mapping

    from .recording import Event


class Mode(str, Enum):
    """When the next chunk comes."""

    REAL = "real"  # at its time
    INSTANT = "instant"  # as soon as the one before has been taken
    VIRTUAL = "virtual"  # at its time, on a clock that jumps there
    LOCKSTEP = "lockstep"  # when `release` is called


class Replay:
    """A recording that can be read like the stream that it is of: by `for`, by `async for`, as boto3 would give it.

    `source` is the path of a recording, or its events. Each time it is iterated the stream begins anew (not if the
    events can be iterated only once), and the times count from there: a chunk that was late makes no other one late.

    `speed` 2 is twice as fast. `clock` is for the modes `real` and `virtual`; in the latter it is a VirtualClock, and
    the attribute `clock` has it. In lockstep, `release()` lets one more chunk go, and at last the end; the first chunk
    goes by itself. A release that does not come within `patience` seconds raises ReplayNotReleased.

    A stream that ends in an error raises ReplayedError, one whose connection breaks ReplayedDisconnect, each after all
    that was delivered before. RecordingFileError is raised when a damaged line is reached.
    """

    def __init__(
        self,
        source: str | PathLike[str] | Iterable[Event],
        *,
        mode: Mode | str = Mode.REAL,
        speed: float = 1.0,
        faults: Faults | None = None,
        clock: Clock | None = None,
        patience: float = 30.0,
    ) -> None:
        if mode not in {known.value for known in Mode}:
            raise FaultError(f"mode {mode!r}: it is one of {', '.join(known.value for known in Mode)}")
        self.mode = Mode(mode)
        self.clock: Clock = clock or (VirtualClock() if self.mode is Mode.VIRTUAL else RealClock())
        self._source = source
        self._faults = faults or Faults()
        self._speed = speed
        self._patience = patience
        self._turns = Turns(patience)
        self._changed(())  # raises what makes no sense now, not at the first chunk

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
        """In lockstep, let the next chunk go, or the end. Any thread may call it."""
        self._turns.release()

    # --- events ------------------------------------------------------------------------------------------------------

    def events(self) -> Generator[Event, None, None]:
        """All events, each at its time."""
        with self._opened() as events:
            turns = self._new_turns()
            for event in at_their_times(events, self.clock) if self._is_scheduled else events:
                if turns and (held := _held_in_lockstep(event)):
                    turns.take(held)
                yield event

    async def aevents(self) -> AsyncGenerator[Event, None]:
        """All events, each at its time; the event loop is free meanwhile."""
        with self._opened() as events:
            start, turns = self.clock.now(), self._new_turns()
            for event in events:
                if self._is_scheduled:
                    await self.clock.await_until(start + event.time / MICROSECONDS)
                elif turns and (held := _held_in_lockstep(event)):
                    await turns.atake(held)
                yield event

    # --- as InvokeWithResponseStream gives it ------------------------------------------------------------------------

    def as_event_stream(self) -> dict[str, Any]:
        """What boto3's `invoke_with_response_stream` returns; its EventStream has the chunks at their times.

        The head is the first PayloadChunk, as the prelude that Lambda passes on. A connection that breaks is an
        EventStream without InvokeComplete.
        """
        return {
            "ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0},
            "StatusCode": 200,
            "ExecutedVersion": "$LATEST",
            "ResponseStreamContentType": eventstream.CONTENT_TYPE,
            "EventStream": self._event_stream(),
        }

    def event_stream_bytes(self) -> Iterator[bytes]:
        """The same as it stands in the body of the HTTP response: one encoded message an item."""
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
        """Payloads, and at last None with the error, if there is one."""
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

    # --- what all of them need ---------------------------------------------------------------------------------------

    @property
    def _is_scheduled(self) -> bool:
        return self.mode in (Mode.REAL, Mode.VIRTUAL)

    def _new_turns(self) -> Turns | None:
        if self.mode is not Mode.LOCKSTEP:
            return None
        self._turns = Turns(self._patience)
        return self._turns

    @contextmanager
    def _opened(self) -> Iterator[Iterator[Event]]:
        if isinstance(self._source, (str, PathLike)):
            with reading(self._source) as reader:
                yield self._changed(reader)
        else:
            yield self._changed(self._source)

    def _changed(self, events: Iterable[Event]) -> Iterator[Event]:
        changed = self._faults.apply(events)
        return changed if self._speed == 1 else at_speed(changed, self._speed)


def prelude(head: Mapping[str, Any]) -> bytes:
    """A head as a runtime sends it before the body."""
    shown, _ = without_hidden(head)
    fields = {"statusCode": shown["status_code"], "headers": shown["headers"], "cookies": shown["cookies"]}
    return json.dumps(fields).encode() + DELIMITER


def _held_in_lockstep(event: Event) -> str | None:
    """What waits for its release: chunks and the end. With the end free, one who holds all back would not show."""
    if event.code == END:
        return "the end of the stream"
    return None if event.chunk is None else "the next chunk"
