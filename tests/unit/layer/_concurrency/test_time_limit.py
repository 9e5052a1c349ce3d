"""The deadline of one invocation, in simulated time."""

import asyncio

from lambda_streamify._concurrency.time_limit import END_TIMEOUT_S, TimeLimit
from simulated_time import run_simulated


def limited(deadline: float | None, seconds: float, *, clock_runs_at: float = 1.0) -> tuple[bool, float, list[float]]:
    """Return whether the limit passed, when a task that takes `seconds` ended, and when `abort` was called."""

    async def scenario() -> tuple[bool, float, list[float]]:
        loop = asyncio.get_running_loop()
        aborts: list[float] = []
        task = loop.create_task(asyncio.sleep(seconds))
        with TimeLimit(
            loop, task, deadline, lambda: loop.time() * clock_runs_at, lambda: aborts.append(loop.time())
        ) as limit:
            await asyncio.wait((task,))
            ended = loop.time()
            await asyncio.sleep(10)
        await asyncio.sleep(100)
        return limit.passed, ended, aborts

    return run_simulated(scenario())


def test_a_task_that_ends_before_the_deadline_is_left_alone() -> None:
    assert limited(100, 2) == (False, 2, [])


def test_a_task_is_cancelled_at_the_deadline_and_the_rest_is_aborted_later() -> None:
    assert limited(3, 1000) == (True, 3, [3 + END_TIMEOUT_S])


def test_a_deadline_that_has_passed_cancels_at_once() -> None:
    assert limited(-1, 1000) == (True, 0, [END_TIMEOUT_S])


def test_without_a_deadline_nothing_is_cancelled() -> None:
    assert limited(None, 1000) == (False, 1000, [])


def test_the_clock_decides_and_not_the_time_of_the_event_loop() -> None:
    """As if the event loop's time ran twice as fast, or the clock had been set back."""
    passed, ended, _ = limited(3, 1000, clock_runs_at=0.5)

    assert passed
    assert abs(ended - 6) < 0.001
