"""Classifies how the chunks of one stream arrived: one by one, in a burst, or all at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..recordings.recording import HEAD
from ..recordings.timeline import Meter, Timeline, format_duration
from .envelope import EnvelopeCheck

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..recordings.recording import Event

# Chunks with smaller gaps than this belong to one burst: a burst that a user saw had 11 chunks in 35 microseconds.
BURST_GAP_US = 2_000
# A stream came in one burst if the largest burst has at least this fraction and at least this number of its chunks.
BURST_FRACTION, BURST_CHUNK_COUNT = 0.8, 3
# A response that ends sooner is too quick to judge: nothing can have held it longer than this.
QUICK_LIMIT_US = 50_000
# The usual sizes of reads and writes, in bytes; botocore's StreamingBody reads 1,024.
BLOCK_SIZES = (65_536, 32_768, 16_384, 8_192, 4_096, 1_024)


@dataclass
class Symptoms:
    """How the chunks of one stream arrived. A burst is a chunk, or several with almost no time between them."""

    layer: str
    timeline: Timeline
    bursts: int = 0
    largest: int = 0  # chunks in the largest burst
    largest_start: int = 0  # microseconds
    largest_end: int = 0
    block_size: int | None = None  # the size of each burst except the last is a multiple of this
    head: dict[str, Any] | None = None
    envelope: str | None = None
    """The form of the envelope that an HTTP client got as the body; None if there is none."""

    @property
    def verdict(self) -> str:
        """One word: `nothing`, `piece`, `quick`, `burst` or `streamed`."""
        chunks = self.timeline.chunks
        if not self.timeline.bytes:
            return "nothing"
        if chunks == 1:
            return "piece"
        is_large = self.largest >= BURST_CHUNK_COUNT and self.largest >= BURST_FRACTION * chunks
        is_burst = self.bursts == 1 or is_large
        if is_burst and (self.timeline.last_body_byte or 0) < QUICK_LIMIT_US:
            return "quick"
        return "burst" if is_burst else "streamed"

    @property
    def silence_before_cut(self) -> int | None:
        """The time between the last byte and the end of a connection that broke, in microseconds; None if none did."""
        timeline = self.timeline
        if self.layer != "client" or timeline.reason != "disconnect" or timeline.error is None:
            return None
        return timeline.total - (timeline.last_body_byte or timeline.first_byte or 0)

    @property
    def summary(self) -> str:
        """The verdict as a sentence, with its figures."""
        timeline = self.timeline
        if self.verdict == "nothing":
            return f"no byte of a body came in {format_duration(timeline.total)}"
        if self.verdict == "piece":
            return f"{timeline.bytes:,} bytes came in one piece, after {format_duration(timeline.first_body_byte)}"
        if self.verdict in ("burst", "quick"):
            span = format_duration(self.largest_end - self.largest_start)
            wait = format_duration(self.largest_start)
            return f"{self.largest:,} of {timeline.chunks:,} chunks came within {span}, {wait} after the request"
        assert timeline.gaps is not None
        first, gap = format_duration(timeline.first_body_byte), format_duration(timeline.gaps.p50)
        times = f"the first after {first}, the gap p50 {gap}"
        text = f"{timeline.chunks:,} chunks came at {self.bursts:,} different times, {times}"
        return text if self.block_size is None else f"{text}; always a multiple of {self.block_size:,} bytes"


def examine(layer: str, events: Iterable[Event]) -> Symptoms:
    """Read a stream and return how its chunks arrived."""
    meter, bursts, envelope = Meter(), _Bursts(), EnvelopeCheck()
    head = None
    for event in events:
        chunk = meter.add(event)
        if chunk:
            bursts.add(event.time, len(chunk))
            envelope.add(chunk)
        elif event.code == HEAD and head is None:
            head = event.data
    bursts.finish()
    # The runtime, and a caller that is no HTTP client, have no head: to them the envelope is the response.
    form = envelope.form if layer == "client" and head is not None else None
    return Symptoms(layer, meter.timeline(), bursts.count, *bursts.largest, bursts.block_size, head, form)


class _Bursts:
    """Groups chunks into bursts. A chunk that follows another one within BURST_GAP_US belongs to the same burst."""

    def __init__(self) -> None:
        self.count = 0
        self.largest = (0, 0, 0)  # chunks, first time, last time
        self._chunks = self._bytes = self._start = self._end = 0
        self._block_sizes = set(BLOCK_SIZES)

    def add(self, time: int, size: int) -> None:
        if self._chunks and time - self._end < BURST_GAP_US:
            self._chunks, self._bytes, self._end = self._chunks + 1, self._bytes + size, time
            return
        if self._chunks:
            self._block_sizes = {block for block in self._block_sizes if self._bytes % block == 0}
        self.finish()
        self._chunks, self._bytes, self._start, self._end = 1, size, time, time

    def finish(self) -> None:
        if self._chunks:
            self.count += 1
            self.largest = max(self.largest, (self._chunks, self._start, self._end), key=lambda burst: burst[0])

    @property
    def block_size(self) -> int | None:
        return max(self._block_sizes, default=None) if self.count > BURST_CHUNK_COUNT else None
