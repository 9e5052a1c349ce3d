"""How much a function may be asked and may answer: the one place that says so.

Source of the limits of answers: `interop.MaxPayloadSize` of AWS's Runtime Interface Emulator, whose code is close to
Lambda's: 6 MiB, and something for the envelope.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bytes; None is no limit."""

    buffered: int | None = 6 * 1024 * 1024 + 100
    """A response whose caller waits for all of it."""
    streamed: int | None = None
    """A response whose caller reads it as it comes."""
    error: int = 6 * 1024 * 1024 + 100
    """The report of an error."""
    request: int = 6 * 1024 * 1024
    """An event: AWS Lambda Developer Guide, "Lambda quotas"."""


LIMITS = Limits()
