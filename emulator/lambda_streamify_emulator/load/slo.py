"""Limits for the times of a stream, given by the user: `ttfb=500ms,gap=200ms`. A stream within all of them is good."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import LoadError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..recordings.timeline import Timeline

NAMES = TTFB, GAP, TOTAL = "ttfb", "gap", "total"
_UNITS_US = {"us": 1, "ms": 1000, "s": 1_000_000}
_LIMIT = re.compile(r"(?P<name>\w+)\s*=\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>us|ms|s)")


@dataclass(frozen=True)
class Slo:
    """Service level objectives: for each name the longest time in microseconds that is good."""

    text: str
    limits: Mapping[str, int]

    def missed(self, timeline: Timeline) -> list[str]:
        """Return the names of the limits that a complete stream has exceeded."""
        times = {
            TTFB: timeline.first_byte,
            GAP: timeline.gaps.max if timeline.gaps else None,
            TOTAL: timeline.total,
        }
        return [name for name, limit in self.limits.items() if (times[name] or 0) > limit]


def parse_slo(text: str) -> Slo:
    """Read `ttfb=500ms,gap=200ms`. The names are ttfb, gap and total, the units us, ms and s.

    `ttfb` is the time to first byte, `gap` the longest time between two chunks, `total` the time to the end. Raises
    LoadError if the text is not of this form.
    """
    limits: dict[str, int] = {}
    for part in text.split(","):
        found = _LIMIT.fullmatch(part.strip())
        if found is None or found["name"] not in NAMES:
            raise LoadError(
                f"the limit {part.strip()!r}: write ttfb, gap or total with a time, as in ttfb=500ms,gap=0.2s"
            )
        if found["name"] in limits:
            raise LoadError(f"the limits {text!r} name {found['name']} twice: leave one out")
        limits[found["name"]] = round(float(found["number"]) * _UNITS_US[found["unit"]])
    return Slo(text, limits)
