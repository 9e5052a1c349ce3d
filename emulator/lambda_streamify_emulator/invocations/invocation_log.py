"""The log of a function: the platform's START, END and REPORT lines, and the last lines of each invocation.

Sources: AWS Lambda Developer Guide, "Viewing logs for Python functions"; API Reference, "Invoke", LogResult: the last
4 KB of the log. Seen in logs of 2026: init is billed (since August 2025), and the text of REPORT for an invocation that
the platform has ended.
"""

import asyncio
import base64
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

TAIL_LIMIT_BYTES = 4096
KEPT_LIMIT_BYTES = 16 * 1024  # what the dashboard shows


class LogTail:
    """The last lines of one invocation's log."""

    def __init__(self) -> None:
        self._text = b""
        self._complete = asyncio.Event()

    def add(self, line: str) -> None:
        """Add the next line."""
        self._text = (self._text + line.encode("utf-8", "replace") + b"\n")[-KEPT_LIMIT_BYTES:]

    def end(self) -> None:
        """Complete the log: there is no further line."""
        self._complete.set()

    async def result(self) -> str:
        """Wait until the log is complete; return it in base64.

        It is complete when the runtime asks for the next event, or has ended.
        """
        await self._complete.wait()
        return base64.b64encode(self._text[-TAIL_LIMIT_BYTES:]).decode()

    @property
    def text(self) -> str:
        """The last lines so far, KEPT_LIMIT_BYTES at most."""
        return self._text.decode("utf-8", "replace")


@dataclass(frozen=True)
class Outcome:
    """How an invocation ended, for its REPORT line. `memory` is the peak use so far in bytes, None if unknown."""

    memory: int | None = None
    duration: float | None = None
    """In seconds; None for the time since the start."""
    error_type: str | None = None
    """The type of an error that the platform found. REPORT does not mention the function's own errors."""
    timed_out: bool = False


@dataclass(frozen=True)
class Report:
    """The content of a REPORT line. Durations are in milliseconds, memory is in MB."""

    request_id: str
    duration: float
    billed_duration: int
    memory_size: int
    memory_used: int | None
    init_duration: float | None
    """None on a warm start."""
    status: str = "success"
    """Or "timeout", or "error" if the platform found one."""
    error_type: str | None = None

    def __str__(self) -> str:
        fields = [
            f"REPORT RequestId: {self.request_id}",
            f"Duration: {self.duration:.2f} ms",
            f"Billed Duration: {self.billed_duration} ms",
            f"Memory Size: {self.memory_size} MB",
        ]
        if self.memory_used is not None:
            fields.append(f"Max Memory Used: {self.memory_used} MB")
        if self.init_duration is not None:
            fields.append(f"Init Duration: {self.init_duration:.2f} ms")
        if self.status != "success":
            fields.append(f"Status: {self.status}")
        if self.error_type is not None:
            fields.append(f"Error Type: {self.error_type}")
        return "\t".join(fields) + "\t"


class InvocationLog:
    """The log of one sandbox, which runs one invocation at a time.

    `memory` is its memory size in MB, `clock` returns seconds. Without `cold`, init is no part of an invocation.
    """

    def __init__(
        self,
        log: Callable[[str], None],
        memory: int,
        clock: Callable[[], float] = time.monotonic,
        *,
        cold: bool = True,
    ) -> None:
        self._log = log
        self._memory = memory
        self._clock = clock
        self._created = clock()
        self._init: float | None = None
        self._cold = cold
        self._request_id = ""
        self._tail = LogTail()
        self._started: float | None = None

    def of(self, _: str) -> "InvocationLog":
        """Return the log of the invocation with this request id, which is the one that runs."""
        return self

    def begin(self, request_id: str, tail: LogTail) -> None:
        """Assign the following lines to this invocation. The output of init belongs to the first one."""
        self._request_id, self._tail, self._started = request_id, tail, None

    def line(self, text: str) -> None:
        """Log a line that a process of the sandbox printed, or one about how the process ended.

        A record of several lines contains carriage returns. The tail keeps them, as on AWS; the log shows each part as
        a line.
        """
        self._tail.add(text)
        for part in text.rstrip("\r").split("\r"):
            self._log(part)

    def start(self) -> None:
        """Log START: the runtime has received the event."""
        if self._started is None:
            self._started = self._clock()
            if self._cold:
                self._init = self._started - self._created
            self._log_start()

    def end(self, outcome: Outcome) -> Report:
        """Log END and REPORT, and return the report: the runtime has asked for the next event, or has ended."""
        duration = outcome.duration
        if self._started is None:  # init did not complete: AWS repeats it as part of the invocation
            self._started, duration = self._created, None
            self._log_start()
        if duration is None:
            duration = self._clock() - self._started
        self.line(f"END RequestId: {self._request_id}")
        report = self._report(duration, outcome)
        self.line(str(report))
        self._tail.end()
        self._tail, self._cold, self._init = LogTail(), False, None
        return report

    def _log_start(self) -> None:
        self.line(f"START RequestId: {self._request_id} Version: $LATEST")

    def _report(self, duration: float, outcome: Outcome) -> Report:
        used = None if outcome.memory is None else min(math.ceil(outcome.memory / 1024**2), self._memory)
        error_type = None if outcome.timed_out else outcome.error_type
        return Report(
            request_id=self._request_id,
            duration=duration * 1000,
            billed_duration=math.ceil(round((duration + (self._init or 0)) * 1000, 3)),  # to microseconds first
            memory_size=self._memory,
            memory_used=used,
            init_duration=None if self._init is None else self._init * 1000,
            status="timeout" if outcome.timed_out else "success" if error_type is None else "error",
            error_type=error_type,
        )
