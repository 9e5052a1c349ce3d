"""Other times for a recording, and faults in it: functions from events to events, to be composed.

Each looks at one event at a time and keeps none. Times never go backwards. What is drawn by lot depends on `seed`
alone, so that it can be had again. `after` counts chunks as they come in; 0 is before the first one, after the head.
The words are those of other tools: speed divides times, jitter is a fraction (aimock), the slicer is Toxiproxy's.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from ..errors import FaultError
from .recording import END, ERROR, HEAD, Event, chunk_event

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MICROSECONDS = 1_000_000
ERROR_TYPE = "Replay.Error"


# --- times -----------------------------------------------------------------------------------------------------------


def speed(events: Iterable[Event], factor: float) -> Iterator[Event]:
    """Everything `factor` times as fast: 2 halves all times, `math.inf` makes them 0."""
    _check(factor > 0, f"speed {factor}: it is a number greater than 0; 2 is twice as fast")
    return (event._replace(time=round(event.time / factor)) for event in events)


def idle_limit(events: Iterable[Event], seconds: float) -> Iterator[Event]:
    """No silence longer than this; what comes after a longer one comes earlier."""
    _check(seconds >= 0, f"idle limit {seconds}: it is a number of seconds, 0 or more")
    limit = round(seconds * MICROSECONDS)

    def limited() -> Iterator[Event]:
        time = before = 0
        for event in events:
            time, before = time + min(event.time - before, limit), event.time
            yield event._replace(time=time)

    return limited()


def jitter(events: Iterable[Event], fraction: float, *, seed: int) -> Iterator[Event]:
    """Each silence longer or shorter by up to this fraction of itself, from 0 to 1."""
    _check(0 <= fraction <= 1, f"jitter {fraction}: it is a fraction from 0 to 1; 0.2 is up to a fifth more or less")

    def shaken() -> Iterator[Event]:
        random = _random(seed, "jitter")
        time = before = 0
        for event in events:
            factor = 1 + fraction * (2 * random.random() - 1)
            time, before = time + round((event.time - before) * factor), event.time
            yield event._replace(time=time)

    return shaken()


def stall(events: Iterable[Event], after: int, seconds: float) -> Iterator[Event]:
    """A silence of so many more seconds after that chunk."""
    _check_after("stall", after)
    _check(seconds >= 0, f"stall for {seconds}: it is a number of seconds, 0 or more")

    def stalled() -> Iterator[Event]:
        chunks = 0
        for event in events:
            late = chunks >= after and event.code != HEAD
            chunks += event.chunk is not None
            yield event._replace(time=event.time + round(seconds * MICROSECONDS)) if late else event

    return stalled()


# --- ends ------------------------------------------------------------------------------------------------------------


def truncate(events: Iterable[Event], after: int) -> Iterator[Event]:
    """The end after that chunk, in good order: the reader is not told that something is missing."""
    _check_after("truncate", after)
    return _ended(events, after, None, "end")


def error(
    events: Iterable[Event], after: int, error_type: str = ERROR_TYPE, message: str = "an error asked for"
) -> Iterator[Event]:
    """An error after that chunk, as when the function fails in mid-stream."""
    _check_after("error", after)
    return _ended(events, after, {"type": error_type, "message": message}, "error")


def disconnect(events: Iterable[Event], after: int) -> Iterator[Event]:
    """A connection that breaks after that chunk."""
    _check_after("disconnect", after)
    return _ended(events, after, None, "disconnect")


def _ended(events: Iterable[Event], after: int, failure: dict[str, str] | None, reason: str) -> Iterator[Event]:
    """The events up to that chunk, and the end instead of what follows; all of them if there are fewer chunks."""
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
    """Chunks in pieces of `average_size` bytes, each up to `size_variation` more or less, with `delay` between them.

    The delay is in microseconds. It holds back what follows too, if that would overtake.
    """
    _check(average_size > 0, f"slices of {average_size} bytes: it is a whole number, 1 or more")
    within = 0 <= size_variation < average_size
    _check(within, f"a size variation of {size_variation} bytes: it is from 0 to less than the size, {average_size}")
    _check(delay >= 0, f"a delay of {delay} between slices: it is a number of microseconds, 0 or more")

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


# --- all of them -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Faults:
    """What is to be done to a stream, in the order in which it is done. Counts of chunks are those of the recording."""

    speed: float = 1.0
    idle_limit: float | None = None
    jitter: float = 0.0
    stall: tuple[int, float] | None = None  # chunks, seconds
    truncate: int | None = None
    error: int | None = None
    disconnect: int | None = None
    slice: int | None = None
    seed: int = 0

    def apply(self, events: Iterable[Event]) -> Iterator[Event]:
        """The events of the stream with its faults. Raises FaultError, at once, for a value that makes no sense."""
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
        """Raise FaultError for what makes no sense, or cannot happen in a recording of so many chunks."""
        self.apply(())
        after = {"stall": self.stall and self.stall[0], "truncate": self.truncate}
        after |= {"error": self.error, "disconnect": self.disconnect}
        for name, number in after.items():
            if number is not None and number > chunks:
                raise FaultError(f"{name} after chunk {number}: the recording has only {chunks}")


def _random(seed: int, purpose: str) -> Random:
    return Random(f"{seed} {purpose}")  # noqa: S311 - to be repeated, not to be secret


def _check(holds: bool, message: str) -> None:  # noqa: FBT001 - it says what is checked
    if not holds:
        raise FaultError(message)


def _check_after(name: str, after: int) -> None:
    _check(after >= 0, f"{name} after chunk {after}: it is the number of a chunk, or 0 for before the first")
