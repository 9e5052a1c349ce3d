"""How long a load test has been running. A master's clock starts when the first of its workers has started."""

from __future__ import annotations

import time


class Clock:
    """Times are seconds on the monotonic clock. It shows 0 before it has started."""

    def __init__(self) -> None:
        self._started_at: float | None = None
        self.stopped_at: float | None = None

    @property
    def seconds(self) -> float:
        """How long the test has been running, or ran before its users were stopped."""
        if self._started_at is None:
            return 0.0
        return (time.monotonic() if self.stopped_at is None else self.stopped_at) - self._started_at

    def start(self, seconds: float = 0.0) -> None:
        """Start, unless it has started earlier. It then shows at least `seconds`."""
        begun = time.monotonic() - seconds
        self._started_at = begun if self._started_at is None else min(self._started_at, begun)

    def stop(self) -> None:
        """Stop, unless it has stopped earlier."""
        if self.stopped_at is None:
            self.stopped_at = time.monotonic()
