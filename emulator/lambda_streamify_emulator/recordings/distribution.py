"""How values are spread, in little memory however many there are: they are counted to four digits."""

from __future__ import annotations

from collections import Counter

DIGITS = 4  # so that a percentile is right to 0.05 %


class Distribution:
    """Whole numbers, such as microseconds. A percentile is a value that was there (nearest rank), never over `max`."""

    def __init__(self) -> None:
        self.count = 0
        self.max = 0
        self._counts: Counter[int] = Counter()

    def add(self, value: int) -> None:
        """One more value, 0 or more."""
        self.count += 1
        self.max = max(self.max, value)
        self._counts[round(value, min(0, DIGITS - len(str(value))))] += 1

    def add_all(self, others: Distribution) -> None:
        """All values of another distribution."""
        self.count += others.count
        self.max = max(self.max, others.max)
        self._counts.update(others._counts)

    def percentiles(self, *percents: int) -> list[int]:
        """The value that so many percent of all values do not exceed, for each; there must be a value."""
        found, values, passed, value = list[int](), iter(sorted(self._counts)), 0, 0
        for percent in sorted(percents):
            rank = -(-self.count * percent // 100)  # rounded up
            while passed < rank:
                value = next(values)
                passed += self._counts[value]
            found.append(min(value, self.max))
        return found
