"""How fast a streamed response may flow: a bucket of tokens, one for each byte. The time is given to it.

Source: AWS Lambda Developer Guide, "Response streaming": the first 6 MB at any speed, then 2 MB a second; and, for how
that is counted, `core/bandwidthlimiter` of AWS's Runtime Interface Emulator, whose code is close to Lambda's.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bandwidth:
    """`burst` bytes at once, then `rate` bytes a second, in a portion for each `interval` (seconds)."""

    burst: int = 6 * 1024 * 1024
    rate: int = 2 * 1024 * 1024
    interval: float = 0.125


class TokenBucket:
    """Starts full, at the time `now`. It fills again while less is taken than comes, but never over the burst."""

    def __init__(self, bandwidth: Bandwidth, now: float) -> None:
        self._bandwidth = bandwidth
        self._portion = int(bandwidth.rate * bandwidth.interval)
        self._began = now
        self._portions = 0
        self._tokens = bandwidth.burst

    def take(self, wanted: int, now: float) -> int:
        """How many of the `wanted` bytes may pass at the time `now`; they count as passed."""
        portions = int((now - self._began) / self._bandwidth.interval)
        self._tokens = min(self._tokens + (portions - self._portions) * self._portion, self._bandwidth.burst)
        self._portions = portions
        taken = min(wanted, self._tokens)
        self._tokens -= taken
        return taken

    def wait(self, now: float) -> float:
        """Seconds from `now` to the next portion."""
        return max(self._began + (self._portions + 1) * self._bandwidth.interval - now, 0)
