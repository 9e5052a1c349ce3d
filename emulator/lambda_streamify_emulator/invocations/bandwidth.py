"""The bandwidth limit of a streamed response: a token bucket with one token per byte. The caller passes the time in.

Sources: AWS Lambda Developer Guide, "Response streaming": the first 6 MB have no limit, the rest is limited to 2 MB a
second. `core/bandwidthlimiter` of AWS's Runtime Interface Emulator, whose code is close to Lambda's, shows how this is
counted.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bandwidth:
    """`burst` bytes at once, then `rate` bytes a second, granted in one portion per `interval` (seconds)."""

    burst: int = 6 * 1024 * 1024
    rate: int = 2 * 1024 * 1024
    interval: float = 0.125


class TokenBucket:
    """A token bucket that is full at the time `now`. It refills at the rate, but never holds more than the burst."""

    def __init__(self, bandwidth: Bandwidth, now: float) -> None:
        self._bandwidth = bandwidth
        self._portion = int(bandwidth.rate * bandwidth.interval)
        self._began = now
        self._portions = 0
        self._tokens = bandwidth.burst

    def take(self, wanted: int, now: float) -> int:
        """Take up to `wanted` tokens at the time `now`; return how many were taken: so many bytes may pass."""
        portions = int((now - self._began) / self._bandwidth.interval)
        self._tokens = min(self._tokens + (portions - self._portions) * self._portion, self._bandwidth.burst)
        self._portions = portions
        taken = min(wanted, self._tokens)
        self._tokens -= taken
        return taken

    def wait(self, now: float) -> float:
        """Return the seconds from `now` to the next portion."""
        return max(self._began + (self._portions + 1) * self._bandwidth.interval - now, 0)
