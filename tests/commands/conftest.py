"""What the tests of the commands share."""

from emulator_fixtures import emulator

__all__ = ["emulator"]
