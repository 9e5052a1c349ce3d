import asyncio
from collections.abc import Callable

import pytest

from asynchronous import run
from lambda_streamify_emulator.invocations.channel import FunctionError
from lambda_streamify_emulator.invocations.invocation import Invocation
from lambda_streamify_emulator.sandboxes.event_queue import LIMIT_BYTES, OVERHEAD_BYTES, EventQueue, QueueFull

FAILED = FunctionError("Function.ValueError", b"{}")


class Function:
    """Ends its invocations at once, or when the test says so."""

    def __init__(self, ends: Callable[[int], FunctionError | None] = lambda _: None, *, hangs: bool = False) -> None:
        self.invocations: list[Invocation] = []
        self.lines: list[str] = []
        self.slept: list[float] = []
        self._ends = ends
        self._hangs = hangs
        self.queue = EventQueue(self.invoke, (60, 120), self.lines.append, self.sleep)

    async def invoke(self, invocation: Invocation, *, wait_if_full: bool) -> None:
        assert wait_if_full
        self.invocations.append(invocation)
        if not self._hangs:
            self.end(invocation)

    def end(self, invocation: Invocation) -> None:
        invocation.channel.start("text/plain")
        invocation.channel.write(b"x" * 200_000)
        invocation.channel.end(self._ends(len(self.invocations)))

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


def test_an_event_that_fails_is_tried_again_twice_under_the_same_id() -> None:
    async def main() -> None:
        function, invocation = Function(lambda _: FAILED), Invocation(b"7", client_context="{}", qualifier="live")
        function.queue.add(invocation)
        await function.settle()

        first, second, third = function.invocations
        assert first is invocation
        assert {one.request_id for one in (first, second, third)} == {invocation.request_id}
        assert [(one.event, one.client_context, one.qualifier) for one in (second, third)] == [(b"7", "{}", "live")] * 2
        assert len({one.attempt for one in (first, second, third)}) == 3
        assert len({id(one.tail) for one in (first, second, third)}) == 3
        assert function.slept == [60, 120]
        failed = f"{invocation.request_id} has failed (Function.ValueError)"
        assert function.lines == [
            f"{failed}: it is tried again in 60 s",
            f"{failed}: it is tried again in 120 s",
            f"{failed}, 3 times: the event is dropped",
        ]

    run(main())


@pytest.mark.parametrize("succeeds_at", [1, 2, 3])
def test_a_successful_event_is_not_retried(succeeds_at: int) -> None:
    async def main() -> None:
        function = Function(lambda attempt: None if attempt == succeeds_at else FAILED)
        function.queue.add(Invocation(b"{}"))
        await function.settle()

        assert len(function.invocations) == succeeds_at
        assert len(function.lines) == succeeds_at - 1

    run(main())


def test_the_queue_is_bounded_and_ended_events_make_room() -> None:
    async def main() -> None:
        function = Function(hangs=True)
        event = bytes(LIMIT_BYTES // 4 - OVERHEAD_BYTES)
        for _ in range(4):
            function.queue.add(Invocation(event))
        with pytest.raises(QueueFull, match=rf"^4 asynchronous events wait; the limit is {LIMIT_BYTES} bytes$"):
            function.queue.add(Invocation(b""))
        await function.settle()
        function.end(function.invocations[0])
        await function.settle()
        function.queue.add(Invocation(event))
        with pytest.raises(QueueFull):
            function.queue.add(Invocation(b""))
        await function.queue.stop()

    run(main())


def test_small_events_are_bounded_too() -> None:
    async def main() -> None:
        function = Function(hangs=True)
        for _ in range(LIMIT_BYTES // (OVERHEAD_BYTES + 2)):
            function.queue.add(Invocation(b"{}"))
        with pytest.raises(QueueFull):
            function.queue.add(Invocation(b"{}"))
        await function.queue.stop()

    run(main())


def test_what_waits_is_dropped_at_the_end() -> None:
    async def main() -> None:
        function = Function(hangs=True)
        for _ in range(3):
            function.queue.add(Invocation(b"{}"))
        await function.settle()
        await function.queue.stop()
        for invocation in function.invocations:
            invocation.channel.end(FAILED)
        await function.settle()

        assert function.lines == []
        assert len(function.invocations) == 3

    run(main())
