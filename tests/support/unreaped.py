"""What runs the emulator's programs in tests that no emulator runs in."""

from lambda_streamify_emulator.building.programs import Programs
from lambda_streamify_emulator.processes.reaper import Reaper


class NoReaper(Reaper):
    """A reaper that never comes."""

    def __init__(self) -> None:
        """Start no process."""

    def add(self, group: int, *marks: str) -> None:
        """Take no note."""

    def remove(self, group: int) -> None:
        """Take no note."""


RUN = Programs(NoReaper()).run
