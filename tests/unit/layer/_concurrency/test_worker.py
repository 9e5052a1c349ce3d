"""Several invocations at a time in one event loop, in simulated time, against a Runtime API in the same loop."""

import asyncio
import contextvars
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concurrent_api import Answer
from invoking import FUNCTION_URL
from lambda_streamify import observe, open_stream
from lambda_streamify._concurrency.retrying_api import DELAYS_S
from lambda_streamify._concurrency.time_limit import END_TIMEOUT_S
from lambda_streamify._core import current
from lambda_streamify.errors import RequestRefused
from simulated_time import run_simulated
from working import Scene, working

# --- each invocation stands alone ------------------------------------------------------------------------------------

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")

ENDINGS = {
    "complete": None,
    "error": "Function.ValueError",
    "exit": "Function.SystemExit",
    "interrupt": "Function.KeyboardInterrupt",
    "cancel": "Function.CancelledError",
    "deadline": "Function.TimeoutError",
}


@dataclass(frozen=True)
class Plan:
    """What one handler does: the pauses after its chunks, in seconds, and how it ends."""

    start: int
    pauses: tuple[int, ...]
    ending: str
    slow_reader: bool

    @property
    def times(self) -> list[int]:
        """When its chunks are made."""
        return [self.start + sum(self.pauses[:number]) for number in range(len(self.pauses))]

    @property
    def end(self) -> int:
        return self.start + sum(self.pauses)


PLANS = st.builds(
    Plan,
    start=st.integers(0, 5),
    pauses=st.lists(st.integers(0, 3), min_size=1, max_size=5).map(tuple),
    ending=st.sampled_from(sorted(ENDINGS)),
    slow_reader=st.booleans(),
).filter(lambda plan: not (plan.slow_reader and plan.ending == "deadline"))  # its end could not be read


async def play(plan: Plan, request_id: str, scene: Scene) -> AsyncIterator[str]:
    variable.set(request_id)
    for number, pause in enumerate(plan.pauses):
        assert (variable.get(), scene.logs.request_id) == (request_id, request_id)
        scene.logs.line("WARNING", f"{request_id} makes chunk {number}")
        yield f"{request_id}:{number};"
        await asyncio.sleep(pause)
    if plan.ending == "error":
        raise ValueError(request_id)
    if plan.ending == "exit":
        sys.exit(request_id)
    if plan.ending == "interrupt":
        raise KeyboardInterrupt(request_id)
    if plan.ending == "cancel":
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)
    if plan.ending == "deadline":
        await asyncio.sleep(1_000_000)


async def interleave(plans: list[Plan], count: int) -> None:
    """Run the plans, each at its own time, with so many workers, and check each answer."""
    records: list[observe.StreamRecord] = []

    async def handler(event: int, context: Any) -> AsyncIterator[str]:
        assert context.aws_request_id == f"r{event}"
        assert context.xray_trace_id == f"Root={event}"
        assert observe.generation() is observe.generation()
        async for chunk in play(plans[event], context.aws_request_id, scene):
            observe.generation().tokens()
            yield chunk

    async def invoke(number: int, plan: Plan) -> None:
        await asyncio.sleep(plan.start)
        if plan.slow_reader:
            scene.api.hold(f"r{number}")
        deadline = (plan.end + 1) * 1000 if plan.ending == "deadline" else 0
        scene.api.invoke(f"r{number}", number, Deadline_Ms=str(deadline), Trace_Id=f"Root={number}")

    async def generator(event: int, context: Any) -> Any:
        return handler(event, context)

    observe.after_stream(records.append)
    async with working(generator, count) as scene:
        await asyncio.gather(*(invoke(number, plan) for number, plan in enumerate(plans)))
        await asyncio.sleep(100)
        for number, plan in enumerate(plans):
            if plan.slow_reader:
                scene.api.release(f"r{number}")
        for number, plan in enumerate(plans):
            check_answer(await scene.api.answer(f"r{number}"), f"r{number}", plan)
        await scene.idle()
        check_log(scene, plans)
    check_records(records, plans)


def check_answer(answer: Answer, request_id: str, plan: Plan) -> None:
    expected = [f"{request_id}:{chunk};".encode() for chunk in range(len(plan.pauses))]
    assert (answer.chunks, answer.error_type) == (expected, ENDINGS[plan.ending])
    if not plan.slow_reader:
        assert answer.times == plan.times


def check_log(scene: Scene, plans: list[Plan]) -> None:
    lines = [message.rstrip("\n").split("\t") for message in scene.log.messages]
    assert all(line[3].startswith(f"{line[2]} ") for line in lines), "a line with the id of another invocation"
    assert len(lines) == sum(len(plan.pauses) for plan in plans)


def check_records(records: list[observe.StreamRecord], plans: list[Plan]) -> None:
    by_id = {record.request_id: record for record in records}
    assert len(records) == len(by_id) == len(plans)
    for number, plan in enumerate(plans):
        record = by_id[f"r{number}"]
        assert record.chunks == len(plan.pauses)
        assert record.error_type == ENDINGS[plan.ending]
        assert record.generation is not None
        assert record.generation.output_tokens == len(plan.pauses)


@pytest.fixture
def _unobserved(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("before_handler", "after_response"):
        monkeypatch.setattr(current, name, [])
    monkeypatch.setattr(current, "stream_factory", None)


@settings(max_examples=50, deadline=None)
@given(plans=st.lists(PLANS, min_size=1, max_size=6))
def test_no_interleaving_mixes_two_invocations(plans: list[Plan]) -> None:
    current.before_handler, current.after_response, current.stream_factory = [], [], None
    try:
        run_simulated(interleave(plans, len(plans)))
    finally:
        current.before_handler, current.after_response, current.stream_factory = [], [], None


@pytest.mark.usefixtures("_unobserved")
def test_64_streams_at_a_time_have_nothing_of_each_other() -> None:
    endings = sorted(ENDINGS)
    plans = [Plan(0, (1, number % 3, 2), endings[number % 6], slow_reader=number % 6 == 0) for number in range(64)]

    run_simulated(interleave(plans, 64))


# --- a slow reader ---------------------------------------------------------------------------------------------------

MEGABYTE = bytes(1024 * 1024)  # more than a socket takes


async def large_body() -> AsyncIterator[bytes]:
    for _ in range(4):
        yield MEGABYTE


async def large_body_with_an_error() -> AsyncIterator[bytes]:
    async for chunk in large_body():
        yield chunk
    raise ValueError("why")


LARGE: dict[str, Callable[[], Any]] = {
    "an async body": large_body,
    "a sync body": lambda: iter([MEGABYTE] * 4),
    "an error at the end": large_body_with_an_error,
    "a plain value": lambda: {"body": "x" * 4_000_000},
}


@pytest.mark.parametrize("name", LARGE)
def test_a_slow_reader_holds_nobody_else(name: str) -> None:
    async def handler(event: Any, _context: Any) -> Any:
        return LARGE[name]() if event == FUNCTION_URL else "quick"

    async def scenario() -> None:
        async with working(handler, 2) as scene:
            scene.api.hold("slow")
            scene.api.invoke("slow", FUNCTION_URL)
            for number in range(3):
                assert (await scene.answer_to("other", f"r{number}")).json == "quick"
            assert not scene.api.answers["slow"].is_complete
            scene.api.release("slow")
            slow = await scene.api.answer("slow")
            assert len(slow.body) > 3_900_000
            assert slow.error_type == ("Function.ValueError" if "error" in name else None)

    run_simulated(scenario())


def test_the_end_of_a_cancelled_wait_for_a_slow_reader_goes_on() -> None:
    """As with `asyncio.timeout`, or a task group of which another task has failed."""

    async def handler(event: Any, _context: Any) -> None:
        if event == "other":
            return
        writer = open_stream()
        task = asyncio.create_task(write(writer))
        await asyncio.sleep(1)
        task.cancel()

    async def write(writer: Any) -> None:
        await writer.awrite(b"first")
        writer_task = asyncio.create_task(writer.awrite(MEGABYTE))
        await asyncio.sleep(0.5)
        writer_task.cancel()
        await asyncio.wait((writer_task,))
        await writer.aclose()

    async def scenario() -> None:
        async with working(handler, 2) as scene:
            scene.api.hold("slow")
            scene.api.invoke("slow")
            await asyncio.sleep(2)
            assert (await scene.answer_to("other", "other")).json is None
            scene.api.release("slow")
            assert (await scene.api.answer("slow")).body == b"first" + MEGABYTE

    run_simulated(scenario())


# --- the deadline ----------------------------------------------------------------------------------------------------


def test_the_deadline_ends_its_own_invocation() -> None:
    ended: list[float] = []

    async def handler(event: float, _context: Any) -> None:
        try:
            await asyncio.sleep(event)
        finally:
            ended.append(asyncio.get_running_loop().time())

    async def scenario() -> None:
        async with working(handler, 2) as scene:
            scene.api.invoke("late", 1000, Deadline_Ms="3000")
            scene.api.invoke("other", 10, Deadline_Ms="20000")
            late = await scene.api.answer("late")
            assert late.json["errorType"] == "TimeoutError"
            assert late.json["errorMessage"] == "the invocation has reached its deadline, so its task was cancelled"
            assert "await asyncio.sleep(event)" in late.json["stackTrace"][0]
            assert (await scene.api.answer("other")).json is None

    run_simulated(scenario())
    assert ended == [3, 10]


def test_a_reader_that_takes_nothing_more_loses_its_connection_after_the_deadline() -> None:
    async def handler(event: Any, _context: Any) -> Any:
        return large_body() if event else None

    async def scenario() -> None:
        async with working(handler) as scene:
            scene.api.hold("slow")
            scene.api.invoke("slow", 1, Deadline_Ms="3000")
            assert (await scene.answer_to(None, "next")).times == [3 + END_TIMEOUT_S]
            assert [line.split("\t")[2] for line in scene.log.messages] == ["slow"]
            assert "the response was not delivered: the connection to the Runtime API" in scene.log.messages[0]

    run_simulated(scenario())


# --- what goes wrong -------------------------------------------------------------------------------------------------


def test_an_answer_that_is_refused_ends_nothing() -> None:
    async def handler(event: Any, _context: Any) -> Any:
        return iter([event]) if event == "stream" else event

    async def scenario() -> None:
        async with working(handler) as scene:
            scene.api.status = 500
            await scene.answer_to("plain", "r1")
            await scene.answer_to("stream", "r2")
            scene.api.status = 202
            assert (await scene.answer_to("plain", "r3")).json == "plain"
            assert [line.split("\t")[2] for line in scene.log.messages] == ["r1", "r2"]

    run_simulated(scenario())


def test_a_refused_next_is_tried_again() -> None:
    async def handler(event: Any, _context: Any) -> Any:
        return event

    async def scenario() -> None:
        async with working(handler) as scene:
            scene.api.refused = len(DELAYS_S)
            assert (await scene.answer_to("event")).json == "event"
            await scene.answer_to("event", "r2")
            assert scene.api.asked == len(DELAYS_S) + 2

    run_simulated(scenario())


def test_a_worker_that_gets_no_next_invocation_ends_and_the_others_go_on() -> None:
    async def handler(event: Any, _context: Any) -> Any:
        await asyncio.sleep(10)
        return event

    async def scenario() -> None:
        async with working(handler, 2) as scene:
            scene.api.refused = len(DELAYS_S) * 2 + 1
            scene.api.invoke("r", "event")
            failure = await (await asyncio.wait(scene.running, return_when=asyncio.FIRST_COMPLETED))[0].pop()
            assert isinstance(failure, RequestRefused)
            assert (await scene.api.answer("r")).json == "event"

    run_simulated(scenario())


def test_a_connection_that_is_closed_is_replaced() -> None:
    async def handler(event: Any, _context: Any) -> Any:
        return event

    async def scenario() -> None:
        async with working(handler, 2) as scene:
            await scene.idle()
            await scene.api.drop_connections()
            assert (await scene.answer_to("event")).json == "event"

    run_simulated(scenario())


def test_an_event_that_is_not_json_fails_alone() -> None:
    async def handler(event: Any, _context: Any) -> Any:
        return event

    async def scenario() -> None:
        async with working(handler) as scene:
            scene.api.invoke_raw("bad", b"{")
            assert (await scene.api.answer("bad")).error_type == "Runtime.UnmarshalError"
            assert (await scene.answer_to("event")).json == "event"

    run_simulated(scenario())


def test_a_defect_of_the_runtime_fails_alone() -> None:
    """A deadline that is no number stands for it."""

    async def handler(event: Any, _context: Any) -> Any:
        return event

    async def scenario() -> None:
        async with working(handler) as scene:
            scene.api.invoke("bad", Deadline_Ms="soon")
            assert (await scene.answer_to("event")).json == "event"
            assert scene.log.errors[0][0].startswith("[ERROR] ValueError: invalid literal")

    run_simulated(scenario())


# --- the end ---------------------------------------------------------------------------------------------------------


def test_stop_lets_the_invocation_end_and_asks_for_no_more() -> None:
    async def handler(_event: Any, _context: Any) -> AsyncIterator[str]:
        async def body() -> AsyncIterator[str]:
            yield "one"
            await asyncio.sleep(1)
            yield "two"

        return body()

    async def scenario() -> None:
        async with working(handler, 2) as scene:
            await scene.idle()
            scene.api.invoke("r")
            await asyncio.sleep(0.5)
            for worker in scene.workers:
                worker.stop()
            assert (await scene.api.answer("r")).body == b"onetwo"
            assert await asyncio.gather(*scene.running) == [None, None]
            assert scene.api.asked == 2

    run_simulated(scenario())


def test_an_invocation_that_is_cut_off_reports_why() -> None:
    async def handler(_event: Any, _context: Any) -> None:
        await asyncio.sleep(1000)

    async def scenario() -> None:
        async with working(handler) as scene:
            scene.api.invoke("r")
            await asyncio.sleep(1)
            for worker in scene.workers:
                worker.stop()
                worker.cut_off()
            answer = await scene.api.answer("r")
            assert answer.json["errorType"] == "InterruptedError"
            assert answer.json["errorMessage"] == "Lambda ends this execution environment, so the task was cancelled"

    run_simulated(scenario())


def test_abort_ends_what_waits_for_a_slow_reader() -> None:
    async def handler(_event: Any, _context: Any) -> Any:
        return large_body()

    async def scenario() -> None:
        async with working(handler) as scene:
            scene.api.hold("r")
            scene.api.invoke("r")
            await asyncio.sleep(1)
            scene.workers[0].stop()
            scene.workers[0].abort()
            assert await scene.running[0] is None

    run_simulated(scenario())
