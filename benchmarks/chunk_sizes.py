"""Measures what the size of the chunks does to a stream from the emulator: bytes a second, and the delay of a chunk.

docs/guides/backpressure.md quotes the table that it prints.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import http_stream

if TYPE_CHECKING:
    from collections.abc import Iterator

HANDLER = Path(__file__).parent / "handlers" / "sized_chunks.py"
SIZES = (16, 256, 4 * 1024, 16 * 1024, 64 * 1024, 1024 * 1024)
MOST_CHUNKS, MOST_BYTES = 100_000, 128 * 1024 * 1024  # of a stream that goes as fast as it can
PACED_CHUNKS, PAUSE_S = 200, 0.005
ROUNDS = 5


@contextmanager
def emulator() -> Iterator[str]:
    """Run the handler without Lambda's limit on bandwidth; gives its URL."""
    program = Path(sys.executable).with_name("streamify")
    command: list[str | Path] = [program, "serve", HANDLER, *("--port", "0", "--json", "--limits", "none")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None  # noqa: S101 - it is a pipe
            (url,) = json.loads(process.stdout.readline())["urls"].values()
            yield url
        finally:
            process.terminate()


def megabytes_a_second(url: str, size: int, **query: object) -> float:
    """Return how fast a client reads a stream that goes as fast as it can."""
    count = min(MOST_CHUNKS, MOST_BYTES // size)
    reads = iter(http_stream.read(f"{url}?{urlencode({'size': size, 'count': count, **query})}"))
    started, _ = next(reads)
    ended = started
    for ended, _ in reads:  # noqa: B007 - the last one counts
        pass
    return size * count / (ended - started) * 1e3


def delays_us(url: str, size: int, **query: object) -> list[float]:
    """Return how long after it was yielded each chunk of a paced stream was read whole."""
    address, delays = urlsplit(url), []
    with closing(HTTPConnection(address.netloc)) as connection:
        connection.request("GET", "/?" + urlencode({"size": size, "count": PACED_CHUNKS, "pause": PAUSE_S, **query}))
        response = connection.getresponse()
        while chunk := response.read(size):
            delays.append((time.monotonic_ns() - int(chunk[:16], 16)) / 1e3)
    return delays


def main() -> None:
    """Print a row of the table for each size."""
    print("| bytes in a chunk | MB a second | with `coalesce` | a chunk is read after | with `coalesce` |")
    print("| --- | --- | --- | --- | --- |")
    with emulator() as url:
        delays_us(url, 16)  # the first request waits for the function to start
        for size in SIZES:
            print(f"| {size:,} | " + " | ".join(cells(url, size)) + " |", flush=True)


def cells(url: str, size: int) -> list[str]:
    """Return the medians of some rounds, without `coalesce` and with it."""
    kinds: tuple[dict[str, object], ...] = ({}, {"coalesce": 1})
    rates = [median(megabytes_a_second(url, size, **kind) for _ in range(ROUNDS)) for kind in kinds]
    delays = [median(delay for _ in range(ROUNDS) for delay in delays_us(url, size, **kind)) for kind in kinds]
    return [f"{rate:,.1f}" for rate in rates] + [f"{delay / 1e3:.2f} ms" for delay in delays]


if __name__ == "__main__":
    main()
