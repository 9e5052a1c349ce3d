"""The assertions on a stream, and their failure messages."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ..recordings.recording import END, ERROR
from ..recordings.recording_file import reading
from ..recordings.timeline import format_duration, pluralize

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..recordings.recording import Event

CONTEXT_BYTES = 24  # on each side of a difference

HOW_TO_STREAM = (
    "Have the handler return a generator that yields each piece as soon as it exists,"
    " instead of one body that it has collected."
)


class StreamError(NamedTuple):
    """How a function failed."""

    type: str
    message: str


class Result(Protocol):
    """The part of a StreamResult that the assertions need."""

    function: str
    framing: str
    status_code: int
    chunks: list[bytes]
    error: StreamError | None

    @property
    def body(self) -> bytes:
        """The whole body."""

    def recording(self) -> list[Event]:
        """The response as a recording."""


def check_streamed(result: Result) -> None:
    """Raise AssertionError unless the response streamed."""
    __tracebackhide__ = True
    reason = _why_not_streamed(result)
    if reason is not None:
        raise AssertionError(f"{result.function} did not stream: {reason}")


def _why_not_streamed(result: Result) -> str | None:
    if result.error is not None and len(result.chunks) <= 1:
        return f"it failed with {result.error.type}: {result.error.message}"
    if result.framing == "buffered":
        return (
            "its URL has the invoke mode BUFFERED, which collects every response."
            " Set InvokeMode: RESPONSE_STREAM in the FunctionUrlConfig of the template."
        )
    if result.framing == "client":
        return f"the emulator answered with status {result.status_code} without running it: {_cut(result.body)}"
    if not result.body:
        return f"its response with status {result.status_code} has no body."
    if len(result.chunks) == 1:
        size = pluralize(len(result.body), "byte")
        return f"the whole body, {size}, came as one chunk, with no other chunk after it.\n{HOW_TO_STREAM}"
    return None


def check_matches(result: Result, recording: str | PathLike[str] | Iterable[Event], *, borders: bool = True) -> None:
    """Raise AssertionError unless the response has the recorded chunks or, without `borders`, the recorded bytes."""
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
        message = f"the bytes are the same, the end differs\n  expected  {expected.ending}\n  got       {got.ending}"
    if message is not None:
        raise AssertionError(f"{result.function} did not answer as recorded in {name}: {message}")


class _Chunk(NamedTuple):
    time: int
    data: bytes


class _Stream:
    """The chunks of a stream, and how it ended; None if its recording was cut."""

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

    def describe(self, number: int, around: int = 0) -> str:
        """Describe a chunk in one line, with its bytes around the offset `around`."""
        if number >= len(self.chunks):
            size = f"{pluralize(len(self.chunks), 'chunk')}, {pluralize(len(self.body), 'byte')}"
            return f"no chunks[{number}]: {size} in all"
        time, data = self.chunks[number]
        return f"chunks[{number}], {pluralize(len(data), 'byte')}, at {format_duration(time)}: {_cut(data, around)}"

    def chunk_at(self, offset: int) -> tuple[int, int]:
        """Return the number of the chunk that contains a byte of the body, and the byte's offset in the chunk."""
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
    is_same_body = expected.body == got.body
    hint = "\n  The bytes are the same, only the chunks differ: borders=False ignores that." if is_same_body else ""
    sides = (side.describe(number, around) for side in (expected, got))
    return _side_by_side(f"chunks[{number}] differs", *sides) + hint


def _difference_in_bytes(expected: _Stream, got: _Stream) -> str | None:
    one, other = expected.body, got.body
    if expected.ending is None:  # the recording was cut, so the rest is unknown
        other = other[: len(one)]
    if one == other:
        return None
    offset = _first_difference(one, other)
    sides = (side.describe(*side.chunk_at(offset)) for side in (expected, got))
    return _side_by_side(f"byte {offset} of the body differs", *sides)


def _side_by_side(what: str, expected: str, got: str) -> str:
    return f"{what}\n  expected  {expected}\n  got       {got}"


def _first_difference(one: bytes, other: bytes) -> int:
    shared = min(len(one), len(other))
    return next((at for at in range(shared) if one[at] != other[at]), shared)


def _cut(data: bytes, around: int = 0) -> str:
    """Return the bytes as text, shortened to those around the offset `around`."""
    start, end = max(0, around - CONTEXT_BYTES), around + CONTEXT_BYTES
    if len(data) <= 2 * CONTEXT_BYTES:
        start, end = 0, len(data)
    before, after = "..." if start else "", "..." if end < len(data) else ""
    return f"{before}{data[start:end]!r}{after}"
