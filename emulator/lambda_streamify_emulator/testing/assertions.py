"""What tests claim of a stream, and what they are told if it is not so."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, NamedTuple

from ..recordings.recording import END, ERROR
from ..recordings.recording_file import reading
from ..recordings.timeline import counted, in_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..recordings.recording import Event
    from .result import StreamResult

SHOWN = 24  # bytes of a value around a difference

HOW_TO_STREAM = (
    "Have the handler return a generator that yields each piece when it is there,"
    " in place of one body that it has collected."
)


def check_streamed(result: StreamResult) -> None:
    """Raise AssertionError unless the response was delivered in steps."""
    __tracebackhide__ = True
    reason = _why_not_streamed(result)
    if reason is not None:
        raise AssertionError(f"{result.function} did not stream: {reason}")


def _why_not_streamed(result: StreamResult) -> str | None:
    if result.error is not None and len(result.chunks) <= 1:
        return f"it failed with {result.error.type}: {result.error.message}"
    if result.framing == "buffered":
        return (
            "its URL has the invoke mode BUFFERED, which collects every response."
            " Set InvokeMode: RESPONSE_STREAM in the FunctionUrlConfig of the template."
        )
    if result.framing == "client":
        return f"the emulator answered with status {result.status_code} and has not run it: {_cut(result.body)}"
    if not result.body:
        return f"its response with status {result.status_code} has no body."
    if len(result.chunks) == 1:
        size = counted(len(result.body), "byte")
        return f"the whole body, {size}, came as one chunk, and nothing was left to come.\n{HOW_TO_STREAM}"
    return None


def check_matches(
    result: StreamResult, recording: str | PathLike[str] | Iterable[Event], *, borders: bool = True
) -> None:
    """Raise AssertionError unless the chunks of the response are the recorded ones."""
    __tracebackhide__ = True
    if isinstance(recording, (str, PathLike)):
        with reading(recording) as reader:
            expected = _Stream(reader)
        name = str(recording)
    else:
        expected, name = _Stream(recording), "the recording"
    got = _Stream(result.recording())
    message = _difference_in_chunks(expected, got) if borders else _difference_in_bytes(expected, got)
    if message is None and expected.ending not in (None, got.ending):
        message = f"after the same bytes, the end differs\n  expected  {expected.ending}\n  got       {got.ending}"
    if message is not None:
        raise AssertionError(f"{result.function} did not answer as recorded in {name}: {message}")


class _Chunk(NamedTuple):
    time: int
    data: bytes


class _Stream:
    """Chunks with their times, and how it ended; a recording that was cut does not say how."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.chunks: list[_Chunk] = []
        self.ending: str | None = None
        error = ""
        for event in events:
            if event.chunk is not None:
                self.chunks.append(_Chunk(event.time, event.chunk))
            elif event.code == ERROR:
                error = f" ({event.data['type']}: {event.data['message']})"
            elif event.code == END:
                self.ending = event.data["reason"] + error

    @property
    def body(self) -> bytes:
        return b"".join(chunk.data for chunk in self.chunks)

    def described(self, number: int, around: int = 0) -> str:
        """A chunk in one line, its value shortened to what lies around a byte."""
        if number >= len(self.chunks):
            return (
                f"no chunks[{number}]: {counted(len(self.chunks), 'chunk')}, {counted(len(self.body), 'byte')} in all"
            )
        time, data = self.chunks[number]
        return f"chunks[{number}], {counted(len(data), 'byte')}, at {in_words(time)}: {_cut(data, around)}"

    def chunk_at(self, offset: int) -> tuple[int, int]:
        """The number of the chunk that holds a byte of the body, and the byte's place in it."""
        for number, chunk in enumerate(self.chunks):
            if offset < len(chunk.data):
                return number, offset
            offset -= len(chunk.data)
        return len(self.chunks), 0


def _difference_in_chunks(expected: _Stream, got: _Stream) -> str | None:
    pairs = zip(expected.chunks, got.chunks, strict=False)
    shared = min(len(expected.chunks), len(got.chunks))
    number = next((number for number, (one, other) in enumerate(pairs) if one.data != other.data), shared)
    if number == len(expected.chunks) and (number == len(got.chunks) or expected.ending is None):
        return None
    around = 0
    if number < shared:
        around = _first_difference(expected.chunks[number].data, got.chunks[number].data)
    borders_only = expected.body == got.body
    hint = "\n  The bytes are the same, their borders are not: borders=False ignores that." if borders_only else ""
    return _told(f"chunks[{number}] differs", expected.described(number, around), got.described(number, around)) + hint


def _difference_in_bytes(expected: _Stream, got: _Stream) -> str | None:
    one, other = expected.body, got.body
    if expected.ending is None:  # cut: what came later is not known
        other = other[: len(one)]
    if one == other:
        return None
    offset = _first_difference(one, other)
    sides = (side.described(*side.chunk_at(offset)) for side in (expected, got))
    return _told(f"byte {offset} of the body differs", *sides)


def _told(what: str, expected: str, got: str) -> str:
    return f"{what}\n  expected  {expected}\n  got       {got}"


def _first_difference(one: bytes, other: bytes) -> int:
    shared = min(len(one), len(other))
    return next((at for at in range(shared) if one[at] != other[at]), shared)


def _cut(data: bytes, around: int = 0) -> str:
    """The value, or the part of it around a byte."""
    start, end = max(0, around - SHOWN), around + SHOWN
    if len(data) <= 2 * SHOWN:
        start, end = 0, len(data)
    before, after = "..." if start else "", "..." if end < len(data) else ""
    return f"{before}{data[start:end]!r}{after}"
