"""The limits of requests, responses, bandwidth and memory, all in one place.

Sources: for responses, `interop.MaxPayloadSize` of AWS's Runtime Interface Emulator, whose code is close to Lambda's:
6 MiB plus a little for the envelope. For streamed ones, AWS Lambda Developer Guide, "Response streaming": 200 MB.
"""

from dataclasses import dataclass

from .bandwidth import Bandwidth

_BANDWIDTH = Bandwidth()


@dataclass(frozen=True)
class Limits:
    """The limits of one emulator. Sizes are in bytes; None means no limit."""

    buffered: int | None = 6 * 1024 * 1024 + 100
    """A response whose caller waits for the whole of it."""
    streamed: int | None = 200 * 1024 * 1024
    """A response whose caller reads it as it arrives."""
    error: int = 6 * 1024 * 1024 + 100
    """An error report."""
    request: int | None = 6 * 1024 * 1024
    """An event: AWS Lambda Developer Guide, "Lambda quotas"."""
    bandwidth: Bandwidth | None = _BANDWIDTH
    """The bandwidth of a response whose caller reads it as it arrives."""
    memory: bool = True
    """Whether a function that uses more than its MemorySize is ended."""


LIMITS = Limits()
UNLIMITED = Limits(buffered=None, streamed=None, request=None, bandwidth=None, memory=False)
