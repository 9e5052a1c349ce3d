"""`streamify doctor`: finds out whether a response streamed, what buffered it, and what to do about it.

A recording of what the client read shows that chunks came in a burst, but not what buffered them. A recording of what
the runtime wrote for the same request shows whether it was the function or something behind it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.text import Text

from ..errors import EmulatorError
from ..recordings.recording_file import reading
from ..recordings.timeline import format_duration
from ..terminal import terminal
from . import advice
from .aws_client import streaming_version
from .symptoms import BURST_CHUNK_COUNT, BURST_FRACTION, Symptoms, examine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from ..recordings.recording import Event

# The headers of a browser: a server that compresses for browsers then compresses for this request too.
REQUEST_HEADERS = {"accept-encoding": "gzip, deflate, br", "accept": "*/*", "user-agent": "streamify doctor"}


@dataclass(frozen=True)
class Lag:
    """The delay between the runtime's writes and the client's reads, in microseconds, and how many chunks were held."""

    least: int
    most: int
    held: int  # chunks that the client read only when, or after, the next one was written
    compared: int  # chunks that a next one follows


@dataclass
class Diagnosis:
    """The result of an examination."""

    verdict: str
    findings: list[str]
    where: str | None = None  # what held the response back
    advice: list[str] = field(default_factory=list)

    @property
    def has_streamed(self) -> bool:
        """Whether the response was seen to stream."""
        return self.verdict == "streamed"


def measure_lag(written: Iterable[Event], read: Iterable[Event]) -> Lag | None:
    """Compare when the runtime wrote and the client read the same bytes. Return None if they share no chunk."""
    reads = _ends(read)
    read_end = read_time = 0
    least = most = None
    held = compared = 0
    previous: int | None = None  # when the client had read the previous chunk
    for end, time in _ends(written):
        if previous is not None:
            compared += 1
            held += previous >= time
        while read_end < end:
            following = next(reads, None)
            if following is None:
                return None if least is None or most is None else Lag(least, most, held, compared)
            read_end, read_time = following
        lag = read_time - time
        least, most = min(lag, lag if least is None else least), max(lag, lag if most is None else most)
        previous = read_time
    return None if least is None or most is None else Lag(least, most, held, compared)


def diagnose(near: Symptoms | None, far: Symptoms, lag: Lag | None = None) -> Diagnosis:
    """Combine what was seen at the client (`far`) and, if it was recorded, at the runtime (`near`)."""
    diagnosis = Diagnosis(far.verdict, [f"{far.layer}: {far.summary}"])
    if near is not None:
        diagnosis.findings.insert(0, f"{near.layer}: {near.summary}")
    if near is not None and lag is not None:
        diagnosis.findings.append(f"between the two: {format_duration(lag.least)} to {format_duration(lag.most)}")
    diagnosis.findings += [
        f"{seen.layer}: {seen.timeline.lost:,} more were not recorded" for seen in _incomplete(near, far)
    ]
    diagnosis.findings += _different_lengths(near, far)
    is_late = lag is not None and lag.compared >= BURST_CHUNK_COUNT and lag.held >= BURST_FRACTION * lag.compared
    if _has_failed(far):
        _explain_failure(diagnosis, far)
    elif "quick" in (far.verdict, near.verdict if near else ""):
        diagnosis.verdict = "quick"
    elif near is not None and near.verdict != "streamed":
        diagnosis.verdict = near.verdict
        diagnosis.where = "in the function: the runtime itself wrote it this way"
        diagnosis.advice = advice.in_function(near)
    elif is_late and far.verdict == "streamed":
        diagnosis.verdict = "late"
        diagnosis.where = "between the runtime and the client: each chunk arrived only with the next one"
        diagnosis.advice = [*advice.on_the_way(far), advice.FLUSH_EACH_RECORD]
    elif far.verdict != "streamed" and near is not None:
        diagnosis.where = "between the runtime and the client"
        diagnosis.advice = advice.on_the_way(far)
    elif far.verdict != "streamed":
        diagnosis.advice = _advice_without_a_second_recording(far)
    elif far.block_size is not None:
        diagnosis.advice = advice.blocks(far.block_size)
    return diagnosis


def _advice_without_a_second_recording(far: Symptoms) -> list[str]:
    if far.layer != "client":
        return advice.in_function(far)
    if advice.is_error(far):
        return advice.on_the_way(far)
    return [*advice.on_the_way(far), *advice.in_function(far), advice.RECORD_BOTH_LAYERS]


def _has_failed(far: Symptoms) -> bool:
    return far.envelope is not None or far.silence_before_cut is not None


def _explain_failure(diagnosis: Diagnosis, far: Symptoms) -> None:
    """Complete the diagnosis of a response that the client did not get as it was meant, however its chunks came."""
    if far.envelope is not None:
        diagnosis.verdict = "envelope"
        diagnosis.where = "by two settings that do not fit: what the function sends, and what its URL or API reads"
        diagnosis.advice = advice.on_envelope(far.envelope)
    else:
        silence = format_duration(far.silence_before_cut)
        diagnosis.verdict = "cut"
        diagnosis.findings.append(f"{far.layer}: the connection broke {silence} after the last byte")
        diagnosis.advice = advice.on_cut(far)


def show(response: Iterable[Event], *, as_json: bool) -> bool:
    """Examine a response that a client reads; print the diagnosis. Return whether it streamed."""
    return _print(None, examine("client", response), None, as_json=as_json)


def show_recordings(path: Path, other: Path | None, *, as_json: bool) -> bool:
    """Examine a recording, or two of one request; print the diagnosis. Return whether it streamed."""
    return _print(*_examine_files([path] if other is None else [path, other]), as_json=as_json)


def _print(near: Symptoms | None, far: Symptoms, lag: Lag | None, *, as_json: bool) -> bool:
    diagnosis = diagnose(near, far, lag)
    if version := streaming_version():
        diagnosis.findings.append(
            f"awslambdaric {version} can stream: functions may not need lambda_streamify any more"
        )
    if as_json:
        print(json.dumps(_fields(diagnosis, near, far, lag), ensure_ascii=False))  # noqa: T201
    else:
        for line in lines_of(diagnosis):
            terminal.OUT.print(Text(line))
    return diagnosis.has_streamed


def _examine_files(paths: Sequence[Path]) -> tuple[Symptoms | None, Symptoms, Lag | None]:
    seen = {}
    for path in paths:
        with reading(path) as reader:
            layer = reader.header.layer
            if layer in seen:
                raise EmulatorError(f"{paths[0]} and {path} are both of the layer {layer}: give one of each layer")
            seen[layer] = (examine(layer, reader), path)
    if len(seen) == 1:
        ((symptoms, _),) = seen.values()
        return None, symptoms, None
    order = [layer for layer in ("yield", "runtime-api", "client") if layer in seen]
    (near, near_path), (far, far_path) = (seen[layer] for layer in order)
    with reading(near_path) as written, reading(far_path) as read:
        return near, far, measure_lag(written, read)


def _incomplete(*layers: Symptoms | None) -> list[Symptoms]:
    return [seen for seen in layers if seen is not None and seen.timeline.lost]


def _different_lengths(near: Symptoms | None, far: Symptoms) -> list[str]:
    if near is None or near.timeline.bytes == far.timeline.bytes:
        return []
    sizes = f"{near.timeline.bytes:,} and {far.timeline.bytes:,} bytes"
    return [f"the two differ in length, {sizes}: do they record the same request?"]


def _ends(events: Iterable[Event]) -> Iterator[tuple[int, int]]:
    """Yield where each chunk ends, in bytes from the start of the stream, and its time."""
    end = 0
    for event in events:
        if chunk := event.chunk:
            end += len(chunk)
            yield end, event.time


def _fields(diagnosis: Diagnosis, near: Symptoms | None, far: Symptoms, lag: Lag | None) -> dict[str, Any]:
    layers = [seen for seen in (near, far) if seen is not None]
    return {
        "verdict": diagnosis.verdict,
        "findings": diagnosis.findings,
        "where": diagnosis.where,
        "advice": diagnosis.advice,
        "lag": None if lag is None else {"least": lag.least, "most": lag.most},
        "layers": {seen.layer: {**seen.timeline.as_dict(), "bursts": seen.bursts} for seen in layers},
    }


def lines_of(diagnosis: Diagnosis) -> list[str]:
    """Return the diagnosis in words, for a terminal."""
    lines = [_WORDS[diagnosis.verdict], *(f"  {finding}" for finding in diagnosis.findings)]
    if diagnosis.where:
        lines.append(f"{'caused' if diagnosis.verdict == 'envelope' else 'held'} {diagnosis.where}")
    if diagnosis.advice:
        lines += ["what to check:", *(f"  * {text}" for text in diagnosis.advice)]
    return lines


_WORDS = {
    "envelope": "The body is the envelope of a response: status, headers and body, which nothing unwrapped.",
    "streamed": "It streamed.",
    "burst": "It did not stream: it came in one burst.",
    "quick": "It ended too soon to tell whether it streamed.",
    "piece": "It was not seen to stream: it came in one piece.",
    "late": "It streamed late: each chunk waited for the next one.",
    "nothing": "Nothing came.",
    "cut": "It was cut off: the connection broke before the end of the response.",
}
