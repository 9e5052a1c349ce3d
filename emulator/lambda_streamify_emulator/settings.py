"""What the user of the emulator chooses about all sandboxes."""

from dataclasses import dataclass

from .limits import LIMITS, Limits


@dataclass(frozen=True)
class Settings:
    """The options of `streamify serve` that concern sandboxes, with their defaults."""

    limits: Limits = LIMITS
    max_sandboxes: int = 1000
    """Of a function that reserves no concurrency. 1000 is AWS's quota of an account (Lambda quotas)."""


DEFAULTS = Settings()
