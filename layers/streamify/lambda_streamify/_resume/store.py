"""What a store of runs has to do. This module is imported for its types only."""

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .run import Run


class Store(Protocol):
    """Where runs are kept. Each method may raise any exception, and may be called in any thread.

    batch_seconds  float, how long the writer collects events before it stores them together
    poll_seconds   float, how often a reader asks for news
    """

    batch_seconds: float
    poll_seconds: float

    def begin(self, key: str, run_id: str) -> bool:
        """Create a run without events unless `key` has a run, in one step. Return whether it was created."""

    def find(self, key: str) -> "Run | None":
        """Return the run of `key`, or None. All that `append` has returned for is visible."""

    def append(self, key: str, run_id: str, first: int, events: "Sequence[bytes]") -> "Run | None":
        """Keep `events`, whose numbers begin with `first`, and raise `beats`. `events` may be empty.

        Returns the run as it is now. Returns None, and the run is unchanged, if it is not this one or not running.
        """

    def read(self, key: str, run: "Run", after: int) -> "Sequence[bytes]":
        """Return events of `run` with numbers above `after`, in order, up to `run.last`: one or more."""

    def end(self, key: str, run_id: str, state: str, beats: "int | None" = None) -> bool:
        """Set the state of a running run, in one step. Return whether it was set.

        With `beats`, nothing is set if the run has another number of beats.
        """

    def request_stop(self, key: str) -> bool:
        """Ask the writer of the run of `key` to stop. Return whether there is a run that is running."""
