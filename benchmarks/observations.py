"""What stands side by side without a ratio: memory that grows, bytes ahead of a reader, what a caller is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import adapter
import apps
from runtimes import OURS
from spread import summed_up
from workloads import APP_FAILING, APP_FIRST_BYTE, APP_GROWTH, APP_STOPPED, Workload

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from measures import Figures, Job
    from sampling import Sample

CLIENTS = (OURS, apps.STARLETTE, adapter.STARLETTE, adapter.STARLETTE_STANDARD)
GROUP = "adapter, side by side"

# Linux acknowledges a segment that nothing else answers after 40 ms: what waits for that comes later than this.
DELAYED_MS = 35


@dataclass(frozen=True)
class Observation:
    """One line: each client's samples put into words."""

    title: str
    workload: Workload
    words: Callable[[Sequence[Sample]], str]

    @property
    def jobs(self) -> list[Job]:
        """What has to run for it."""
        return [(client, self.workload) for client in CLIENTS]

    def cells(self, figures: Figures, missing: Mapping[str, str]) -> list[str]:
        """The line's cells."""
        found = [self.title]
        for job in self.jobs:
            samples = [sample for samples in figures.get(job, []) for sample in samples]
            found.append("not measured" if job[0] in missing or not samples else self.words(samples))
        return found


def grown(samples: Sequence[Sample]) -> str:
    """By how much the processes' peaks grew."""
    return summed_up([sample.growth_mb for sample in samples], "MB")


def ahead(samples: Sequence[Sample]) -> str:
    """How much was made while the reader stood still."""
    return summed_up([sample.ahead_mb for sample in samples], "MB")


def delayed(samples: Sequence[Sample]) -> str:
    """How many first bytes waited for an acknowledgement."""
    times = [time for sample in samples for time in sample.first_bytes_ms]
    return f"{sum(time > DELAYED_MS for time in times)} of {len(times)}"


def told(samples: Sequence[Sample]) -> str:
    """What comes after the last chunk: each different ending once."""
    return " / ".join(dict.fromkeys(_ending(sample) for sample in samples))


def _ending(sample: Sample) -> str:
    (invocation,) = sample.seen["invocations"]
    asked = sample.workload.count * sample.workload.size
    more = invocation["tail"][asked:]
    if invocation["cut"]:
        return "the connection is cut"
    if invocation["trailers"]:
        kind = invocation["trailers"].lower().partition("function-error-type: ")[2].partition("\n")[0]
        return f"an error in the trailers: `{_as_sent(invocation['trailers'], kind)}`"
    if more:
        return f"a complete response, with text in its body: `{_shortened(' '.join(more.split()))}`"
    return "a complete response, which ends early"


def _shortened(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def _as_sent(trailers: str, kind: str) -> str:
    start = trailers.lower().index(kind)
    return trailers[start : start + len(kind)]


OBSERVATIONS = [
    Observation("an error in mid-stream, as Lambda is told", APP_FAILING, told),
    *(
        Observation(f"{title}, {where}", workload, words)
        for title, one_core, words in (
            ("growth of memory over 200 MB", APP_GROWTH, grown),
            ("made ahead of a reader that stands still", APP_STOPPED, ahead),
            (f"warm first bytes later than {DELAYED_MS} ms", APP_FIRST_BYTE, delayed),
        )
        for where, workload in (("one core", one_core), ("unpinned", one_core.unpinned()))
    ),
]
