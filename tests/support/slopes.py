"""What grows with the number of invocations: straight lines through samples, and how steep they may be."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import linear_regression
from typing import NamedTuple

LEAK_LIMIT = 20.0  # KB of memory per 1,000 invocations: what comes and goes in an allocator is below it in a long run
GROSS_LEAK_LIMIT = 4000.0  # likewise: 4 KB an invocation; two of nine streams of `make soak` alone are 512 KB each
LONG_RUN = 20_000  # invocations, from which on the first limit counts: 20 KB per 1,000 are 400 KB then
COUNTED_LIMIT = 0.5  # descriptors, threads or processes that the line may gain over all samples: none, rounded


class Sample(NamedTuple):
    """What one process holds after so many invocations."""

    invocations: int
    memory: float
    """Kilobytes that are resident."""
    descriptors: int
    threads: int
    children: int


@dataclass
class Series:
    """The samples of one process, in their order; those of the warm-up are left out."""

    name: str
    samples: list[Sample] = field(default_factory=list)
    known: float = 0
    """Kilobytes per 1,000 invocations that the C library keeps for any caller. They are no leak of this project."""

    @property
    def invocations(self) -> int:
        """From the first sample to the last."""
        return self.samples[-1].invocations - self.samples[0].invocations

    def slope(self, measure: str) -> float:
        """Return by how much the measure grows in 1,000 invocations, by least squares."""
        line = linear_regression(
            [sample.invocations for sample in self.samples], [getattr(sample, measure) for sample in self.samples]
        )
        return line.slope * 1000

    def gain(self, measure: str) -> float:
        """Return by how much the line through all samples has risen at its end."""
        return self.slope(measure) * self.invocations / 1000

    @property
    def memory_limit(self) -> float:
        """Kilobytes per 1,000 invocations."""
        return self.known + (LEAK_LIMIT if self.invocations >= LONG_RUN else GROSS_LEAK_LIMIT)

    def problems(self) -> list[str]:
        """Return what grows and should not, one line each."""
        found = []
        slope = self.slope("memory")
        if slope > self.memory_limit:
            found.append(
                f"{self.name}: memory grows by {slope:.1f} KB per 1,000 invocations, over {self.memory_limit:.0f}"
            )
        found += [
            f"{self.name}: {measure} grow by {self.gain(measure):.1f} in {self.invocations} invocations"
            for measure in ("descriptors", "threads", "children")
            if self.gain(measure) > COUNTED_LIMIT
        ]
        return found


def table(series: Iterable[Series]) -> str:
    """Return the slopes as a table in Markdown."""
    held_at = "memory at first, at each quarter, at last (KB)"
    lines = [
        f"| process | invocations | {held_at} | memory (KB per 1,000) | limit | descriptors | threads | children |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for each in series:
        first, last = each.samples[0], each.samples[-1]
        held = (f"{each.samples[(len(each.samples) - 1) * quarter // 4].memory:.0f}" for quarter in range(5))
        counts = (f"{getattr(first, name)}, {getattr(last, name)}" for name in ("descriptors", "threads", "children"))
        lines.append(
            f"| {each.name} | {each.invocations} | {', '.join(held)} | {each.slope('memory'):.1f} "
            f"| {each.memory_limit:.0f} | {' | '.join(counts)} |"
        )
    return "\n".join(lines) + "\n"
