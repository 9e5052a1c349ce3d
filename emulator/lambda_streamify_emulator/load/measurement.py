"""Reads a stream to its end, and measures it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ..errors import EndpointError
from ..recordings.recording import ERROR, HEAD
from ..recordings.timeline import Meter, Timeline
from .records import RecordCounter, content_type

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..recordings.distribution import Distribution
    from ..recordings.recording import Event

# How a stream ended. When the test ended, an unfinished one was still running, and one not started was already due.
OUTCOMES = COMPLETE, CUT, REFUSED, NO_ANSWER, UNFINISHED, NOT_STARTED = (
    "complete",
    "cut",
    "error status",
    "no answer",
    "unfinished",
    "not started",
)
WHITE_SPACE_LIMIT_BYTES = 64  # after the end of a body
FAILURES = (CUT, REFUSED, NO_ANSWER)


class Measurement(NamedTuple):
    """One measured stream. Times are whole microseconds since the request was due.

    `outcome` is "complete", "cut", "error status" or "no answer". `reason` says why a stream failed, and is empty if it
    did not. `timeline` has the figures of the stream, `gaps` all times between its chunks. `records` is how many events
    or lines it had, and `wait` how long after its time the request was sent.
    """

    outcome: str
    status: int | None
    reason: str
    timeline: Timeline
    gaps: Distribution
    records: int = 0
    wait: int = 0


def read(events: Iterable[Event], wait: int = 0, ends_with: bytes = b"") -> Measurement:
    """Read a stream to its end and measure it.

    The request was due `wait` microseconds before it was sent. A body that does not end with `ends_with`, apart from
    white space, was cut, even if the connection ended normally.
    """
    meter, status, reason, records = Meter(), None, "", RecordCounter("")
    end, kept = b"", len(ends_with) + WHITE_SPACE_LIMIT_BYTES

    def measured(outcome: str) -> Measurement:
        return Measurement(outcome, status, reason, later(meter.timeline(), wait), meter.gaps, records.count, wait)

    try:
        for event in events:
            chunk = meter.add(event)
            if chunk is not None:
                records.add(chunk)
                end = (end + chunk[-kept:])[-kept:]
            elif event.code == HEAD:
                status = event.data["status_code"]
                records = RecordCounter(content_type(event.data["headers"]))
            elif event.code == ERROR:
                reason = f"{event.data['type']}: {event.data['message']}"
    except EndpointError as error:
        reason = str(error)
        return measured(NO_ANSWER)
    if status is not None and status >= 400:
        reason = f"HTTP {status}"
        return measured(REFUSED)
    if not reason and not end.rstrip().endswith(ends_with.strip()):
        reason = f"the body does not end with {ends_with.decode('utf-8', 'backslashreplace')!r}"
    return measured(CUT if reason else COMPLETE)


def later(timeline: Timeline, wait: int) -> Timeline:
    """Return the timeline with its times counted from `wait` microseconds earlier."""

    def moved(time: int | None) -> int | None:
        return None if time is None else time + wait

    return replace(
        timeline,
        first_byte=moved(timeline.first_byte),
        first_body_byte=moved(timeline.first_body_byte),
        last_body_byte=moved(timeline.last_body_byte),
        total=timeline.total + wait,
    )
