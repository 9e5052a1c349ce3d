"""The log of a sandbox that runs several invocations at a time: each line goes to the invocation that it names.

A line names its invocation if it is a JSON object with a `requestId`, as AWS's clients write them where logs are JSON.
Other lines, such as those of `print`, belong to the sandbox alone.
"""

import json
from collections.abc import Callable

from .invocation_log import InvocationLog, LogTail

ENDED_LIMIT = 64  # invocations whose late lines are still recognised


class ConcurrentLog:
    """The log of one sandbox. `memory` is its memory size in MB."""

    def __init__(self, log: Callable[[str], None], memory: int) -> None:
        self._log = log
        self._memory = memory
        self._running: dict[str, InvocationLog] = {}
        self._tails: dict[str, LogTail] = {}  # also of invocations that have ended, the oldest first

    def begin(self, request_id: str, tail: LogTail) -> None:
        """Take lines for this invocation from now on."""
        log = self._running[request_id] = InvocationLog(self._log, self._memory, cold=False)
        log.begin(request_id, tail)
        self._tails.pop(request_id, None)  # of another attempt
        self._tails[request_id] = tail

    def of(self, request_id: str) -> InvocationLog:
        """Return the log of an invocation that runs."""
        return self._running[request_id]

    def forget(self, request_id: str) -> None:
        """Note that an invocation is over. Lines that come late still go to its tail."""
        del self._running[request_id]
        for ended in [known for known in self._tails if known not in self._running][:-ENDED_LIMIT]:
            del self._tails[ended]

    def line(self, text: str) -> None:
        """Log a line that a process of the sandbox printed."""
        tail = self._tails.get(_request_id(text))
        if tail is not None:
            tail.add(text)
        for part in text.rstrip("\r").split("\r"):
            self._log(part)


def _request_id(line: str) -> str:
    """Return the request id in a line of JSON; empty if there is none."""
    if not line.startswith("{") or '"requestId"' not in line:
        return ""
    try:
        found = json.loads(line).get("requestId")
    except (RecursionError, ValueError):
        return ""
    return found if isinstance(found, str) else ""
