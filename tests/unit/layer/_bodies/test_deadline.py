import asyncio
import io
import sys
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from typing import Any

import pytest

import lambda_streamify
from asynchronous import run
from lambda_streamify import ndjson, sse
from lambda_streamify._bodies.bodies import AsyncTypedBody, TypedBody
from lambda_streamify._bodies.deadline import Deadline, deadline
from lambda_streamify._runtime.context import LambdaContext
from lambda_streamify.errors import ChunkTypeError, HandlerError
from simulated_time import run_simulated

COUNTS_CANCELLATIONS = sys.version_info >= (3, 11)


class Clock:
    """A Lambda context whose time passes when the test says so."""

    def __init__(self, milliseconds: int = 10_000) -> None:
        self.milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


class LoopContext:
    """A Lambda context that goes by the event loop's time; `ends` is the timeout."""

    def __init__(self, ends: float) -> None:
        self._ends = ends
        self.asked = 0

    def get_remaining_time_in_millis(self) -> int:
        self.asked += 1
        return max(0, round((self._ends - asyncio.get_running_loop().time()) * 1000))


# --- the time that is left -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("milliseconds", "margin", "remaining"),
    [(10_000, 1, 9.0), (1500, 1, 0.5), (1000, 1, 0.0), (999, 1, 0.0), (0, 1, 0.0), (250, 0, 0.25), (0, 0, 0.0)],
)
def test_what_remains_is_the_time_until_the_margin_and_never_negative(
    milliseconds: int, margin: float, remaining: float
) -> None:
    left = deadline(Clock(milliseconds), margin)

    assert left.remaining == remaining
    assert left.passed is (remaining == 0)


def test_the_margin_is_one_second_unless_it_is_given() -> None:
    clock = Clock(1001)
    left = deadline(clock)
    assert not left.passed

    clock.milliseconds = 1000
    assert left.passed


def test_the_runtimes_own_context_will_do() -> None:
    context = LambdaContext(aws_request_id="id", deadline_ms=5000, clock=lambda: 1.0)

    assert deadline(context).remaining == 3.0


def test_the_package_exports_it() -> None:
    assert lambda_streamify.deadline is deadline
    assert type(lambda_streamify.deadline(Clock())) is Deadline


@pytest.mark.parametrize("margin", [-1, float("nan")])
def test_a_margin_that_means_nothing_is_refused(margin: float) -> None:
    with pytest.raises(HandlerError, match=rf"^deadline: margin is {margin}; it must be seconds, 0 or more$"):
        deadline(Clock(), margin)


def test_what_is_no_context_is_refused() -> None:
    with pytest.raises(HandlerError, match=r"^deadline was given None; give it the handler's second argument, "):
        deadline(None)  # type: ignore[arg-type]


# --- sync bodies -----------------------------------------------------------------------------------------------------


class Source:
    """A sync body of endless chunks that tells what it does."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def __iter__(self) -> Iterator[str]:
        try:
            for number in range(1000):
                self.told.append(f"asked for {number}")
                yield str(number)
        finally:
            self.told.append("closed")


def test_a_body_that_ends_in_time_is_sent_whole_and_without_the_last_chunk() -> None:
    assert list(deadline(Clock()).limit(iter(["a", "b"]), last="late")) == ["a", "b"]


def test_a_body_is_asked_for_nothing_from_the_deadline_on() -> None:
    clock, source = Clock(), Source()
    body: Any = deadline(clock).limit(source, last="late")

    assert [next(body), next(body)] == ["0", "1"]
    assert source.told == ["asked for 0", "asked for 1"]

    clock.milliseconds = 1000
    assert next(body) == "late"
    assert source.told == ["asked for 0", "asked for 1"]

    assert list(body) == []
    assert source.told == ["asked for 0", "asked for 1", "closed"]


def test_a_body_that_is_late_from_the_start_is_only_the_last_chunk() -> None:
    source = Source()

    assert list(deadline(Clock(0)).limit(source, last="late")) == ["late"]
    assert source.told == []


@pytest.mark.parametrize(("last", "chunks"), [(None, []), (lambda: None, []), (lambda: "late", ["late"])])
def test_the_last_chunk_may_be_none_or_made_at_the_deadline(last: object, chunks: list[str]) -> None:
    assert list(deadline(Clock(0)).limit(iter("a"), last)) == chunks


def test_the_last_chunk_is_not_made_before_the_deadline() -> None:
    made: list[str] = []
    body: Any = deadline(Clock()).limit(iter(["a"]), last=lambda: made.append("late"))

    assert list(body) == ["a"]
    assert made == []


def test_closing_a_limited_body_closes_its_source() -> None:
    source = Source()
    body: Any = deadline(Clock()).limit(source)
    next(body)

    body.close()

    assert source.told == ["asked for 0", "closed"]


def test_a_limited_body_that_was_never_asked_for_a_chunk_still_closes_its_source() -> None:
    closed: list[bool] = []

    class File(io.BytesIO):
        def close(self) -> None:
            closed.append(True)
            super().close()

    body: Any = deadline(Clock()).limit(File(b"content"))
    body.close()

    assert closed


def test_a_file_is_read_in_blocks_not_lines() -> None:
    assert list(deadline(Clock()).limit(io.BytesIO(b"a\nb\nc"))) == [b"a\nb\nc"]


@pytest.mark.parametrize("body", ["text", b"bytes", {"body": "a"}, None, 7])
def test_what_is_no_body_is_refused(body: object) -> None:
    with pytest.raises(ChunkTypeError) as raised:
        deadline(Clock()).limit(body)  # type: ignore[call-overload]

    assert str(raised.value) == f"limit was given a {type(body).__name__}; give it a body, a generator for example"


@pytest.mark.parametrize("method", ["write_to", "awrite_to"])
def test_a_body_that_writes_itself_is_refused_since_it_would_be_iterated(method: str) -> None:
    body = type("Paced", (), {method: None, "__iter__": iter})()

    with pytest.raises(
        HandlerError, match=r"^limit was given a Paced, which decides itself when to write; use limit inside"
    ):
        deadline(Clock()).limit(body)


# --- asynchronous bodies ---------------------------------------------------------------------------------------------


def test_the_wait_for_a_chunk_ends_at_the_deadline() -> None:
    told: list[object] = []

    async def source() -> AsyncIterator[str]:
        try:
            yield "a"
            await asyncio.sleep(1000)
            told.append("never")
        finally:
            told.append(("closed at", asyncio.get_running_loop().time()))

    def last() -> str:
        told.append("made the last chunk")
        return "late"

    async def main() -> None:
        body: Any = deadline(LoopContext(ends=10)).limit(source(), last=last)
        assert [chunk async for chunk in body] == ["a", "late"]
        assert told == [("closed at", 9.0), "made the last chunk"]
        assert asyncio.get_running_loop().time() == 9.0

    run_simulated(main())


def test_an_asynchronous_body_that_ends_in_time_is_sent_whole_and_leaves_no_timer() -> None:
    async def source() -> AsyncIterator[str]:
        yield "a"
        await asyncio.sleep(5)
        yield "b"

    async def main() -> None:
        context = LoopContext(ends=10)
        body: Any = deadline(context).limit(source(), last="late")
        assert [chunk async for chunk in body] == ["a", "b"]
        asked = context.asked
        await asyncio.sleep(100)
        assert context.asked == asked  # as a timer would

    run_simulated(main())


def test_it_is_the_contexts_clock_that_counts() -> None:
    async def source() -> AsyncIterator[str]:
        await asyncio.sleep(50)
        yield "a"
        clock.milliseconds = 500
        await asyncio.sleep(50)
        yield "never"

    clock = Clock(10_000)  # stands still at first

    async def main() -> None:
        body: Any = deadline(clock).limit(source(), last="late")
        assert [chunk async for chunk in body] == ["a", "late"]
        assert asyncio.get_running_loop().time() < 100

    run_simulated(main())


def test_a_deadline_that_passes_while_nobody_waits_ends_the_body_with_the_next_chunk() -> None:
    told: list[str] = []

    async def source() -> AsyncIterator[str]:
        try:
            yield "a"
            told.append("asked again")
            yield "b"
        finally:
            told.append("closed")

    async def main() -> None:
        body: Any = deadline(LoopContext(ends=10)).limit(source(), last="late")
        assert await anext(body) == "a"
        await asyncio.sleep(20)  # a reader that is slow is not cancelled
        assert await anext(body) == "late"
        assert told == []
        with pytest.raises(StopAsyncIteration):
            await anext(body)
        assert told == ["closed"]

    run_simulated(main())


def test_an_asynchronous_body_that_is_late_from_the_start_is_only_the_last_chunk() -> None:
    told: list[str] = []

    async def source() -> AsyncIterator[str]:
        told.append("asked")
        yield "a"

    async def main() -> None:
        assert [chunk async for chunk in deadline(Clock(0)).limit(source(), last="late")] == ["late"]

    run(main())

    assert told == []


def test_context_variables_hold_from_chunk_to_chunk() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="unset")

    async def source() -> AsyncIterator[str]:
        variable.set("by the source")
        yield variable.get()
        await asyncio.sleep(0)
        yield variable.get()

    async def main() -> None:
        body: Any = deadline(Clock()).limit(source())
        assert await anext(body) == "by the source"
        assert variable.get() == "by the source"
        variable.set("by the reader")
        assert await anext(body) == "by the reader"

    run(main())


def test_a_source_that_uses_the_task_it_runs_in_always_finds_the_same() -> None:
    tasks: list[object] = []

    async def source() -> AsyncIterator[str]:
        try:
            tasks.append(asyncio.current_task())
            yield "a"
            tasks.append(asyncio.current_task())
            await asyncio.sleep(1000)
        finally:
            tasks.append(asyncio.current_task())

    async def main() -> None:
        body: Any = deadline(LoopContext(ends=10)).limit(source())
        assert [chunk async for chunk in body] == ["a"]
        assert tasks == [asyncio.current_task()] * 3

    run_simulated(main())


def test_the_task_that_was_interrupted_is_not_cancelled_any_more() -> None:
    async def source() -> AsyncIterator[str]:
        await asyncio.sleep(1000)
        yield "never"

    async def main() -> None:
        body: Any = deadline(LoopContext(ends=10)).limit(source(), last="late")
        assert [chunk async for chunk in body] == ["late"]
        if COUNTS_CANCELLATIONS:
            task: Any = asyncio.current_task()
            assert task.cancelling() == 0
        await asyncio.sleep(1)

    run_simulated(main())


def test_a_source_may_take_the_interruption_for_its_end() -> None:
    async def source() -> AsyncIterator[str]:
        yield "a"
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            return

    async def main() -> None:
        body: Any = deadline(LoopContext(ends=10)).limit(source(), last="late")
        assert [chunk async for chunk in body] == ["a", "late"]

    run_simulated(main())


def test_a_chunk_that_a_source_has_left_at_the_deadline_is_sent() -> None:
    told: list[str] = []

    async def source() -> AsyncIterator[str]:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            yield "rest"
        told.append("never asked again")

    async def main() -> None:
        body: Any = deadline(LoopContext(ends=10)).limit(source(), last="late")
        assert [chunk async for chunk in body] == ["rest", "late"]
        if COUNTS_CANCELLATIONS:
            task: Any = asyncio.current_task()
            assert task.cancelling() == 0

    run_simulated(main())

    assert told == []


def test_an_error_that_a_source_raises_at_the_deadline_is_not_lost() -> None:
    async def source() -> AsyncIterator[str]:
        try:
            await asyncio.sleep(1000)
            yield "never"
        finally:
            raise ValueError("the end failed")

    async def main() -> None:
        body: Any = deadline(LoopContext(ends=10)).limit(source(), last="late")
        with pytest.raises(ValueError, match="the end failed"):
            await anext(body)

    run_simulated(main())


def test_a_cancellation_from_elsewhere_stays_one() -> None:
    told: list[str] = []

    async def main() -> None:
        waiting = asyncio.Event()

        async def source() -> AsyncIterator[str]:
            try:
                waiting.set()
                await asyncio.Event().wait()
                yield "never"
            finally:
                told.append("closed")

        async def read() -> None:
            async for chunk in deadline(Clock()).limit(source(), last="late"):
                told.append(str(chunk))  # noqa: PERF401 - no cancellation loses them

        task = asyncio.create_task(read())
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()

    run(main())

    assert told == ["closed"]


@pytest.mark.skipif(not COUNTS_CANCELLATIONS, reason="Python 3.10 does not count cancellations")
@pytest.mark.parametrize("order", ["before the deadline", "after the deadline"])
def test_a_cancellation_in_the_same_turn_of_the_loop_as_the_deadline_stays_one(order: str) -> None:
    told: list[str] = []

    async def source() -> AsyncIterator[str]:
        try:
            await asyncio.sleep(1000)
            yield "never"
        finally:
            told.append("closed")

    async def read() -> None:
        async for chunk in deadline(LoopContext(ends=10)).limit(source(), last="late"):
            told.append(str(chunk))  # noqa: PERF401 - no cancellation loses them

    async def main() -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(read())
        if order == "after the deadline":
            await asyncio.sleep(0)  # the body has set its timer: those of one time go off in the order of their setting
        loop.call_at(9, task.cancel)
        await asyncio.wait([task])
        assert task.cancelled()
        assert loop.time() == 9

    run_simulated(main())

    assert told == ["closed"]


@pytest.mark.skipif(not COUNTS_CANCELLATIONS, reason="Python 3.10 does not count cancellations")
def test_a_cancellation_while_the_source_ends_at_the_deadline_stays_one() -> None:
    async def source() -> AsyncIterator[str]:
        try:
            await asyncio.sleep(1000)
            yield "never"
        finally:
            await asyncio.sleep(5)

    async def read() -> list[Any]:
        body: Any = deadline(LoopContext(ends=10)).limit(source(), last="late")
        return [chunk async for chunk in body]

    async def main() -> None:
        task = asyncio.create_task(read())
        asyncio.get_running_loop().call_at(11, task.cancel)
        await asyncio.wait([task])
        assert task.cancelled()

    run_simulated(main())


def test_a_chunk_that_is_due_in_the_moment_of_the_deadline_comes_too_late() -> None:
    async def source() -> AsyncIterator[str]:
        await asyncio.sleep(9)
        yield "never"

    async def main() -> None:
        body: Any = deadline(LoopContext(ends=10)).limit(source(), last="late")
        assert [chunk async for chunk in body] == ["late"]

    run_simulated(main())


def test_closing_an_asynchronous_body_closes_its_source_and_leaves_no_timer() -> None:
    told: list[str] = []

    async def source() -> AsyncIterator[str]:
        try:
            yield "a"
        finally:
            told.append("closed")

    async def main() -> None:
        context = LoopContext(ends=10)
        body: Any = deadline(context).limit(source())
        await anext(body)
        await body.aclose()
        assert told == ["closed"]
        asked = context.asked
        await asyncio.sleep(100)
        assert context.asked == asked  # as a timer would

    run_simulated(main())


# --- with the other helpers ------------------------------------------------------------------------------------------


def test_a_typed_body_keeps_its_content_type() -> None:
    async def source() -> AsyncIterator[str]:
        yield "a"

    left = deadline(Clock())

    sync = left.limit(ndjson.lines([1]))
    assert isinstance(sync, TypedBody)
    assert sync.content_type == ndjson.CONTENT_TYPE
    asynchronous = left.limit(sse.events(source()))
    assert isinstance(asynchronous, AsyncTypedBody)
    assert asynchronous.content_type == sse.CONTENT_TYPE
    assert left.limit(iter("a")).content_type is None


def test_items_are_limited_before_they_become_events() -> None:
    async def source() -> AsyncIterator[str]:
        yield "a"
        await asyncio.sleep(1000)

    async def main() -> None:
        items = deadline(LoopContext(ends=10)).limit(source(), last=sse.Event("", event="timeout"))
        body: Any = sse.events(items, on_error=sse.error_event)
        assert [chunk async for chunk in body] == [b"data: a\n\n", b"event: timeout\ndata: \n\n"]

    run_simulated(main())
