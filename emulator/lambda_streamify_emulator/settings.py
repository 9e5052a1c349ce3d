"""What the user of the emulator chooses about all sandboxes."""

from dataclasses import dataclass

from .limits import LIMITS, Limits


@dataclass(frozen=True)
class Settings:
    """The options of `streamify serve` that concern sandboxes, with their defaults."""

    limits: Limits = LIMITS


DEFAULTS = Settings()
