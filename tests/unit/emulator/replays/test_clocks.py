import asyncio

from hypothesis import given
from hypothesis import strategies as st

from asynchronous import run
from lambda_streamify_emulator.replays.clocks import RealClock, VirtualClock


class Machine:
    """A clock, and a sleep with the coarse resolution of an event loop."""

    def __init__(self, oversleep: float) -> None:
        self.time = 100.0
        self.oversleep = oversleep
        self.slept: list[float] = []

    def now(self) -> float:
        self.time += 0.000_01  # reading the clock takes time
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds + self.oversleep

    async def async_sleep(self, seconds: float) -> None:
        self.sleep(seconds)

    def clock(self) -> RealClock:
        return RealClock(self.now, self.sleep, self.async_sleep)


def test_a_thread_sleeps_until_the_time() -> None:
    machine = Machine(oversleep=0.000_1)

    machine.clock().wait_until(102.0)

    assert 102.0 <= machine.time <= 102.000_3
    assert len(machine.slept) == 1


def test_a_sleep_that_ends_early_is_continued() -> None:
    machine = Machine(oversleep=0.000_1)
    RealClock(machine.now, lambda seconds: machine.sleep(seconds / 2)).wait_until(102.0)

    assert machine.time >= 102.0
    assert len(machine.slept) > 1


@given(st.floats(0, 0.001))
def test_a_task_is_not_late_by_the_resolution_of_its_event_loop(oversleep: float) -> None:
    machine = Machine(oversleep)
    machine.oversleep = 0.0
    first = True

    async def async_sleep(seconds: float) -> None:
        nonlocal first
        machine.time += seconds + (oversleep if first else 0.000_02)
        first = False

    asyncio.run(RealClock(machine.now, machine.sleep, async_sleep).await_until(102.0))

    assert 102.0 <= machine.time <= 102.000_1


def test_a_time_in_the_past_is_not_waited_for() -> None:
    machine = Machine(0)

    machine.clock().wait_until(99.0)
    asyncio.run(machine.clock().await_until(99.0))

    assert machine.slept == []


def test_virtual_time_is_the_latest_time_waited_for() -> None:
    clock = VirtualClock()

    clock.wait_until(600.0)
    clock.wait_until(3.0)
    assert clock.now() == 600.0
    clock.advance(0.5)
    assert clock.now() == 600.5


def test_tasks_on_a_virtual_clock_take_turns() -> None:
    clock, order = VirtualClock(), list[str]()

    async def wait(name: str) -> None:
        for due in (1.0, 2.0):
            await clock.await_until(due)
            order.append(name)

    async def main() -> None:
        await asyncio.gather(wait("a"), wait("b"))

    run(main())

    assert order == ["a", "b", "a", "b"]
    assert clock.now() == 2.0
