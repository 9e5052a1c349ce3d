"""Changes the times of a stream and injects faults: composable functions that take events and return events.

Each processes one event at a time and keeps none. Times never go backwards. Random values depend only on `seed`, so a
run can be repeated. `after` counts the chunks of the incoming events; 0 means before the first chunk, after the head.
The terms are those of other tools: speed divides times, jitter is a fraction (aimock), the slicer is Toxiproxy's.

Each function raises FaultError at once, before the first event, if an argument is not valid.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from ..errors import FaultError
from ..recordings.recording import END, ERROR, HEAD, Event, chunk_event

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MICROSECONDS_PER_SECOND = 1_000_000
ERROR_TYPE = "Replay.Error"


# --- times -----------------------------------------------------------------------------------------------------------


def speed(events: Iterable[Event], factor: float) -> Iterator[Event]:
    """Play `factor` times as fast: 2 halves all times, `math.inf` makes them 0."""
    _check(factor > 0, f"speed {factor}: it must be a number greater than 0; 2 is twice as fast")
    return (event._replace(time=round(event.time / factor)) for event in events)


def idle_limit(events: Iterable[Event], seconds: float) -> Iterator[Event]:
    """Shorten each gap to at most `seconds`; the events after it come earlier."""
    _check(seconds >= 0, f"idle limit {seconds}: it must be a number of seconds, 0 or more")
    limit = round(seconds * MICROSECONDS_PER_SECOND)

    def limited() -> Iterator[Event]:
        time = previous = 0
        for event in events:
            time, previous = time + min(event.time - previous, limit), event.time
            yield event._replace(time=time)

    return limited()


def jitter(events: Iterable[Event], fraction: float, *, seed: int) -> Iterator[Event]:
    """Make each gap longer or shorter by up to this fraction of itself, from 0 to 1."""
    _check(0 <= fraction <= 1, f"jitter {fraction}: it must be a fraction, 0 to 1; 0.2 is up to a fifth more or less")

    def jittered() -> Iterator[Event]:
        random = _random(seed, "jitter")
        time = previous = 0
        for event in events:
            factor = 1 + fraction * (2 * random.random() - 1)
            time, previous = time + round((event.time - previous) * factor), event.time
            yield event._replace(time=time)

    return jittered()


def stall(events: Iterable[Event], after: int, seconds: float) -> Iterator[Event]:
    """Make the gap after chunk `after` longer by `seconds`."""
    _check_after("stall", after)
    _check(seconds >= 0, f"stall for {seconds}: it must be a number of seconds, 0 or more")

    def stalled() -> Iterator[Event]:
        chunks = 0
        for event in events:
            is_delayed = chunks >= after and event.code != HEAD
            chunks += event.chunk is not None
            yield event._replace(time=event.time + round(seconds * MICROSECONDS_PER_SECOND)) if is_delayed else event

    return stalled()


# --- ends ------------------------------------------------------------------------------------------------------------


def truncate(events: Iterable[Event], after: int) -> Iterator[Event]:
    """End the stream normally after chunk `after`: the reader cannot see that something is missing."""
    _check_after("truncate", after)
    return _ended(events, after, None, "end")


def error(
    events: Iterable[Event], after: int, error_type: str = ERROR_TYPE, message: str = "an injected error"
) -> Iterator[Event]:
    """End the stream with an error after chunk `after`, as when a function fails in mid-stream."""
    _check_after("error", after)
    return _ended(events, after, {"type": error_type, "message": message}, "error")


def disconnect(events: Iterable[Event], after: int) -> Iterator[Event]:
    """Break the connection after chunk `after`."""
    _check_after("disconnect", after)
    return _ended(events, after, None, "disconnect")


def _ended(events: Iterable[Event], after: int, failure: dict[str, str] | None, reason: str) -> Iterator[Event]:
    """Yield the events up to chunk `after`, then an end. Yield all events if there are fewer chunks."""
    time = chunks = size = 0
    for event in events:
        chunk = event.chunk
        if chunks == after and event.code != HEAD:
            break
        yield event
        time = event.time
        if chunk is not None:
            chunks, size = chunks + 1, size + len(chunk)
        if event.code == END:
            return
    else:
        if chunks < after:
            return  # a recording without its end
    if failure is not None:
        yield Event(time, ERROR, failure)
    yield Event(time, END, {"reason": reason, "bytes": size, "chunks": chunks})


# --- sizes -----------------------------------------------------------------------------------------------------------


def slicer(
    events: Iterable[Event], average_size: int, *, size_variation: int = 0, delay: int = 0, seed: int = 0
) -> Iterator[Event]:
    """Cut chunks into pieces of `average_size` bytes, plus or minus `size_variation`, `delay` microseconds apart.

    Later events are delayed too if they would otherwise overtake a piece.
    """
    _check(average_size > 0, f"slices of {average_size} bytes: it must be a whole number, 1 or more")
    is_smaller = 0 <= size_variation < average_size
    _check(is_smaller, f"a variation of {size_variation} bytes: it must be 0 or more, and less than {average_size}")
    _check(delay >= 0, f"a delay of {delay} between slices: it must be a number of microseconds, 0 or more")

    def sliced() -> Iterator[Event]:
        random = _random(seed, "slicer")
        latest = chunks = 0
        for event in events:
            latest = max(latest, event.time)
            chunk = event.chunk
            if chunk is None:
                data = {**event.data, "chunks": chunks} if event.code == END else event.data
                yield Event(latest, event.code, data)
                continue
            start = 0
            while start < len(chunk) or start == 0:
                latest += delay if start else 0
                size = average_size + (random.randint(-size_variation, size_variation) if size_variation else 0)
                yield chunk_event(latest, chunk[start : start + size])
                start, chunks = start + size, chunks + 1

    return sliced()


# --- combined --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Faults:
    """The changes to a stream, in the order in which they are applied. Chunk numbers are those of the recording.

    `idle_limit` is in seconds, `slice` in bytes; `stall` is a chunk number and seconds; `truncate`, `error` and
    `disconnect` are chunk numbers.
    """

    speed: float = 1.0
    idle_limit: float | None = None
    jitter: float = 0.0
    stall: tuple[int, float] | None = None
    truncate: int | None = None
    error: int | None = None
    disconnect: int | None = None
    slice: int | None = None
    seed: int = 0

    def apply(self, events: Iterable[Event]) -> Iterator[Event]:
        """Return the events with these changes applied. Raises FaultError at once if a value is not valid."""
        stream = iter(events)
        if self.speed != 1:
            stream = speed(stream, self.speed)
        if self.idle_limit is not None:
            stream = idle_limit(stream, self.idle_limit)
        if self.jitter:
            stream = jitter(stream, self.jitter, seed=self.seed)
        if self.stall is not None:
            stream = stall(stream, *self.stall)
        if self.truncate is not None:
            stream = truncate(stream, self.truncate)
        if self.error is not None:
            stream = error(stream, self.error)
        if self.disconnect is not None:
            stream = disconnect(stream, self.disconnect)
        if self.slice is not None:
            stream = slicer(stream, self.slice, seed=self.seed)
        return stream

    def check(self, chunks: int) -> None:
        """Raise FaultError if a value is not valid, or needs more than `chunks` chunks."""
        self.apply(())
        after = {"stall": self.stall and self.stall[0], "truncate": self.truncate}
        after |= {"error": self.error, "disconnect": self.disconnect}
        for name, number in after.items():
            if number is not None and number > chunks:
                raise FaultError(f"{name} after chunk {number}: the recording has only {chunks}")


def _random(seed: int, purpose: str) -> Random:
    return Random(f"{seed} {purpose}")  # noqa: S311 - repeatable, not secret


def _check(is_valid: bool, message: str) -> None:  # noqa: FBT001 - a condition, as in assert
    if not is_valid:
        raise FaultError(message)


def _check_after(name: str, after: int) -> None:
    _check(after >= 0, f"{name} after chunk {after}: it must be the number of a chunk, or 0 for before the first")
