"""How well a replay keeps the times of its recording, beside loops that sleep from each chunk to the next.

Each function returns how many milliseconds each chunk was late.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from typing import TYPE_CHECKING

from lambda_streamify_emulator.replays.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SEED = 1
LEAST, MOST = 200, 1800  # microseconds between two chunks


def write(path: Path, count: int) -> None:
    """Make a recording of `count` chunks of 20 bytes, a millisecond apart on average."""
    header = {"version": 1, "kind": "lambda-stream", "layer": "client"}
    head = [0, "h", {"status_code": 200, "headers": {"content-type": "text/plain"}, "cookies": []}]
    lines = [header, head, *([at, "o", f"{number:019d}\n"] for number, at in enumerate(times(count)))]
    lines.append([times(count)[-1], "x", {"reason": "end", "bytes": 20 * count, "chunks": count}])
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def times(count: int) -> list[int]:
    """When each chunk is due, in microseconds; the same for each run."""
    gaps = random.Random(SEED)  # noqa: S311 - no secret
    return list(itertools.accumulate(gaps.randint(LEAST, MOST) for _ in range(count)))


def replayed(recording: Path) -> list[float]:
    """By `for`."""
    replay = Replay(recording)
    started = time.monotonic()
    return _late(started, [time.monotonic() for _ in replay])


def replayed_async(recording: Path) -> list[float]:
    """By `async for`."""

    async def read() -> list[float]:
        replay = Replay(recording)
        started = time.monotonic()
        return _late(started, [time.monotonic() async for _ in replay])

    return asyncio.run(read())


def bare(recording: Path) -> list[float]:
    """The control: a loop that does nothing but sleep until each time. How late it is, the machine is."""
    due = _due(recording)
    started = time.monotonic()
    stamps = []
    for at in due:
        while (left := started + at - time.monotonic()) > 0:
            time.sleep(left)
        stamps.append(time.monotonic())
    return _late(started, stamps)


def slept(recording: Path) -> list[float]:
    """As one would write it first: read the chunks, and sleep for each gap."""
    due = _due(recording)
    started = time.monotonic()
    stamps = []
    for gap in _gaps(due):
        time.sleep(gap)
        stamps.append(time.monotonic())
    return _late(started, stamps)


def slept_async(recording: Path) -> list[float]:
    """The same in an event loop."""

    async def read() -> list[float]:
        due = _due(recording)
        started = time.monotonic()
        stamps = []
        for gap in _gaps(due):
            await asyncio.sleep(gap)
            stamps.append(time.monotonic())
        return _late(started, stamps)

    return asyncio.run(read())


def _due(recording: Path) -> list[float]:
    events = (json.loads(line) for line in recording.read_text().splitlines()[1:])
    return [event[0] / 1e6 for event in events if event[1] == "o"]


def _gaps(due: list[float]) -> Iterable[float]:
    return (after - before for before, after in itertools.pairwise([0.0, *due]))


def _late(started: float, stamps: list[float]) -> list[float]:
    due = (at / 1e6 for at in times(len(stamps)))
    return [(stamp - started - at) * 1000 for stamp, at in zip(stamps, due, strict=True)]
