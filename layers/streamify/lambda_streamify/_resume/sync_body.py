"""`resumable` for bodies that run in the handler's thread."""

from time import sleep

from .._bodies.bodies import TypedBody
from .._core.iteration import Iteration
from ..sse import CONTENT_TYPE
from .following import Call, Sleep
from .plan import NO_CONTENT, Output, Plan, checked_body
from .recorder import TAKEN, Recorder
from .run import ENDED, FAILED, STOPPED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from typing import Any

    from .following import Steps


class Resumable(TypedBody):
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

        def __iter__(self) -> Iterator[bytes]: ...

        def __next__(self) -> bytes: ...

    def _run(self) -> "Generator[bytes, None, object]":
        plan = self._plan
        if plan.may_write:
            recorder = Recorder(plan.store, plan.key)
            try:
                outcome = recorder.begin()
            except BaseException:  # a signal handler's error
                recorder.end_soon(FAILED)
                raise
            if outcome != TAKEN:
                return (yield from self._write(recorder, Output(recorder)))
        opened = _result(plan.open_for_reading())
        if opened is None:
            self._status = NO_CONTENT
            return None
        yield from _sent(plan.follow(*opened))
        return None

    def _write(self, recorder: Recorder, output: Output) -> "Generator[bytes, None, object]":
        """Run the body. Returns what its generator returned."""
        plan = self._plan
        state, returned = FAILED, None
        try:
            body = checked_body(plan.function() if plan.function else plan.body, should_be_async=False)
            with Iteration(body) as chunks:
                while not recorder.stop_requested:
                    try:
                        chunk = next(chunks)
                    except StopIteration as end:
                        output.finish()
                        state, returned = ENDED, end.value
                        break
                    data = output.send(chunk)
                    del chunk  # while a view of it lives, a body cannot resize the bytearray that it yielded
                    if not output.has_room:
                        recorder.wait_for_room()
                    if data:
                        yield data
                else:
                    state = STOPPED
            if state == STOPPED and plan.stopped is not None:
                yield output.send(plan.stopped)
        finally:
            recorder.close(state)
        return returned


def _result(steps: "Steps") -> "Any":
    """Run steps that send nothing; return their result."""
    try:
        step = next(steps)
        while True:
            step = steps.send(step.function(*step.arguments))  # type: ignore[union-attr]
    except StopIteration as end:
        return end.value


def _sent(steps: "Steps") -> "Generator[bytes, None, None]":
    """Run steps; yield what they send."""
    result = None
    while True:
        try:
            step = steps.send(result)
        except StopIteration:
            return
        result = None
        if isinstance(step, Call):
            result = step.function(*step.arguments)
        elif isinstance(step, Sleep):
            sleep(step.seconds)
        else:
            yield step
