"""Streams while another task of the same event loop measures how long it is kept waiting."""

import asyncio
import time

TYPE_CHECKING = False  # typing costs 6 ms
if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Any

PERIOD = 0.005


QUIET = 1.4  # seconds; as long as the stream takes


class Ticker:
    """Wakes up again and again; `latest` is by how much it was late at worst, in seconds."""

    def __init__(self) -> None:
        self.latest = 0.0
        self._task = asyncio.create_task(self._tick())

    async def _tick(self) -> None:
        while True:
            due = time.monotonic() + PERIOD
            await asyncio.sleep(PERIOD)
            self.latest = max(self.latest, time.monotonic() - due)

    def stop(self) -> None:
        """Log what was seen."""
        self._task.cancel()
        print(f"lag_ms={1000 * self.latest:.3f}")


def beside_a_stream(event: "Any", _context: object) -> "dict[str, Any]":
    """Stream `count` chunks of `size` bytes beside a ticker."""
    count, size = event["bench"]["count"], event["bench"]["size"]

    async def body() -> "AsyncIterator[bytes]":
        ticker = Ticker()
        chunk = b"x" * size
        for _ in range(count):
            yield chunk
        ticker.stop()

    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": body()}


def alone(event: "Any", _context: object) -> "dict[str, Any]":
    """Let the ticker have the event loop for itself: how late the machine makes it."""

    async def body() -> "AsyncIterator[bytes]":
        ticker = Ticker()
        await asyncio.sleep(QUIET)
        ticker.stop()
        yield b"x" * event["bench"]["size"]

    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": body()}
