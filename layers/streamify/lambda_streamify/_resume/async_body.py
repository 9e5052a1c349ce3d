"""`resumable` for bodies that run in the event loop. Calls of the store run in threads."""

from asyncio import get_running_loop, sleep, to_thread

from .._bodies.bodies import AsyncTypedBody
from .._bodies.interruption import INTERRUPTED, Interruption
from .._core.iteration import Iteration
from ..sse import CONTENT_TYPE
from .following import Call, Sleep
from .plan import NO_CONTENT, Output, Plan, checked_body
from .recorder import TAKEN, Recorder
from .run import ENDED, FAILED, STOPPED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Any

    from .following import Steps


class AsyncResumable(AsyncTypedBody):
    """A body that a store keeps, or that is read from a store."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(self._run(), CONTENT_TYPE, plan.source)
        self._plan = plan
        self._status: int | None = None

    @property
    def response_status(self) -> "int | None":
        """204 if there is nothing to send, else None."""
        return self._status

    if TYPE_CHECKING:  # its chunks are bytes, which more frameworks take

        def __aiter__(self) -> AsyncIterator[bytes]: ...

        async def __anext__(self) -> bytes: ...

    async def _run(self) -> "AsyncIterator[bytes]":
        plan = self._plan
        if plan.may_write:
            loop, interruption = get_running_loop(), Interruption()
            recorder = Recorder(plan.store, plan.key, lambda: loop.call_soon_threadsafe(interruption.interrupt))
            try:
                outcome = await to_thread(recorder.begin)
            except BaseException:  # a cancellation
                recorder.end_soon(FAILED)
                raise
            if outcome != TAKEN:
                async with Iteration(self._write(recorder, Output(recorder), interruption)) as chunks:
                    async for chunk in chunks:
                        yield chunk
                return
        opened = await _result(plan.open_for_reading())
        if opened is None:
            self._status = NO_CONTENT
            return
        async with Iteration(_sent(plan.follow(*opened))) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _write(self, recorder: Recorder, output: Output, interruption: Interruption) -> "AsyncIterator[bytes]":
        plan = self._plan
        state = FAILED
        try:
            made = plan.function() if plan.function else plan.body
            if hasattr(made, "__await__"):
                made = await made
            async with Iteration(checked_body(made, should_be_async=True)) as chunks:
                while not recorder.stop_requested:
                    try:
                        chunk = await interruption.next(chunks)
                    except StopAsyncIteration:
                        output.finish()
                        state = ENDED
                        break
                    if chunk is INTERRUPTED:
                        state = STOPPED
                        break
                    data = output.send(chunk)
                    del chunk
                    if not output.has_room:
                        await to_thread(recorder.wait_for_room)
                    if data:
                        yield data
                else:
                    state = STOPPED
            if state == STOPPED and plan.stopped is not None:
                yield output.send(plan.stopped)
        finally:
            await to_thread(recorder.close, state)


async def _result(steps: "Steps") -> "Any":
    """Run steps that send nothing; return their result."""
    try:
        step = next(steps)
        while True:
            step = steps.send(await to_thread(step.function, *step.arguments))  # type: ignore[union-attr]
    except StopIteration as end:
        return end.value


async def _sent(steps: "Steps") -> "AsyncIterator[bytes]":
    """Run steps; yield what they send."""
    result = None
    while True:
        try:
            step = steps.send(result)
        except StopIteration:
            return
        result = None
        if isinstance(step, Call):
            result = await to_thread(step.function, *step.arguments)
        elif isinstance(step, Sleep):
            await sleep(step.seconds)
        else:
            yield step
