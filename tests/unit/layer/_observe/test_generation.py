from collections.abc import Iterator
from contextlib import ExitStack, suppress
from threading import Event, Thread
from typing import Any

import pytest

from lambda_streamify._observe.generation import Generation
from lambda_streamify.errors import HandlerError
from waiting import TIMEOUT_S


class Clock:
    """A clock that only the test advances."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def generation(clock: Clock) -> Generation:
    return Generation(clock)


def test_the_time_to_the_first_token_ends_with_the_first_one(generation: Generation, clock: Clock) -> None:
    clock.wait(0.5)
    generation.tokens()
    clock.wait(1)
    generation.tokens()

    assert (generation.time_to_first_token, generation.output_tokens) == (0.5, 2)


def test_the_rate_counts_the_tokens_after_the_first_ones(generation: Generation, clock: Clock) -> None:
    clock.wait(10)
    generation.tokens(3)
    assert generation.tokens_per_second is None
    clock.wait(2)
    generation.tokens(8)

    assert generation.tokens_per_second == 4


def test_tokens_that_the_model_counts_at_its_end_are_all_of_the_rate(generation: Generation, clock: Clock) -> None:
    generation.tokens(0)
    clock.wait(2)
    generation.tokens(20)

    assert (generation.output_tokens, generation.tokens_per_second) == (20, 10)


def test_the_time_in_tools_is_not_part_of_the_rate(generation: Generation, clock: Clock) -> None:
    with generation.tool():
        clock.wait(7)
    generation.tokens()
    clock.wait(1)
    with generation.tool():
        clock.wait(30)
    clock.wait(1)
    generation.tokens(10)
    with generation.tool():
        clock.wait(5)

    assert (generation.tool_time, generation.tokens_per_second) == (42, 5)


def test_a_token_that_comes_while_a_tool_runs_takes_no_time(generation: Generation, clock: Clock) -> None:
    generation.tokens()
    with generation.tool():
        clock.wait(3)
        generation.tokens()

        assert generation.tokens_per_second is None


def test_tools_at_the_same_time_count_once(generation: Generation, clock: Clock) -> None:
    with ExitStack() as first, generation.tool():
        clock.wait(1)
        first.enter_context(generation.tool())
        clock.wait(2)
    clock.wait(4)

    assert generation.tool_time == 3


def test_a_tool_in_a_thread_counts(generation: Generation, clock: Clock) -> None:
    begun, may_end = Event(), Event()

    def tool() -> None:
        with generation.tool():
            begun.set()
            may_end.wait(TIMEOUT_S)

    thread = Thread(target=tool)
    thread.start()
    assert begun.wait(TIMEOUT_S)
    clock.wait(2)
    may_end.set()
    thread.join(TIMEOUT_S)

    assert generation.tool_time == 2


def test_a_tool_that_raises_or_is_closed_counts(generation: Generation, clock: Clock) -> None:
    def tool() -> Iterator[str]:
        with generation.tool():
            clock.wait(2)
            yield "partial"

    running: Any = tool()
    next(running)
    running.close()
    with suppress(ValueError), generation.tool():
        clock.wait(1)
        raise ValueError("broken")

    assert generation.tool_time == 3


def test_the_duration_ends_with_the_last_token_or_tool(generation: Generation, clock: Clock) -> None:
    clock.wait(1)
    generation.tokens()
    assert generation.duration == 1
    with generation.tool():
        clock.wait(1)
    clock.wait(1)

    assert generation.duration == 2


def test_the_figures_have_the_names_of_opentelemetry(generation: Generation, clock: Clock) -> None:
    clock.wait(0.123456789)
    generation.tokens()
    with generation.tool():
        clock.wait(1)
    clock.wait(0.5)
    generation.tokens()

    assert generation.as_dict() == {
        "gen_ai.client.inference.time_to_first_chunk": 0.123457,
        "gen_ai.client.inference.usage.output_tokens": 2,
        "tokens_per_second": 2,
        "gen_ai.execute_tool.duration": 1,
        "gen_ai.invoke_agent.duration": 1.623457,
    }


def test_what_nobody_has_told_has_no_figure(generation: Generation, clock: Clock) -> None:
    with ExitStack() as stack:
        stack.enter_context(generation.tool())
        clock.wait(1)

        assert generation.as_dict() == {"gen_ai.invoke_agent.duration": 0}


@pytest.mark.parametrize("count", [-1, 1.5, "2", None, True])
def test_a_count_that_is_no_number_of_tokens_is_an_error(count: Any, generation: Generation) -> None:
    with pytest.raises(HandlerError, match=r"count is .*; it must be the number of new tokens, an int of 0 or more"):
        generation.tokens(count)
    assert generation.output_tokens == 0
