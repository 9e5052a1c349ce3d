"""Waiting that ends: what a test waits for either happens or fails the test by its name."""

import os
import select
import time
from collections.abc import Callable
from typing import IO

# Seconds. Hardly a wait takes one on an idle machine; only a test that fails, or a busy machine, takes more.
TIMEOUT_S = 60


def wait_until(condition: Callable[[], object], what: str, timeout_s: float = TIMEOUT_S) -> None:
    """Return as soon as the condition holds; fail the test if it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout_s} s in vain: {what}"
        time.sleep(0.005)


def settled(read: Callable[[], str]) -> str:
    """Return what `read` gives once that has not changed for a while.

    Nothing tells from outside that a process will stay in its `send`. A machine that is too busy to go on may be taken
    for a function that is held: then the test has seen less than it could, but nothing that is not so.
    """
    value, since, deadline = read(), time.monotonic(), time.monotonic() + TIMEOUT_S
    while time.monotonic() < since + 0.3:
        assert time.monotonic() < deadline, f"it never settled: {value}"
        time.sleep(0.01)
        now = read()
        if now != value:
            value, since = now, time.monotonic()
    return value


def read_exactly(pipe: IO[bytes], size: int) -> bytes:
    """Return the next bytes of a pipe as soon as there are so many; fewer if it ends."""
    data, deadline = b"", time.monotonic() + TIMEOUT_S
    while len(data) < size:
        ready, _, _ = select.select([pipe], [], [], max(0, deadline - time.monotonic()))
        assert ready, f"waited {TIMEOUT_S} s in vain for {size} bytes, after {data!r}"
        received = os.read(pipe.fileno(), size - len(data))
        if not received:
            break
        data += received
    return data
