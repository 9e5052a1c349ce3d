"""The figures of a load test: how each stream ended, and percentiles of the times of complete streams."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ..recordings.distribution import Distribution
from .measurement import COMPLETE, NOT_STARTED, OUTCOMES, UNFINISHED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..recordings.timeline import Timeline
    from .measurement import Measurement
    from .slo import Slo

TIMES = ("first byte", "gap", "largest gap", "whole stream", "chunks", "wait", "client lag")
RATES = ("stream chunks per second", "stream records per second")  # kept in thousandths
PERCENTS = (50, 95, 99)
RATE_PERCENTS = (50, 5, 1)  # the slow streams are what matters
REASON_LIMIT = 10  # failures with further reasons are counted together
# How late the client itself may be. Tokens often come 20 ms apart: a client that is later than that measures itself.
LAG_LIMIT_US = 20_000
_COUNTERS = ("outcomes", "statuses", "reasons", "missed", "totals", "objectives")


class LoadFigures:
    """Collects the measurements of all streams. It keeps only counts, so a test may be long."""

    def __init__(self) -> None:
        self._counters: dict[str, Counter[str]] = {name: Counter() for name in _COUNTERS}
        self._measures = {name: Distribution() for name in TIMES + RATES}

    def add(self, measurement: Measurement, slo: Slo | None = None) -> None:
        """Add a stream that has ended. Only complete streams add times: errors are quick, and cut streams short."""
        timeline = measurement.timeline
        self._count_outcome(measurement)
        if slo is not None:
            self._judge(measurement, slo)
        if measurement.outcome != COMPLETE:
            return
        self._measures["gap"].add_all(measurement.gaps)
        values = {
            "first byte": timeline.first_byte,
            "largest gap": measurement.gaps.max if measurement.gaps.count else None,
            "whole stream": timeline.total,
            "chunks": timeline.chunks,
            "stream chunks per second": pace(timeline, timeline.chunks),
            "stream records per second": pace(timeline, measurement.records),
        }
        for name, value in values.items():
            if value is not None:
                self._measures[name].add(value)

    def add_wait(self, wait: int) -> None:
        """Add how many microseconds after its time a request was sent."""
        self._measures["wait"].add(wait)

    def add_lag(self, lag: int) -> None:
        """Add how many microseconds late the client was."""
        self._measures["client lag"].add(lag)

    def add_unfinished(self) -> None:
        """Count a stream that was not read to its end, because the test is over."""
        self._counters["outcomes"][UNFINISHED] += 1

    def add_not_started(self, number: int) -> None:
        """Count requests that were due but not sent before the test was over."""
        self._counters["outcomes"][NOT_STARTED] += number

    def state(self) -> dict[str, Any]:
        """Return everything in a form for JSON or msgpack, for `merge` in another process."""
        return {
            "counters": {name: dict(counter) for name, counter in self._counters.items()},
            "measures": {name: values.state() for name, values in self._measures.items() if values.count},
        }

    def merge(self, state: Mapping[str, Any]) -> None:
        """Add everything that another LoadFigures has collected, given its `state()`."""
        for name, counter in state["counters"].items():
            self._counters[name].update(counter)
        for name, values in state["measures"].items():
            self._measures[name].add_all(Distribution.of(values))

    def as_dict(self, seconds: float) -> dict[str, Any]:
        """Return the figures after `seconds` for JSON. Times are in microseconds; a measure without values is None."""
        outcomes, totals = self._counters["outcomes"], self._counters["totals"]
        streams = sum(outcomes.values()) - outcomes[NOT_STARTED]
        lag = _spread(self._measures["client lag"])
        return {
            "seconds": round(seconds, 3),
            "streams": streams,
            "streams_per_second": _per_second(streams, seconds),
            "chunks_per_second": _per_second(totals["chunks"], seconds),
            "records_per_second": _per_second(totals["records"], seconds),
            "bytes": totals["bytes"],
            "outcomes": {outcome: outcomes[outcome] for outcome in OUTCOMES},
            "statuses": dict(sorted(self._counters["statuses"].items())),
            "failures": dict(self._counters["reasons"].most_common()),
            "goodput": self._goodput(seconds),
            "trusted": lag is None or lag["p99"] <= LAG_LIMIT_US,
            **{name.replace(" ", "_"): _spread(self._measures[name]) for name in TIMES},
            **{name.replace(" ", "_"): _rates(self._measures[name]) for name in RATES},
        }

    def _count_outcome(self, measurement: Measurement) -> None:
        outcome, status, reason, timeline, *_ = measurement
        reasons = self._counters["reasons"]
        self._counters["outcomes"][outcome] += 1
        self._counters["totals"].update(bytes=timeline.bytes, chunks=timeline.chunks, records=measurement.records)
        if status is not None:
            self._counters["statuses"][str(status)] += 1
        if reason:
            reasons[reason if reason in reasons or len(reasons) < REASON_LIMIT else "others"] += 1

    def _judge(self, measurement: Measurement, slo: Slo) -> None:
        self._counters["objectives"][slo.text] += 1
        if measurement.outcome != COMPLETE:
            return
        missed = slo.missed(measurement.timeline)
        self._counters["missed"].update(missed)
        self._counters["totals"]["good"] += not missed

    def _goodput(self, seconds: float) -> dict[str, Any] | None:
        objectives = self._counters["objectives"]
        if not objectives:
            return None
        good = self._counters["totals"]["good"]
        judged = sum(objectives.values()) + self._counters["outcomes"][NOT_STARTED]
        return {
            "slo": "; ".join(objectives),
            "good": good,
            "streams": judged,
            "good_per_second": _per_second(good, seconds),
            "missed": dict(self._counters["missed"]),
        }


def pace(timeline: Timeline, pieces: int) -> int | None:
    """Return in thousandths how many pieces a second came after the first, or None if that cannot be said."""
    if pieces < 2 or timeline.first_body_byte is None or timeline.last_body_byte is None:
        return None
    duration = timeline.last_body_byte - timeline.first_body_byte
    return round((pieces - 1) * 1_000_000_000 / duration) if duration else None


def _per_second(number: int, seconds: float) -> float:
    return round(number / seconds, 3) if seconds else 0.0


def _spread(values: Distribution) -> dict[str, int] | None:
    if not values.count:
        return None
    return {**_percentiles(values, PERCENTS), "max": values.max}


def _rates(values: Distribution) -> dict[str, float] | None:
    if not values.count:
        return None
    found = {**_percentiles(values, RATE_PERCENTS), "min": values.percentiles(0)[0]}
    return {name: value / 1000 for name, value in found.items()}


def _percentiles(values: Distribution, percents: tuple[int, ...]) -> dict[str, int]:
    in_order = sorted(percents)
    found = dict(zip(in_order, values.percentiles(*in_order), strict=True))
    return {f"p{percent}": found[percent] for percent in percents}
