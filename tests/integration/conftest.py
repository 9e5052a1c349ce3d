"""What the tests of the emulator share."""

from emulator_fixtures import emulator, sdk

__all__ = ["emulator", "sdk"]
