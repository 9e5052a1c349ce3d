"""What a measure is, and what becomes of it over the rounds: a line of the report."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sampling import Sample
from spread import Spread
from workloads import Workload

Job = tuple[str, Workload]  # the name of a client and what it does
Figures = Mapping[Job, list[list[Sample]]]  # for each round, the samples of its runs
Figure = Callable[[Sample], float]


@dataclass(frozen=True)
class Target:
    """A bound on a ratio, or on a figure that is compared with no one's. Without a number it is only reported."""

    number: float | None
    at_least: bool = False

    def met(self, value: float) -> bool | None:
        """Whether `value` is within the bound; None if there is none."""
        if self.number is None:
            return None
        return value >= self.number if self.at_least else value <= self.number

    def margin(self, value: float) -> float | None:
        """How many times better than the bound; 1 is just met."""
        if self.number is None:
            return None
        return value / self.number if self.at_least else self.number / max(value, self.number / 1000)


@dataclass(frozen=True)
class Row:
    """One line of the report. `value` is what the target is held against: a ratio if there is a peer."""

    group: str
    title: str
    unit: str
    target: Target
    ours: float | None = None
    peer_name: str = ""
    peer: float | None = None
    value: float | None = None
    least: float | None = None
    most: float | None = None
    ours_spread: Spread | None = None
    peer_spread: Spread | None = None
    note: str = ""


@dataclass(frozen=True)
class Measure:
    """A figure of ours, beside a peer's from the same rounds if there is one."""

    group: str
    title: str
    unit: str
    figure: Figure
    ours: Job
    target: Target
    peer: Job | None = None

    @property
    def jobs(self) -> list[Job]:
        """What has to run for it."""
        return [self.ours, *([self.peer] if self.peer else [])]

    def row(self, figures: Figures, missing: Mapping[str, str]) -> Row:
        """The medians over the rounds; ratios are taken within each round, where both ran side by side."""
        peer_name = self.peer[0] if self.peer else ""
        for name, _ in self.jobs:
            if name in missing:
                note = f"not measured, since {name} could not be installed here: {missing[name]}"
                return Row(self.group, self.title, self.unit, self.target, peer_name=peer_name, note=note)
        ours = self._per_round(figures[self.ours])
        theirs = self._per_round(figures[self.peer]) if self.peer else []
        values = [mine / other for mine, other in zip(ours, theirs, strict=True)] if theirs else ours
        return Row(
            self.group,
            self.title,
            self.unit,
            self.target,
            ours=statistics.median(ours),
            peer_name=peer_name,
            peer=statistics.median(theirs) if theirs else None,
            value=statistics.median(values),
            least=min(values),
            most=max(values),
            ours_spread=Spread.of(ours),
            peer_spread=Spread.of(theirs) if theirs else None,
        )

    def _per_round(self, rounds: list[list[Sample]]) -> list[float]:
        return [statistics.median(map(self.figure, samples)) for samples in rounds]


def at_least(number: float) -> Target:
    """A bound from below."""
    return Target(number, at_least=True)


def at_most(number: float) -> Target:
    """A bound from above."""
    return Target(number)


REPORTED = Target(None)
