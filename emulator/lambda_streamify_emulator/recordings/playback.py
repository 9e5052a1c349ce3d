"""How the events of a recording are played: when, with which head, and what ends them.

This module and what it imports need the standard library only: `functions/replay` carries copies of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ReplayedDisconnect, ReplayedError
from .faults import MICROSECONDS
from .recording import END, ERROR, HIDDEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from .clocks import Clock
    from .recording import Event


def at_their_times(events: Iterable[Event], clock: Clock) -> Iterator[Event]:
    """The events, each at its time since the first one was asked for: one that is late makes no other one late."""
    start = clock.now()
    for event in events:
        clock.wait_until(start + event.time / MICROSECONDS)
        yield event


class Outcome:
    """What became of a stream, by its events: `failure` is what those who read it get at its end."""

    def __init__(self) -> None:
        self.failure: ReplayedError | ReplayedDisconnect | None = None

    def add(self, event: Event) -> None:
        """The next event. An error tells why a connection broke, if the end says that it did."""
        if event.code == ERROR:
            self.failure = ReplayedError(event.data["type"], event.data["message"])
        elif event.code == END and event.data["reason"] == "disconnect":
            chunks = event.data["chunks"]
            self.failure = ReplayedDisconnect(f"the connection breaks after {chunks} chunk{'s' * (chunks != 1)}")
        elif event.code == END and self.failure is None:
            untold = _UNTOLD.get(event.data["reason"])
            self.failure = untold and ReplayedError(*untold)


# Type and message of an error that has no event.
_UNTOLD = {
    "timeout": ("Sandbox.Timedout", "the function timed out"),
    "error": ("Unknown", "the recording does not say which error"),
}


def without_hidden(head: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A head with what was recorded only, and the names of the headers and cookies that were not."""
    headers = {name: value for name, value in head["headers"].items() if value != HIDDEN}
    cookies = [cookie for cookie in head["cookies"] if not cookie.endswith(f"={HIDDEN}")]
    names = [name for name in head["headers"] if name not in headers]
    names += [f"cookie {cookie.partition('=')[0]}" for cookie in head["cookies"] if cookie not in cookies]
    return {**head, "headers": headers, "cookies": cookies}, names
