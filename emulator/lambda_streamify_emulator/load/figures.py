"""What a load test sees: how each stream ended, and how the times of all that were complete are spread."""

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

# How a stream ended. Of the last kind the end was not waited for: the test was over.
OUTCOMES = COMPLETE, CUT, REFUSED, NO_ANSWER, UNFINISHED = "complete", "cut", "error status", "no answer", "unfinished"
FAILURES = (CUT, REFUSED, NO_ANSWER)
MEASURES = ("first byte", "gap", "largest gap", "whole stream", "chunks")
PERCENTS = (50, 95, 99)
REASONS = 10  # texts of failures that are told apart


class Seen(NamedTuple):
    """One stream. `reason` says why it failed, and is empty if it did not."""

    outcome: str
    status: int | None
    reason: str
    timeline: Timeline
    gaps: Distribution


def read(events: Iterable[Event]) -> Seen:
    """Read a stream to its end."""
    meter, status, reason = Meter(), None, ""
    try:
        for event in events:
            meter.add(event)
            if event.code == HEAD:
                status = event.data["status_code"]
            elif event.code == ERROR:
                reason = f"{event.data['type']}: {event.data['message']}"
    except EndpointError as error:
        return Seen(NO_ANSWER, None, str(error), meter.timeline(), meter.gaps)
    if status is not None and status >= 400:
        return Seen(REFUSED, status, f"HTTP {status}", meter.timeline(), meter.gaps)
    return Seen(CUT if reason else COMPLETE, status, reason, meter.timeline(), meter.gaps)


class LoadFigures:
    """Takes what became of each stream. It keeps counts only, so a test may be long."""

    def __init__(self) -> None:
        self._outcomes: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._bytes = 0
        self._measures = {name: Distribution() for name in MEASURES}

    def add(self, seen: Seen) -> None:
        """A stream has ended. The times of one that failed say nothing: an error is quick, and what is cut is short."""
        outcome, status, reason, timeline, gaps = seen
        self._outcomes[outcome] += 1
        self._bytes += timeline.bytes
        if status is not None:
            self._statuses[str(status)] += 1
        if reason:
            known = reason in self._reasons or len(self._reasons) < REASONS
            self._reasons[reason if known else "others"] += 1
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

    def leave(self) -> None:
        """A stream is not read to its end, because the test is over."""
        self._outcomes[UNFINISHED] += 1

    def as_dict(self, seconds: float) -> dict[str, Any]:
        """For JSON, after so many seconds. Times are microseconds; a measure that no stream had is None."""
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
