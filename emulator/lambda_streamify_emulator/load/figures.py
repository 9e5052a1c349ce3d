"""The figures of a load test: how each stream ended, and percentiles of the times of complete streams."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import EndpointError
from ..recordings.distribution import Distribution
from ..recordings.recording import ERROR, HEAD
from ..recordings.timeline import Meter, Timeline

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..recordings.recording import Event

# How a stream ended. An unfinished one was still running when the test ended.
OUTCOMES = COMPLETE, CUT, REFUSED, NO_ANSWER, UNFINISHED = "complete", "cut", "error status", "no answer", "unfinished"
FAILURES = (CUT, REFUSED, NO_ANSWER)
MEASURES = ("first byte", "gap", "largest gap", "whole stream", "chunks")
PERCENTS = (50, 95, 99)
REASON_LIMIT = 10  # failures with further reasons are counted together


class Measurement(NamedTuple):
    """One measured stream. `reason` says why it failed, and is empty if it did not."""

    outcome: str
    status: int | None
    reason: str
    timeline: Timeline
    gaps: Distribution


def read(events: Iterable[Event]) -> Measurement:
    """Read a stream to its end and measure it."""
    meter, status, reason = Meter(), None, ""
    try:
        for event in events:
            meter.add(event)
            if event.code == HEAD:
                status = event.data["status_code"]
            elif event.code == ERROR:
                reason = f"{event.data['type']}: {event.data['message']}"
    except EndpointError as error:
        return Measurement(NO_ANSWER, None, str(error), meter.timeline(), meter.gaps)
    if status is not None and status >= 400:
        return Measurement(REFUSED, status, f"HTTP {status}", meter.timeline(), meter.gaps)
    return Measurement(CUT if reason else COMPLETE, status, reason, meter.timeline(), meter.gaps)


class LoadFigures:
    """Collects the measurements of all streams. It keeps only counts, so a test may be long."""

    def __init__(self) -> None:
        self._outcomes: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._bytes = 0
        self._measures = {name: Distribution() for name in MEASURES}

    def add(self, measurement: Measurement) -> None:
        """Add a stream that has ended. Only complete streams add times: errors are quick, and cut streams short."""
        outcome, status, reason, timeline, gaps = measurement
        self._outcomes[outcome] += 1
        self._bytes += timeline.bytes
        if status is not None:
            self._statuses[str(status)] += 1
        if reason:
            is_separate = reason in self._reasons or len(self._reasons) < REASON_LIMIT
            self._reasons[reason if is_separate else "others"] += 1
        if outcome != COMPLETE:
            return
        self._measures["gap"].add_all(gaps)
        figures = {
            "first byte": timeline.first_byte,
            "largest gap": gaps.max if gaps.count else None,
            "whole stream": timeline.total,
            "chunks": timeline.chunks,
        }
        for name, value in figures.items():
            if value is not None:
                self._measures[name].add(value)

    def add_unfinished(self) -> None:
        """Count a stream that was not read to its end, because the test is over."""
        self._outcomes[UNFINISHED] += 1

    def as_dict(self, seconds: float) -> dict[str, Any]:
        """Return the figures after `seconds` for JSON. Times are in microseconds; a measure without values is None."""
        streams = sum(self._outcomes.values())
        return {
            "seconds": round(seconds, 3),
            "streams": streams,
            "streams_per_second": round(streams / seconds, 3) if seconds else 0.0,
            "bytes": self._bytes,
            "outcomes": {outcome: self._outcomes[outcome] for outcome in OUTCOMES},
            "statuses": dict(sorted(self._statuses.items())),
            "failures": dict(self._reasons.most_common()),
            **{name.replace(" ", "_"): _spread(values) for name, values in self._measures.items()},
        }


def _spread(values: Distribution) -> dict[str, int] | None:
    if not values.count:
        return None
    spread = zip(PERCENTS, values.percentiles(*PERCENTS), strict=True)
    return {**{f"p{percent}": value for percent, value in spread}, "max": values.max}
