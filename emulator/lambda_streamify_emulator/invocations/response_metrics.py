"""What is measured of one response, for those who subscribe to the sandbox's telemetry."""

from dataclasses import dataclass


@dataclass
class ResponseMetrics:
    """When the runtime has sent a response, and how much. Times are those of a monotonic clock, in seconds."""

    produced_bytes: int = 0
    began: float | None = None
    ended: float | None = None

    def begin(self, now: float) -> None:
        """Note the head of the response."""
        self.began = now

    def add(self, size: int) -> None:
        """Note some bytes of the body."""
        self.produced_bytes += size

    def end(self, now: float) -> None:
        """Note the end of the response."""
        self.ended = now
