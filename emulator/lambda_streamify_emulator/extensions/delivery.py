"""Sends batches of events to one subscriber, by HTTP or TCP, and retries failed ones.

Source: AWS Lambda Developer Guide, "Lambda Telemetry API", destination protocols. The subscriber's process is in the
sandbox, so it may be frozen at any time: nothing here times out.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from .buffer import TelemetryBuffer
from .subscription import HOSTS, Destination, Subscription

HOST = "127.0.0.1"  # where sandbox.localdomain is
RETRY_DELAYS_S = (0.1, 0.2, 0.4, 0.8, 1.6)  # AWS documents only that there is a backoff
HEAD_LIMIT_BYTES = 64 * 1024  # of a subscriber's answer


class DeliveryFailed(Exception):
    """The subscriber has not accepted a batch."""


class Subscriber:
    """One subscriber. Events are added at any time; a task sends them. `warn` is called when events are lost."""

    def __init__(
        self,
        name: str,
        subscription: Subscription,
        dropped: Callable[[int, int], bytes],
        warn: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.subscription = subscription
        self._warn = warn
        self._clock = clock
        self._buffer = TelemetryBuffer(subscription.max_items, subscription.max_bytes, subscription.timeout_s, dropped)
        self._changed = asyncio.Event()
        self._send = _sender(subscription.destination)
        self._task = asyncio.create_task(self._run())

    def add(self, event: bytes) -> None:
        """Send the event with the next batch."""
        self._buffer.add(event, self._clock())
        self._changed.set()

    def flush(self) -> None:
        """Send all waiting events now."""
        self._buffer.flush(self._clock())
        self._changed.set()

    def close(self) -> None:
        """Stop sending."""
        self._task.cancel()
        self._send.close()

    async def _run(self) -> None:
        while True:
            delay = self._buffer.wait(self._clock())
            if delay == 0:
                await self._deliver(self._buffer.take())
                continue
            self._changed.clear()
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._changed.wait(), delay)

    async def _deliver(self, batch: list[bytes]) -> None:
        for delay in (0.0, *RETRY_DELAYS_S):
            await asyncio.sleep(delay)
            problem = await self._try(batch)
            if problem is None:
                return
        self._warn(f"{self.name} has lost {len(batch)} events of its subscription: {problem}")
        self._buffer.drop(len(batch), sum(map(len, batch)))

    async def _try(self, batch: list[bytes]) -> Exception | None:
        """Send a batch; return the error, or None on success."""
        try:
            await self._send.send(batch)
        except (OSError, EOFError, DeliveryFailed, asyncio.LimitOverrunError) as error:
            return error
        return None


class _HttpSender:
    """Sends each batch as a JSON array in a request of its own."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination

    async def send(self, batch: list[bytes]) -> None:
        """Send a batch. Raises OSError, EOFError or DeliveryFailed."""
        at = self._destination
        body = b"[" + b",".join(batch) + b"]"
        head = (
            f"{at.method} {at.path} HTTP/1.1\r\nHost: {HOSTS[0]}:{at.port}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        reader, writer = await asyncio.open_connection(HOST, at.port, limit=HEAD_LIMIT_BYTES)
        try:
            writer.write(head.encode() + body)
            await writer.drain()
            status = (await reader.readuntil(b"\r\n")).split()
        finally:
            writer.close()
        if len(status) < 2 or not status[1].startswith(b"2"):
            raise DeliveryFailed(f"its answer is {b' '.join(status).decode('latin-1')}")

    def close(self) -> None:
        """Do nothing: no connection is kept."""


class _TcpSender:
    """Sends each event as a line of JSON over one connection, which is opened again when it breaks."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._writer: asyncio.StreamWriter | None = None

    async def send(self, batch: list[bytes]) -> None:
        """Send a batch. Raises OSError."""
        if self._writer is None:
            _, self._writer = await asyncio.open_connection(HOST, self._destination.port)
        try:
            self._writer.write(b"\n".join(batch) + b"\n")
            await self._writer.drain()
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()


def _sender(destination: Destination) -> _HttpSender | _TcpSender:
    return _TcpSender(destination) if destination.method is None else _HttpSender(destination)
