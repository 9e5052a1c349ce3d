"""Watches the event loop: a handler that blocks it holds all other invocations, and the log says where.

A thread asks the event loop for an answer, again and again while an invocation runs. It waits in several short waits:
after the environment was frozen and thawed, one of them ends at once, which does not mean that the loop is blocked.
"""

import os
import sys
from asyncio import current_task, events
from threading import Event, Thread, get_ident

from .._core import current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from types import FrameType

    from .._runtime.logs import Logs

    Call = tuple[str, int, str]  # file, line and function

INTERVAL_S = 0.25
WAITS = 3  # a loop that is blocked for a second misses them all, whenever the second begins

_PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep
_CALLERS_OF_TASKS = (events.__file__, _PACKAGE + os.path.join("_concurrency", "tasks.py"))  # the latter under uvloop
_STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep


class LoopWatch:
    """Watches `loop`, which runs in the thread that creates this. Its `with` block is one invocation."""

    def __init__(self, loop: "AbstractEventLoop", logs: "Logs") -> None:
        self._loop = loop
        self._logs = logs
        self._thread_id = get_ident()
        self._busy = Event()
        self._stopped = Event()
        self._running = 0
        self._reported: set[tuple[str, int]] = set()
        self._thread = Thread(target=self._watch, name="streamify-loop-watch", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Let the thread end."""
        self._stopped.set()
        self._busy.set()

    def __enter__(self) -> None:
        """Note that an invocation begins."""
        self._running += 1
        if self._running == 1:
            self._busy.set()

    def __exit__(self, *_: object) -> None:
        """Note that an invocation has ended."""
        self._running -= 1
        if self._running == 0:
            self._busy.clear()  # a frozen environment must have nothing to do

    def _watch(self) -> None:
        while self._busy.wait() and not self._stopped.wait(INTERVAL_S):
            if not self._busy.is_set():
                continue
            answered = Event()
            try:
                self._loop.call_soon_threadsafe(answered.set)
            except RuntimeError:  # the loop is closed
                return
            if not any(answered.wait(INTERVAL_S) for _ in range(WAITS)):
                self._report()
                while not answered.wait(INTERVAL_S) and not self._stopped.is_set():
                    pass

    def _report(self) -> None:
        """Log where the event loop is, once for each place."""
        task = current_task(self._loop)
        frame = sys._current_frames().get(self._thread_id)  # noqa: SLF001 - documented, for this purpose
        calls = _calls(frame)
        if not calls:
            return
        place = next((call for call in reversed(calls) if not call[0].startswith(_STANDARD_LIBRARY)), calls[-1])[:2]
        if place in self._reported:
            return
        self._reported.add(place)
        get_context = getattr(task, "get_context", None)  # from Python 3.12 on
        # For the request id of the log line. A callback may belong to no task.
        current.running.set(get_context().get(current.running) if get_context is not None else None)
        path = " < ".join(f"{file}:{line} in {name}" for file, line, name in reversed(calls))
        self._logs.line(
            "WARNING",
            f"the event loop has been blocked for about a second, which holds all invocations of this process: {path};"
            " await instead, or call what blocks with asyncio.to_thread",
        )


def _calls(frame: "FrameType | None") -> "list[Call]":
    """Return the calls that lead to `frame`, from the first of the function's own on."""
    calls: list[Call] = []
    while frame is not None and frame.f_code.co_filename not in _CALLERS_OF_TASKS:
        calls.append((frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name))
        frame = frame.f_back
    while calls and calls[-1][0].startswith(_PACKAGE):
        del calls[-1]
    return calls[::-1]
