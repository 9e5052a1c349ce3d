"""Collects what the dashboard shows: the latest requests and invocations, and the latest log lines.

The memory is bounded, and nothing waits for a page. Each change has a number, and a page asks for the changes after the
last number that it knows. A slow page misses intermediate states, never the newest one.
"""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any

from .invocation import WatchedInvocation
from .row import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..invocations.invocation import Invocation
    from ..web.exchange import Exchange

ROW_LIMIT = 100
LINE_LIMIT = 300  # per function
LINE_LENGTH_LIMIT = 2000  # characters


class Activity:
    """Collects the requests, the invocations and the log lines of an emulator.

    `clock` returns monotonic seconds, `wall_clock` seconds since the epoch. `limit` is the number of rows kept.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        limit: int = ROW_LIMIT,
    ) -> None:
        self.run = secrets.token_hex(8)
        """A random id, which tells a page that another emulator now serves the same port."""
        self.version = 0
        """The number of the last change."""
        self.is_over = False
        self._clock = clock
        self._wall_clock = wall_clock
        self._limit = limit
        self._rows: OrderedDict[int, Row] = OrderedDict()
        self._count = 0
        self._of_exchange: dict[Exchange, Row] = {}  # those that run
        self._of_request: dict[str, Row] = {}  # those of front ends, by request id
        self._lines: dict[str, deque[tuple[int, str]]] = {}
        self._states: dict[str, tuple[int, str | None]] = {}
        self._sandboxes: dict[str, tuple[int, Sequence[dict[str, Any]]]] = {}
        self._problems: Sequence[dict[str, Any]] = ()
        self._problems_version = 0

    def note(self, exchange: Exchange) -> None:
        """Take over a change of a request to a front end; the first one begins a row."""
        row = self._of_exchange.get(exchange)
        if row is None:
            row = self._of_exchange[exchange] = self._begin(Row(exchange.began, exchange=exchange))
        if exchange.request_id is not None and row.number in self._rows:
            self._of_request[exchange.request_id] = row
        if exchange.ending is not None:
            del self._of_exchange[exchange]
        row.version = self.next_version()

    def watch(self, function: str, invocation: Invocation) -> WatchedInvocation:
        """Return the watcher of an invocation that begins now."""
        row = self._of_request.get(invocation.request_id)
        if row is None or row.invocation is not None:  # not from a front end
            row = self._begin(Row(self._wall_clock()))
        row.waited = 0 if row.exchange is None else row.exchange.elapsed()
        row.invocation = WatchedInvocation(function, invocation, self._clock, self.next_version)
        return row.invocation

    def row(self, number: int) -> Row | None:
        """Return the row with this number; None if it is not kept."""
        return self._rows.get(number)

    def log(self, function: str, line: str) -> None:
        """Keep a line that a function printed; the end of a long one is cut off."""
        lines = self._lines.setdefault(function, deque(maxlen=LINE_LIMIT))
        lines.append((self.next_version(), line if len(line) <= LINE_LENGTH_LIMIT else f"{line[:LINE_LENGTH_LIMIT]} …"))

    def logged(self, log: Callable[[str, str], None]) -> Callable[[str, str], None]:
        """Return a function that passes each line both to `self.log` and to `log`."""

        def both(function: str, line: str) -> None:
            self.log(function, line)
            log(function, line)

        return both

    def show_state(self, function: str, state: str | None) -> None:
        """Keep what is done before a function can run, such as "installing requirements"; None when it is over."""
        self._states[function] = (self.next_version(), state)

    def show_sandboxes(self, function: str, sandboxes: Sequence[dict[str, Any]]) -> None:
        """Show these sandboxes of a function, as JSON objects, in place of those before."""
        self._sandboxes[function] = (self.next_version(), sandboxes)

    def show_problems(self, findings: Sequence[dict[str, Any]]) -> None:
        """Show these findings of `streamify check`, as JSON objects, in place of those before."""
        self._problems, self._problems_version = findings, self.next_version()

    def next_version(self) -> int:
        """Count a change; return its number."""
        self.version += 1
        return self.version

    def since(self, version: int) -> dict[str, Any]:
        """Return, for JSON, what changed after this version: everything, for 0.

        Each of the `lines` is an array of its number, the function's name and the text, in the order in which they were
        printed. `problems` is None if they have not changed.
        """
        lines = [
            (number, name, text) for name, kept in self._lines.items() for number, text in kept if number > version
        ]
        return {
            "version": self.version,
            "rows": [row.as_dict() for row in self._rows.values() if row.version > version],
            "lines": sorted(lines),
            "states": {name: state for name, (number, state) in self._states.items() if number > version},
            "sandboxes": {name: shown for name, (number, shown) in self._sandboxes.items() if number > version},
            "problems": self._problems if self._problems_version > version else None,
        }

    def end(self) -> None:
        """Mark the emulator as stopped."""
        self.is_over = True

    def _begin(self, row: Row) -> Row:
        self._count += 1
        row.number = self._count
        self._rows[row.number] = row
        if len(self._rows) > self._limit:
            _, oldest = self._rows.popitem(last=False)
            if oldest.exchange is not None:
                self._of_request.pop(oldest.exchange.request_id or "", None)
        return row
