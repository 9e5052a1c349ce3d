"""What the dashboard shows: the last invocations with their chunks over time, and the last lines of functions' logs.

It is bounded, and nothing in it waits for who looks at it: each change has a number, and a page asks for what is newer
than what it has. A page that is slow misses what lies between, never the newest state.
"""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any

from ..errors import PreludeError
from ..invocations.prelude import CONTENT_TYPE, PreludeParser
from ..invocations.recording_channel import REASONS
from ..invocations.watched_channel import Watcher
from ..recordings.marks import Marks
from ..recordings.recording import error_message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..invocations.channel import FunctionError

INVOCATIONS = 100
LINES = 300  # of each function
LINE_LENGTH = 2000  # characters
SLOTS = 512  # of a timeline
MESSAGE_LENGTH = 500


class Activity:
    """Sees all invocations of an emulator. `clock` counts seconds, `today` is the time of day."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], float] = time.time,
        keep: int = INVOCATIONS,
    ) -> None:
        self.run = secrets.token_hex(8)
        """Tells one emulator from the next on the same port."""
        self.version = 0
        """The number of the last change."""
        self.is_over = False
        self._clock = clock
        self._today = today
        self._keep = keep
        self._invocations: OrderedDict[int, WatchedInvocation] = OrderedDict()
        self._count = 0
        self._lines: dict[str, deque[tuple[int, str]]] = {}

    def watch(self, function: str, request_id: str) -> WatchedInvocation:
        """An invocation begins."""
        self._count += 1
        known = {"number": self._count, "function": function, "request_id": request_id, "began": self._today()}
        watched = WatchedInvocation(known, self._clock, self.next_version)
        self._invocations[self._count] = watched
        if len(self._invocations) > self._keep:
            self._invocations.popitem(last=False)
        return watched

    def log(self, function: str, line: str) -> None:
        """A function has printed a line."""
        lines = self._lines.setdefault(function, deque(maxlen=LINES))
        lines.append((self.next_version(), line if len(line) <= LINE_LENGTH else f"{line[:LINE_LENGTH]} …"))

    def logged(self, log: Callable[[str, str], None]) -> Callable[[str, str], None]:
        """A function that has each line here and in `log`."""

        def both(function: str, line: str) -> None:
            self.log(function, line)
            log(function, line)

        return both

    def next_version(self) -> int:
        """Something has changed."""
        self.version += 1
        return self.version

    def since(self, version: int) -> dict[str, Any]:
        """What has changed after this version; after 0, all there is."""
        logs = {name: [line for number, line in lines if number > version] for name, lines in self._lines.items()}
        return {
            "version": self.version,
            "invocations": [one.as_dict() for one in self._invocations.values() if one.version > version],
            "logs": {name: lines for name, lines in logs.items() if lines},
        }

    def end(self) -> None:
        """The emulator stops."""
        self.is_over = True


class WatchedInvocation(Watcher):
    """One invocation. Its figures are those of what the runtime writes, without the prelude; times are microseconds."""

    def __init__(self, known: Mapping[str, Any], clock: Callable[[], float], change: Callable[[], int]) -> None:
        self._known = known
        self._clock = clock
        self._change = change
        self._start = clock()
        self._parser: PreludeParser | None = None
        self._status: int | None = None
        self._size = 0  # of the chunk that is under way
        self._first_byte: int | None = None
        self._latest: int | None = None
        self._gap: int | None = None
        self._chunks = self._bytes = 0
        self._marks = Marks(SLOTS)
        self._end: int | None = None
        self._reason: str | None = None
        self._error: dict[str, str] | None = None
        self._left = False
        self.version = change()
        """When it last changed."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON. `marks` are arrays of slot, chunks and bytes; a slot is `slot` microseconds long."""
        return {
            **self._known,
            "elapsed": self._elapsed() if self._end is None else self._end,
            "status": self._status,
            "first_byte": self._first_byte,
            "largest_gap": self._gap,
            "chunks": self._chunks,
            "bytes": self._bytes,
            "reason": self._reason,
            "error": self._error,
            "left": self._left,
            "slot": self._marks.slot,
            "marks": [[slot, *held] for slot, held in self._marks.counts.items()],
        }

    def start(self, content_type: str) -> None:
        """The response begins."""
        if content_type == CONTENT_TYPE:
            self._parser = PreludeParser()

    def write(self, data: bytes) -> None:
        """The next bytes."""
        if self._first_byte is None and data:
            self._first_byte = self._elapsed()
        self._size += len(data) if self._parser is None else len(self._behind_prelude(self._parser, data))

    def border(self) -> None:
        """A chunk is complete."""
        size, self._size = self._size, 0
        if size:
            at = self._elapsed()
            if self._latest is not None:
                self._gap = max(self._gap or 0, at - self._latest)
            self._latest = at
            self._chunks += 1
            self._bytes += size
            self._marks.add(at, size)
        self.version = self._change()

    def end(self, error: FunctionError | None) -> None:
        """The response is complete, or failed."""
        self._end = self._elapsed()
        self._reason = "end"
        if error is not None:
            self._reason = REASONS.get(error.error_type, "error")
            message = error_message(error.details.decode("utf-8", "replace"))
            self._error = {"type": error.error_type, "message": message[:MESSAGE_LENGTH]}
        self.version = self._change()

    def leave(self) -> None:
        """The client reads no more."""
        if self._end is None:
            self._left = True
            self.version = self._change()

    def _elapsed(self) -> int:
        return int((self._clock() - self._start) * 1_000_000)

    def _behind_prelude(self, parser: PreludeParser, data: bytes) -> bytes:
        try:
            found = parser.feed(data)
        except PreludeError:  # what is wrong with it is told where the client is answered
            self._parser = None
            return b""
        if found is None:
            return b""
        self._parser = None
        self._status = found[0].status
        return found[1]
