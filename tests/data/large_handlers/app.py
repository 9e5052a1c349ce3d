"""Functions whose events or streams are large. `case` in the event names the one that answers."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

Event = dict[str, Any]


def handler(event: Event, _context: object) -> object:
    return CASES[event["case"]](event)


def peak_memory() -> int:
    """Return the largest resident size of this process so far, in bytes."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def forget_the_peak() -> None:
    """Have the kernel count the peak from now on (Linux, proc(5): clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")


def stream(event: Event) -> Iterator[bytes]:
    """Yield `count` chunks of `size` bytes, the same one each time; then how far memory has grown."""
    chunk = bytes(event["size"])
    yield b"begin"
    forget_the_peak()
    before = peak_memory()
    for _ in range(event["count"]):
        yield chunk
    yield b"%d" % (peak_memory() - before)


async def async_stream(event: Event) -> AsyncIterator[bytes]:
    for chunk in stream(event):
        yield chunk


def size_of_event(event: Event) -> int:
    return len(event["text"])


def modules(_event: Event) -> list[str]:
    return sorted(sys.modules)


CASES: dict[str, Callable[[Event], object]] = {
    "stream": stream,
    "async": async_stream,
    "event": size_of_event,
    "modules": modules,
}
