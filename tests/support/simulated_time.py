"""Time that passes when a test says so: for threads that wait for it, which are real, and for an event loop."""

import asyncio
import selectors
from collections.abc import Coroutine
from threading import Condition, Event
from typing import Any, TypeVar

from waiting import TIMEOUT_S

Result = TypeVar("Result")


class SimulatedTime:
    """A clock, and conditions that one thread waits for, both in the hands of the test. One condition each."""

    def __init__(self) -> None:
        self._now = 0.0
        self._waits = Event()
        self._condition = _PatientCondition(self._waits)

    def clock(self) -> float:
        """Return the seconds that have passed."""
        return self._now

    def condition(self) -> Condition:
        """Return the condition; to wait for it with a timeout is to wait for the test."""
        return self._condition

    def advance(self, seconds: float) -> None:
        """Let time pass; return when the thread has done what was then due and waits again."""
        with self._condition:
            self._now += seconds
            self._waits.clear()
            self._condition.notify_all()
        assert self._waits.wait(TIMEOUT_S), "the thread does not wait for the time any more"


class _PatientCondition(Condition):
    def __init__(self, waits: Event) -> None:
        super().__init__()
        self._waits = waits

    def wait(self, timeout: float | None = None) -> bool:
        self._waits.set()
        return super().wait()


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting until something is due, makes it due."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout:
            self.now += timeout
        return ready if ready or timeout is not None else super().select(TIMEOUT_S)


class _SimulatedLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def run_simulated(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a test's coroutine in an event loop whose clock jumps to what is due next. No task may be left over."""
    lost: list[dict[str, Any]] = []
    loop = _SimulatedLoop()
    loop.set_exception_handler(lambda _, context: lost.append(context))
    try:
        result = loop.run_until_complete(coroutine)
        assert asyncio.all_tasks(loop) == set()
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()
    assert not lost
    return result
