import threading
from queue import SimpleQueue

import pytest

from lambda_streamify.alarm import Alarm
from simulated_time import SimulatedTime
from waiting import PATIENCE


class Bell:
    """An alarm that is due `every` seconds after it has rung, and the seconds at which it rang."""

    def __init__(self) -> None:
        self.time = SimulatedTime()
        self.due: float | None = None
        self.rang: list[float] = []
        self.alarm = Alarm("bell", self._seconds_left, self._rings, self.time.condition())

    def set(self, due: float) -> None:
        with self.alarm.lock:
            self.due = due
            self.alarm.start()

    def _seconds_left(self) -> float | None:
        return None if self.due is None else self.due - self.time.clock()

    def _rings(self) -> None:
        self.rang.append(self.time.clock())
        self.due = None


def test_it_rings_when_it_is_time_and_not_before() -> None:
    bell = Bell()
    with bell.alarm:
        bell.set(15)
        bell.time.advance(14)
        assert bell.rang == []
        bell.time.advance(1)
        assert bell.rang == [15]
        bell.time.advance(100)
        assert bell.rang == [15]


def test_it_waits_for_nothing_until_there_is_something_to_wait_for() -> None:
    bell = Bell()
    with bell.alarm:
        bell.set(5)
        bell.time.advance(5)
        bell.time.advance(5)
        bell.set(20)
        bell.time.advance(10)
        assert bell.rang == [5, 20]


def test_what_is_put_off_rings_later() -> None:
    bell = Bell()
    with bell.alarm:
        bell.set(10)
        bell.time.advance(9)
        bell.set(19)
        bell.time.advance(1)
        assert bell.rang == []
        bell.time.advance(9)
        assert bell.rang == [19]


def test_there_is_no_thread_before_it_is_started_and_none_after_the_block() -> None:
    bell = Bell()
    before = threading.active_count()
    with bell.alarm:
        assert threading.active_count() == before
        bell.set(1)
        bell.set(2)
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_an_error_of_the_block_ends_the_thread_too() -> None:
    bell = Bell()
    before = threading.active_count()

    def block() -> None:
        with bell.alarm:
            bell.set(1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        block()
    assert threading.active_count() == before


def fail() -> None:
    raise ConnectionError("gone")


def test_what_it_fails_with_is_raised_where_it_is_asked_for_and_at_the_end() -> None:
    rung: SimpleQueue[None] = SimpleQueue()

    def ring() -> None:
        rung.put(None)
        fail()

    alarm = Alarm("bell", lambda: 0.0, ring, threading.Condition())

    def block() -> None:
        with alarm:
            with alarm.lock:
                alarm.start()
            rung.get(timeout=PATIENCE)  # the lock is held until the failure is known
            with alarm.lock, pytest.raises(ConnectionError, match="gone"):
                alarm.check()

    with pytest.raises(ConnectionError, match="gone"):
        block()


def test_an_error_of_the_block_comes_with_that_of_the_alarm() -> None:
    rung: SimpleQueue[None] = SimpleQueue()

    def ring() -> None:
        rung.put(None)
        fail()

    alarm = Alarm("bell", lambda: 0.0, ring, threading.Condition())

    def block() -> None:
        with alarm:
            with alarm.lock:
                alarm.start()
            rung.get(timeout=PATIENCE)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        block()
    assert isinstance(caught.value.__context__, ConnectionError)


def test_one_that_is_always_due_leaves_others_the_lock() -> None:
    alarm = Alarm("bell", lambda: 0.0, lambda: None, threading.Condition())
    with alarm:
        with alarm.lock:
            alarm.start()
        for _ in range(100):
            with alarm.lock:
                alarm.check()


def test_a_wait_that_no_clock_can_count_is_a_long_one() -> None:
    waits: SimpleQueue[None] = SimpleQueue()

    class Watched(threading.Condition):
        def wait(self, timeout: float | None = None) -> bool:
            waits.put(None)
            return super().wait(timeout)

    alarm = Alarm("bell", lambda: float("inf"), fail, Watched())
    with alarm:
        with alarm.lock:
            alarm.start()
        waits.get(timeout=PATIENCE)
        with alarm.lock:
            alarm.check()
