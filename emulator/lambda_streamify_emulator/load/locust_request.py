"""Reports streams to Locust, for its statistics, its page and its report."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .measurement import Measurement

MILLISECOND_US = 1000


class StreamFailed(Exception):
    """Reports an incomplete stream to Locust."""


def report_to_locust(fire: Callable[..., None], name: str, measurement: Measurement) -> None:
    """Report a stream to Locust's statistics and to all other listeners: each of its times as a separate request."""
    timeline = measurement.timeline
    times = {"first byte": timeline.first_byte, "largest gap": None if timeline.gaps is None else timeline.gaps.max}
    for kind, microseconds in times.items():
        if microseconds is not None:
            fire(
                request_type=kind,
                name=name,
                response_time=microseconds / MILLISECOND_US,
                response_length=0,
                context={},
            )
    fire(
        request_type="stream",
        name=name,
        response_time=timeline.total / MILLISECOND_US,
        response_length=timeline.bytes,
        exception=StreamFailed(measurement.reason) if measurement.reason else None,
        context={"measurement": measurement},
    )
