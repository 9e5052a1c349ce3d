"""Percentiles of any number of values in bounded memory: values are rounded to four digits and counted."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SIGNIFICANT_DIGITS = 4  # which makes a percentile exact to 0.05 %


class Distribution:
    """A collection of whole numbers, such as microseconds. Percentiles use the nearest rank, and are at most `max`."""

    def __init__(self) -> None:
        self.count = 0
        self.max = 0
        self._counts: Counter[int] = Counter()

    def add(self, value: int) -> None:
        """Add a value, 0 or more."""
        self.count += 1
        self.max = max(self.max, value)
        self._counts[round(value, min(0, SIGNIFICANT_DIGITS - len(str(value))))] += 1

    def add_all(self, others: Distribution) -> None:
        """Add all values of another distribution."""
        self.count += others.count
        self.max = max(self.max, others.max)
        self._counts.update(others._counts)

    def state(self) -> dict[str, Any]:
        """Return everything in a form for JSON or msgpack."""
        return {"max": self.max, "counts": list(self._counts.items())}

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Distribution:
        """Return the distribution whose `state()` this is."""
        values = cls()
        values._counts.update(dict(state["counts"]))
        values.count, values.max = sum(values._counts.values()), state["max"]
        return values

    def percentiles(self, *percents: int) -> list[int]:
        """Return, for each percentage, the value that so many percent of all values do not exceed; 0 is the smallest.

        The distribution must not be empty.
        """
        found, values, seen, value = list[int](), iter(sorted(self._counts)), 0, 0
        for percent in sorted(percents):
            rank = max(1, -(-self.count * percent // 100))  # rounded up
            while seen < rank:
                value = next(values)
                seen += self._counts[value]
            found.append(min(value, self.max))
        return found
