"""Measures what `resumable` costs the live stream: CPU time of the stream's own thread for each event.

docs/guides/resumable.md quotes the figures. CPU time hardly depends on what else the machine does.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from lambda_streamify import resumable, sse
from lambda_streamify.resume import MemoryStore, SQLiteStore, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

EVENTS = 20_000
ROUNDS = 7
SHARE = 0.05  # of a core, which the live stream may give up


class BatchedStore(MemoryStore):
    """Takes events in batches, as DynamoDBStore does, in no time."""

    batch_seconds = 0.2


def tokens() -> Iterator[dict[str, str]]:
    """Yield what a model yields, without a pause."""
    for _ in range(EVENTS):
        yield {"token": " word"}


def cpu_us(make: Callable[[], Iterable[object]]) -> float:
    """Return the microseconds that this thread needs for one event; the least of some rounds."""
    rounds = []
    for _ in range(ROUNDS):
        started = time.thread_time()
        for _ in make():
            pass
        rounds.append((time.thread_time() - started) / EVENTS * 1e6)
    return min(rounds)


def main() -> None:
    """Print a line for each way to send the events."""
    plain = cpu_us(lambda: sse.events(tokens()))
    print(f"sse.events alone            {plain:4.1f} us an event")
    with tempfile.TemporaryDirectory() as folder:
        compare("a store in no time", BatchedStore(), plain)
        compare("SQLite", SQLiteStore(Path(folder) / "runs.db"), plain)


def compare(name: str, store: Store, plain: float) -> None:
    """Print what this store adds to the time of a stream that is not kept."""
    more = cpu_us(lambda: resumable(sse.events(tokens()), store, key=uuid4().hex, after="")) - plain
    print(f"{name:25} +{more:5.1f} us an event: {SHARE:.0%} of a core at {SHARE / more * 1e6:,.0f} events a second")


if __name__ == "__main__":
    main()
