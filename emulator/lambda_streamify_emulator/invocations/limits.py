"""How much a function may be asked and may answer: the one place that says so.

Source of the limits of answers: `interop.MaxPayloadSize` of AWS's Runtime Interface Emulator, whose code is close to
Lambda's: 6 MiB, and something for the envelope. Streamed: AWS Lambda Developer Guide, "Response streaming": 200 MB.
"""

from dataclasses import dataclass

from ..runtime_api.bandwidth import Bandwidth

_BANDWIDTH = Bandwidth()


@dataclass(frozen=True)
class Limits:
    """Bytes; None is no limit."""

    buffered: int | None = 6 * 1024 * 1024 + 100
    """A response whose caller waits for all of it."""
    streamed: int | None = 200 * 1024 * 1024
    """A response whose caller reads it as it comes."""
    error: int = 6 * 1024 * 1024 + 100
    """The report of an error."""
    request: int | None = 6 * 1024 * 1024
    """An event: AWS Lambda Developer Guide, "Lambda quotas"."""
    bandwidth: Bandwidth | None = _BANDWIDTH
    """Of a response whose caller reads it as it comes."""
    memory: bool = True
    """Whether a function is held to its MemorySize."""


LIMITS = Limits()
UNLIMITED = Limits(buffered=None, streamed=None, request=None, bandwidth=None, memory=False)
