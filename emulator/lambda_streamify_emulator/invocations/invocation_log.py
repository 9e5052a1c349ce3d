"""The platform's lines in the log of a function, START, END and REPORT, and the end of an invocation's log.

Sources: AWS Lambda Developer Guide, "Viewing logs for Python functions"; API Reference, "Invoke", LogResult: the last
4 KB of the log. That init is billed (since August 2025) and what REPORT says of an invocation that the platform has
ended, as seen in logs of 2026.
"""

import asyncio
import base64
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

TAIL_SIZE = 4096  # bytes


class LogTail:
    """The last lines of one invocation's log."""

    def __init__(self) -> None:
        self._text = b""
        self._complete = asyncio.Event()

    def add(self, line: str) -> None:
        """The next line."""
        self._text = (self._text + line.encode("utf-8", "replace") + b"\n")[-TAIL_SIZE:]

    def end(self) -> None:
        """There is no further line."""
        self._complete.set()

    async def result(self) -> str:
        """The text in base64, once it is complete: when the runtime has asked for the next event, or has ended."""
        await self._complete.wait()
        return base64.b64encode(self._text).decode()


@dataclass(frozen=True)
class Outcome:
    """What REPORT says of how an invocation ended. `memory` is the most that was used so far, in bytes, if known."""

    memory: int | None = None
    duration: float | None = None
    """Seconds, if it is not the time since the start."""
    error_type: str | None = None
    """Of an error that the platform has found; a function's own errors are not mentioned."""
    timed_out: bool = False


class InvocationLog:
    """The log of one sandbox. `memory` is its size in MB, `clock` gives seconds."""

    def __init__(self, log: Callable[[str], None], memory: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._memory = memory
        self._clock = clock
        self._created = clock()
        self._init: float | None = None
        self._cold = True
        self._request_id = ""
        self._tail = LogTail()
        self._started: float | None = None

    def begin(self, request_id: str, tail: LogTail) -> None:
        """What is printed from now on belongs to this invocation; the first one's init does too."""
        self._request_id, self._tail, self._started = request_id, tail, None

    def line(self, text: str) -> None:
        """A line that a process of the sandbox has printed, or one about how it ended."""
        self._tail.add(text)
        self._log(text)

    def start(self) -> None:
        """The runtime has been given the event."""
        if self._started is None:
            self._started = self._clock()
            if self._cold:
                self._init = self._started - self._created
            self._say_start()

    def end(self, outcome: Outcome) -> None:
        """The invocation is over: the runtime asks for the next one, or has ended."""
        duration = outcome.duration
        if self._started is None:  # init did not get as far: AWS repeats it as a part of the invocation
            self._started, duration = self._created, None
            self._say_start()
        if duration is None:
            duration = self._clock() - self._started
        self.line(f"END RequestId: {self._request_id}")
        self.line("\t".join(self._report(duration, outcome)) + "\t")
        self._tail.end()
        self._tail, self._cold, self._init = LogTail(), False, None

    def _say_start(self) -> None:
        self.line(f"START RequestId: {self._request_id} Version: $LATEST")

    def _report(self, duration: float, outcome: Outcome) -> list[str]:
        billed = math.ceil(round((duration + (self._init or 0)) * 1000, 3))  # of the time to the microsecond
        fields = [
            f"REPORT RequestId: {self._request_id}",
            f"Duration: {duration * 1000:.2f} ms",
            f"Billed Duration: {billed} ms",
            f"Memory Size: {self._memory} MB",
        ]
        if outcome.memory is not None:
            fields.append(f"Max Memory Used: {min(math.ceil(outcome.memory / 1024**2), self._memory)} MB")
        if self._init is not None:
            fields.append(f"Init Duration: {self._init * 1000:.2f} ms")
        if outcome.timed_out:
            fields.append("Status: timeout")
        elif outcome.error_type is not None:
            fields += ["Status: error", f"Error Type: {outcome.error_type}"]
        return fields
