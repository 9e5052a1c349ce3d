"""The events that wait for one subscriber, without I/O; times are parameters.

A buffer holds at most `max_items` events and `max_bytes` bytes. While it is full, further events are dropped and
counted, and an event reports them. Sources: AWS Lambda Developer Guide, "Lambda Telemetry API", buffering.
"""

from collections.abc import Callable


class TelemetryBuffer:
    """The next batch. `dropped` makes the event that reports lost events, from their number and size."""

    def __init__(self, max_items: int, max_bytes: int, timeout_s: float, dropped: Callable[[int, int], bytes]) -> None:
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._dropped = dropped
        self._events: list[bytes] = []
        self._size = 0
        self._due: float | None = None
        self._lost_items = 0
        self._lost_bytes = 0

    @property
    def is_empty(self) -> bool:
        """Whether no event waits."""
        return not self._events

    @property
    def is_full(self) -> bool:
        """Whether the batch must be sent before there is room for another event."""
        return len(self._events) >= self._max_items or self._size >= self._max_bytes

    def add(self, event: bytes, now: float) -> None:
        """Keep the event, or drop it if the buffer is full."""
        if self.is_full:
            self.drop(1, len(event))
            return
        if self._due is None:
            self._due = now + self._timeout_s
        self._events.append(event)
        self._size += len(event)

    def drop(self, items: int, size: int) -> None:
        """Count events that have been lost."""
        self._lost_items += items
        self._lost_bytes += size

    def wait(self, now: float) -> float | None:
        """Return the seconds until the batch is due: 0 if it is, None if there is none."""
        if self._due is None:
            return None
        return 0.0 if self.is_full else max(self._due - now, 0.0)

    def flush(self, now: float) -> None:
        """Make the batch due."""
        if self._due is not None:
            self._due = now

    def take(self) -> list[bytes]:
        """Remove and return the batch."""
        batch, self._events, self._size, self._due = self._events, [], 0, None
        if self._lost_items:
            batch.append(self._dropped(self._lost_items, self._lost_bytes))
            self._lost_items = self._lost_bytes = 0
        return batch
