"""A figure over all rounds: its median, and how far the rounds lie apart."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Spread(NamedTuple):
    """The least and the most of some rounds."""

    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of one value or more."""
        return cls(min(values), max(values))


def number(value: float) -> str:
    """Three significant digits, and thousands whole."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def with_spread(value: float, spread: Spread | None) -> str:
    """Such as `0.55 (0.31 to 0.63)`."""
    return number(value) + (f" ({number(spread.least)} to {number(spread.most)})" if spread else "")


def summed_up(values: Sequence[float], unit: str) -> str:
    """Such as `1.2 MB (1.1 to 1.4)`."""
    spread = Spread.of(values)
    return f"{number(statistics.median(values))} {unit} ({number(spread.least)} to {number(spread.most)})"
