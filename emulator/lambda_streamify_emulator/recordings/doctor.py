"""`streamify doctor`: whether a response streamed or came in one burst, where it was held, and what to do about it.

A recording of what the client read shows that chunks came together, not where they were held. One of what the runtime
wrote, of the same request, tells the function from everything behind it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.text import Text

from ..commands import terminal
from ..commands.url_client import ask, is_url
from ..errors import EmulatorError
from . import advice
from .recording import HEAD
from .recording_file import reading
from .timeline import Meter, Timeline, in_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from .recording import Event

# Microseconds. What comes closer together than this, comes together: a burst seen by a user had 11 chunks in 35.
TOGETHER = 2_000
# A burst has this share of the chunks, and at least so many.
MOST, SEVERAL = 0.8, 3
# What is over so soon after the request can have been held no longer than that.
QUICK = 50_000
# What programs read or write at a time, in bytes; botocore's StreamingBody is the 1,024.
BLOCKS = (65_536, 32_768, 16_384, 8_192, 4_096, 1_024)

# What browsers send: a server that would compress for them does so for this.
REQUEST_HEADERS = {"accept-encoding": "gzip, deflate, br", "accept": "*/*", "user-agent": "streamify doctor"}


@dataclass
class Symptoms:
    """How the chunks of one stream came. A lump is what came together."""

    layer: str
    timeline: Timeline
    lumps: int = 0
    most: int = 0  # chunks in the largest lump
    most_from: int = 0  # its beginning and end, microseconds
    most_to: int = 0
    block: int | None = None  # bytes, of which each lump but the last has a multiple
    head: dict[str, Any] | None = None

    @property
    def verdict(self) -> str:
        """One word: `nothing`, `piece`, `quick`, `burst` or `streamed`."""
        chunks = self.timeline.chunks
        if not self.timeline.bytes:
            return "nothing"
        if chunks == 1:
            return "piece"
        whole = self.lumps == 1 or (self.most >= SEVERAL and self.most >= MOST * chunks)
        if whole and (self.timeline.last_body_byte or 0) < QUICK:
            return "quick"
        return "burst" if whole else "streamed"

    @property
    def said(self) -> str:
        """The same in a sentence, with its figures."""
        timeline = self.timeline
        if self.verdict == "nothing":
            return f"no byte of a body came in {in_words(timeline.total)}"
        if self.verdict == "piece":
            return f"{timeline.bytes:,} bytes came in one piece, after {in_words(timeline.first_body_byte)}"
        if self.verdict in ("burst", "quick"):
            span, wait = in_words(self.most_to - self.most_from), in_words(self.most_from)
            return f"{self.most:,} of {timeline.chunks:,} chunks came within {span}, {wait} after the request"
        assert timeline.gaps is not None
        times = f"the first after {in_words(timeline.first_body_byte)}, the gap p50 {in_words(timeline.gaps.p50)}"
        said = f"{timeline.chunks:,} chunks came at {self.lumps:,} different times, {times}"
        return said if self.block is None else f"{said}; always a multiple of {self.block:,} bytes"


@dataclass(frozen=True)
class Lag:
    """How much later the client had what the runtime wrote, in microseconds, and how often a chunk waited."""

    least: int
    most: int
    held: int  # chunks that came only when, or after, the next one was written
    compared: int  # chunks of which that can be said


@dataclass
class Diagnosis:
    """What is to be told."""

    verdict: str
    said: list[str]
    where: str | None = None
    advice: list[str] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        """Whether it was seen to stream."""
        return self.verdict == "streamed"


def examine(layer: str, events: Iterable[Event]) -> Symptoms:
    """See how the chunks of a stream came."""
    meter, lumps = Meter(), _Lumps()
    head = None
    for event in events:
        chunk = meter.add(event)
        if chunk:
            lumps.add(event.time, len(chunk))
        elif event.code == HEAD and head is None:
            head = event.data
    lumps.finish()
    return Symptoms(layer, meter.timeline(), lumps.count, *lumps.largest, lumps.block, head)


def measure_lag(written: Iterable[Event], read: Iterable[Event]) -> Lag | None:
    """Compare when the runtime wrote and the client had the same bytes. None if there are none."""
    reads = _ends(read)
    got_to = got_at = 0
    least = most = None
    held = compared = 0
    before: int | None = None  # when the client had the chunk before
    for end, time in _ends(written):
        if before is not None:
            compared += 1
            held += before >= time
        while got_to < end:
            following = next(reads, None)
            if following is None:
                return None if least is None or most is None else Lag(least, most, held, compared)
            got_to, got_at = following
        lag = got_at - time
        least, most = min(lag, lag if least is None else least), max(lag, lag if most is None else most)
        before = got_at
    return None if least is None or most is None else Lag(least, most, held, compared)


def diagnose(near: Symptoms | None, far: Symptoms, lag: Lag | None = None) -> Diagnosis:
    """Put together what was seen at the client (`far`) and, if there is a recording of it, where the runtime wrote."""
    found = Diagnosis(far.verdict, [f"{far.layer}: {far.said}"])
    if near is not None:
        found.said.insert(0, f"{near.layer}: {near.said}")
    if near is not None and lag is not None:
        found.said.append(f"from the one to the other: {in_words(lag.least)} to {in_words(lag.most)}")
    found.said += [f"{seen.layer}: {seen.timeline.lost:,} more were not recorded" for seen in _lossy(near, far)]
    if near is not None and near.timeline.bytes != far.timeline.bytes:
        sizes = f"{near.timeline.bytes:,} and {far.timeline.bytes:,} bytes"
        found.said.append(f"the two have not the same length, {sizes}: are they of one request?")
    waits = lag is not None and lag.compared >= SEVERAL and lag.held >= MOST * lag.compared
    if "quick" in (far.verdict, near.verdict if near else ""):
        found.verdict = "quick"
    elif near is not None and near.verdict != "streamed":
        found.verdict = near.verdict
        found.where = "in the function: the runtime wrote it so"
        found.advice = advice.in_function(near)
    elif waits and far.verdict == "streamed":
        found.verdict = "late"
        found.where = "between the runtime and the client: each chunk came only with the next one"
        found.advice = [*advice.on_the_way(far), advice.PUSH]
    elif far.verdict != "streamed" and near is not None:
        found.where = "between the runtime and the client"
        found.advice = advice.on_the_way(far)
    elif far.verdict != "streamed":
        on_the_way = advice.on_the_way(far) if far.layer == "client" else []
        found.advice = [*on_the_way, *advice.in_function(far), *([advice.BOTH] if on_the_way else [])]
    elif far.block is not None:
        found.advice = advice.blocks(far.block)
    return found


def show(target: str, other: Path | None, *, as_json: bool) -> bool:
    """Examine a recording, two of one request, or a URL; print the diagnosis. Returns whether it was seen to stream."""
    if is_url(target):
        if other is not None:
            raise EmulatorError(f"{target} and {other}: a URL is examined alone")
        near, far, lag = None, examine("client", ask(target, headers=REQUEST_HEADERS)), None
    elif not os.path.lexists(target):
        raise EmulatorError(f"{target}: there is no such recording; a URL begins with http:// or https://")
    else:
        near, far, lag = _examine_files([target] if other is None else [target, str(other)])
    found = diagnose(near, far, lag)
    if as_json:
        print(json.dumps(_fields(found, near, far, lag), ensure_ascii=False))  # noqa: T201
    else:
        for line in _lines(found):
            terminal.OUT.print(Text(line))
    return found.is_well


def _examine_files(paths: Sequence[str]) -> tuple[Symptoms | None, Symptoms, Lag | None]:
    seen = {}
    for path in paths:
        with reading(path) as reader:
            layer = reader.header.layer
            if layer in seen:
                raise EmulatorError(f"{paths[0]} and {path} are both of the layer {layer}: choose one of each")
            seen[layer] = (examine(layer, reader), path)
    if len(seen) == 1:
        ((symptoms, _),) = seen.values()
        return None, symptoms, None
    order = [layer for layer in ("yield", "runtime-api", "client") if layer in seen]
    (near, near_path), (far, far_path) = (seen[layer] for layer in order)
    with reading(near_path) as written, reading(far_path) as read:
        return near, far, measure_lag(written, read)


def _lossy(*layers: Symptoms | None) -> list[Symptoms]:
    return [seen for seen in layers if seen is not None and seen.timeline.lost]


class _Lumps:
    """Takes the arrivals of a stream; what comes less than TOGETHER after the one before is one lump with it."""

    def __init__(self) -> None:
        self.count = 0
        self.largest = (0, 0, 0)  # chunks, first time, last time
        self._chunks = self._bytes = self._from = self._to = 0
        self._blocks = set(BLOCKS)

    def add(self, time: int, size: int) -> None:
        if self._chunks and time - self._to < TOGETHER:
            self._chunks, self._bytes, self._to = self._chunks + 1, self._bytes + size, time
            return
        if self._chunks:
            self._blocks = {block for block in self._blocks if self._bytes % block == 0}
        self.finish()
        self._chunks, self._bytes, self._from, self._to = 1, size, time, time

    def finish(self) -> None:
        if self._chunks:
            self.count += 1
            self.largest = max(self.largest, (self._chunks, self._from, self._to), key=lambda lump: lump[0])

    @property
    def block(self) -> int | None:
        return max(self._blocks, default=None) if self.count > SEVERAL else None


def _ends(events: Iterable[Event]) -> Iterator[tuple[int, int]]:
    """The end of each chunk, in bytes of the stream, and its time."""
    end = 0
    for event in events:
        if chunk := event.chunk:
            end += len(chunk)
            yield end, event.time


def _fields(found: Diagnosis, near: Symptoms | None, far: Symptoms, lag: Lag | None) -> dict[str, Any]:
    layers = [seen for seen in (near, far) if seen is not None]
    return {
        "verdict": found.verdict,
        "said": found.said,
        "where": found.where,
        "advice": found.advice,
        "lag": None if lag is None else {"least": lag.least, "most": lag.most},
        "layers": {seen.layer: {**seen.timeline.as_dict(), "lumps": seen.lumps} for seen in layers},
    }


def _lines(found: Diagnosis) -> list[str]:
    lines = [_WORDS[found.verdict], *(f"  {said}" for said in found.said)]
    if found.where:
        lines.append(f"held {found.where}")
    if found.advice:
        lines += ["what to look at:", *(f"  * {text}" for text in found.advice)]
    return lines


_WORDS = {
    "streamed": "It streamed.",
    "burst": "It did not stream: it came in one burst.",
    "quick": "It was over too soon to tell whether it streamed.",
    "piece": "It was not seen to stream: it came in one piece.",
    "late": "It streamed late: each chunk waited for the next one.",
    "nothing": "Nothing came.",
}
