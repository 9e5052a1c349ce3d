"""How a recording is played: the times of its events, its head, and how the stream ends.

This module and the modules that it imports use only the standard library, because `functions/replay` contains copies of
them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ReplayedDisconnect, ReplayedError
from ..recordings.recording import END, ERROR, HIDDEN
from .faults import MICROSECONDS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from ..recordings.recording import Event
    from .clocks import Clock


def at_their_times(events: Iterable[Event], clock: Clock, start: float | None = None) -> Iterator[Event]:
    """Yield each event at its time, counted from `start`, or else from the first `next`.

    A late event does not delay the others.
    """
    start = clock.now() if start is None else start
    for event in events:
        clock.wait_until(start + event.time / MICROSECONDS_PER_SECOND)
        yield event


class Outcome:
    """How a stream ended, given its events. `failure` is the error to raise at its end, or None."""

    def __init__(self) -> None:
        self.failure: ReplayedError | ReplayedDisconnect | None = None

    def add(self, event: Event) -> None:
        """Add the next event."""
        if event.code == ERROR:
            self.failure = ReplayedError(event.data["type"], event.data["message"])
        elif event.code == END and event.data["reason"] == "disconnect":
            chunks = event.data["chunks"]
            self.failure = ReplayedDisconnect(f"the connection breaks after {chunks} chunk{'s' * (chunks != 1)}")
        elif event.code == END and self.failure is None:
            implied = _IMPLIED_ERRORS.get(event.data["reason"])
            self.failure = implied and ReplayedError(*implied)


# Type and message of the error that an end implies if no error event precedes it.
_IMPLIED_ERRORS = {
    "timeout": ("Sandbox.Timedout", "the function timed out"),
    "error": ("Unknown", "the recording does not say which error"),
}


def without_hidden(head: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the head without hidden values, and the names of the headers and cookies that were hidden."""
    headers = {name: value for name, value in head["headers"].items() if value != HIDDEN}
    cookies = [cookie for cookie in head["cookies"] if not cookie.endswith(f"={HIDDEN}")]
    names = [name for name in head["headers"] if name not in headers]
    names += [f"cookie {cookie.partition('=')[0]}" for cookie in head["cookies"] if cookie not in cookies]
    return {**head, "headers": headers, "cookies": cookies}, names
