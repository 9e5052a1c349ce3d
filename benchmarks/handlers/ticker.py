"""Streams while another task of the same event loop measures how long it is kept waiting."""

import asyncio
import time

TYPE_CHECKING = False  # typing costs 6 ms
if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Any

PERIOD = 0.005


def handler(event: "Any", _context: object) -> "dict[str, Any]":
    """Stream `count` chunks of `size` bytes; then log by how much the latest tick was late."""
    count, size = event["bench"]["count"], event["bench"]["size"]
    latest = 0.0

    async def tick() -> None:
        nonlocal latest
        while True:
            due = time.monotonic() + PERIOD
            await asyncio.sleep(PERIOD)
            latest = max(latest, time.monotonic() - due)

    async def body() -> "AsyncIterator[bytes]":
        ticker = asyncio.create_task(tick())
        chunk = b"x" * size
        for _ in range(count):
            yield chunk
        ticker.cancel()
        print(f"lag_ms={1000 * latest:.3f}")

    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": body()}
