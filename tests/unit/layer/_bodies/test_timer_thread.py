import threading
from queue import SimpleQueue

import pytest

from lambda_streamify._bodies.timer_thread import TimerThread
from simulated_time import SimulatedTime
from waiting import TIMEOUT_S


class Scenario:
    """A timer in simulated time. `due` is the time of the next call, and `calls` has the times of past ones."""

    def __init__(self) -> None:
        self.time = SimulatedTime()
        self.due: float | None = None
        self.calls: list[float] = []
        self.timer = TimerThread("timer", self._seconds_left, self._callback, self.time.condition())

    def set(self, due: float) -> None:
        with self.timer.lock:
            self.due = due
            self.timer.start()

    def _seconds_left(self) -> float | None:
        return None if self.due is None else self.due - self.time.clock()

    def _callback(self) -> None:
        self.calls.append(self.time.clock())
        self.due = None


def test_the_callback_runs_when_it_is_due_and_not_before() -> None:
    scene = Scenario()
    with scene.timer:
        scene.set(15)
        scene.time.advance(14)
        assert scene.calls == []
        scene.time.advance(1)
        assert scene.calls == [15]
        scene.time.advance(100)
        assert scene.calls == [15]


def test_the_thread_is_idle_until_there_is_something_to_wait_for() -> None:
    scene = Scenario()
    with scene.timer:
        scene.set(5)
        scene.time.advance(5)
        scene.time.advance(5)
        scene.set(20)
        scene.time.advance(10)
        assert scene.calls == [5, 20]


def test_a_postponed_callback_runs_later() -> None:
    scene = Scenario()
    with scene.timer:
        scene.set(10)
        scene.time.advance(9)
        scene.set(19)
        scene.time.advance(1)
        assert scene.calls == []
        scene.time.advance(9)
        assert scene.calls == [19]


def test_the_thread_exists_from_start_to_the_end_of_the_block() -> None:
    scene = Scenario()
    before = threading.active_count()
    with scene.timer:
        assert threading.active_count() == before
        scene.set(1)
        scene.set(2)
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_an_error_of_the_block_ends_the_thread_too() -> None:
    scene = Scenario()
    before = threading.active_count()

    def block() -> None:
        with scene.timer:
            scene.set(1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        block()
    assert threading.active_count() == before


def fail() -> None:
    raise ConnectionError("gone")


def test_an_error_of_the_callback_is_raised_by_check_and_by_the_end_of_the_block() -> None:
    called: SimpleQueue[None] = SimpleQueue()

    def callback() -> None:
        called.put(None)
        fail()

    timer = TimerThread("timer", lambda: 0.0, callback, threading.Condition())

    def block() -> None:
        with timer:
            with timer.lock:
                timer.start()
            called.get(timeout=TIMEOUT_S)  # the lock is held until the failure is known
            with timer.lock, pytest.raises(ConnectionError, match="gone"):
                timer.check()

    with pytest.raises(ConnectionError, match="gone"):
        block()


def test_an_error_of_the_block_has_the_callbacks_error_as_its_context() -> None:
    called: SimpleQueue[None] = SimpleQueue()

    def callback() -> None:
        called.put(None)
        fail()

    timer = TimerThread("timer", lambda: 0.0, callback, threading.Condition())

    def block() -> None:
        with timer:
            with timer.lock:
                timer.start()
            called.get(timeout=TIMEOUT_S)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        block()
    assert isinstance(caught.value.__context__, ConnectionError)


def test_a_callback_that_is_always_due_leaves_the_lock_to_others() -> None:
    timer = TimerThread("timer", lambda: 0.0, lambda: None, threading.Condition())
    with timer:
        with timer.lock:
            timer.start()
        for _ in range(100):
            with timer.lock:
                timer.check()


def test_an_infinite_wait_is_limited_to_the_longest_timeout() -> None:
    waits: SimpleQueue[None] = SimpleQueue()

    class Watched(threading.Condition):
        def wait(self, timeout: float | None = None) -> bool:
            waits.put(None)
            return super().wait(timeout)

    timer = TimerThread("timer", lambda: float("inf"), fail, Watched())
    with timer:
        with timer.lock:
            timer.start()
        waits.get(timeout=TIMEOUT_S)
        with timer.lock:
            timer.check()
