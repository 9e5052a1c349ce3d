"""Signal handlers that raise while a response is sent, at each point where Python may run them."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from errno import ETIMEDOUT
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from interrupting import Interruption
from invoking import DIRECT, FUNCTION_URL, Handler, Log, Loop, invoke_scripted
from lambda_streamify import asgi, open_stream
from lambda_streamify._runtime.invocation import Invocation
from lambda_streamify._runtime.logs import Logs
from lambda_streamify._runtime.runtime_api import RuntimeApi
from lambda_streamify._wire import outgoing
from lambda_streamify._wire.framing import COPY_LIMIT_BYTES
from raising_alarm import alarm_raises
from scripted_api import ACCEPTED, WAIT, Peer, ScriptedApi, answers, invocation
from sent import parse

pytestmark = pytest.mark.slow

LARGE = b"x" * (COPY_LIMIT_BYTES + 1)


class Late(Exception):
    """The error that a timeout's signal handler raises."""


Case = Callable[[Callable[[], None]], Handler]


def streams_small(arm: Callable[[], None]) -> Handler:
    def handler(_event: Any, _context: Any) -> Iterator[bytes]:
        yield b"first"
        arm()
        yield b"second"
        yield b"third"

    return handler


def streams_large(arm: Callable[[], None]) -> Handler:
    def handler(_event: Any, _context: Any) -> Iterator[bytes]:
        yield b"first"
        arm()
        yield LARGE

    return handler


def begins_to_stream(arm: Callable[[], None]) -> Handler:
    def handler(_event: Any, _context: Any) -> Iterator[bytes]:
        arm()
        yield b"first"

    return handler


def fails(arm: Callable[[], None]) -> Handler:
    def handler(_event: Any, _context: Any) -> Iterator[bytes]:
        yield b"first"
        arm()
        raise ValueError("the function's own")

    return handler


def writes(arm: Callable[[], None]) -> Handler:
    def handler(_event: Any, _context: Any) -> None:
        writer = open_stream()
        writer.write(b"first")
        arm()
        writer.write(b"second")

    return handler


def returns_json(arm: Callable[[], None]) -> Handler:
    def handler(_event: Any, _context: Any) -> dict[str, str]:
        arm()
        return {"answer": "x" * 100}

    return handler


def raises(arm: Callable[[], None]) -> Handler:
    def handler(_event: Any, _context: Any) -> None:
        arm()
        raise ValueError("the function's own")

    return handler


def streams_async(arm: Callable[[], None]) -> Handler:
    async def handler(_event: Any, _context: Any) -> AsyncIterator[bytes]:
        yield b"first"
        arm()
        yield b"second"

    return handler


def awrites(arm: Callable[[], None]) -> Handler:
    async def handler(_event: Any, _context: Any) -> None:
        writer = open_stream()
        await writer.awrite(b"first")
        arm()
        await writer.awrite(b"second")
        await writer.awrite(b"third")

    return handler


def sends_from_an_app(arm: Callable[[], None]) -> Handler:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        arm()
        await send({"type": "http.response.body", "body": b"second", "more_body": True})
        await send({"type": "http.response.body", "body": b"third"})

    return asgi.handler(app, lifespan="off")


def waits_async(arm: Callable[[], None]) -> Handler:
    async def handler(_event: Any, _context: Any) -> AsyncIterator[bytes]:
        yield b"first"
        arm()
        await asyncio.sleep(0)
        yield b"second"
        await asyncio.create_task(asyncio.sleep(1e-9))  # a timer, which is due at once

    return handler


def run_interrupted(case: Case, event: Any, interruption: Interruption, loop: Loop) -> tuple[list[bytes], Log, bool]:
    """Run one invocation. Returns what was sent after /next, the log, and whether the process would continue."""
    log = Log()
    survives = True
    with ScriptedApi(answers(invocation(event), ACCEPTED)) as api, closing(RuntimeApi(api.address, "test")) as client:
        request = client.next()
        run = Invocation(client, request, Logs(log, lambda: 1.0), mode="auto", loop=loop, clock=lambda: 1.0).run
        handler = case(interruption.arm)
        try:
            with interruption:
                run(handler)
        except (Late, OSError) as error:
            if error is not interruption.error:
                raise
            survives = False
    return api.requests[1:], log, survives


@pytest.mark.filterwarnings(
    "ignore:coroutine .* was never awaited"
)  # some interruptions are between the call and the `await`
@pytest.mark.parametrize(
    ("case", "event", "error"),
    [
        (streams_small, FUNCTION_URL, Late),
        (streams_small, FUNCTION_URL, OSError),
        (streams_large, FUNCTION_URL, OSError),
        (begins_to_stream, FUNCTION_URL, OSError),
        (fails, FUNCTION_URL, OSError),
        (writes, FUNCTION_URL, OSError),
        (streams_async, FUNCTION_URL, OSError),
        (awrites, FUNCTION_URL, OSError),
        (sends_from_an_app, FUNCTION_URL, Late),
        (returns_json, DIRECT, OSError),
        (raises, DIRECT, OSError),
    ],
)
def test_wherever_a_signal_handler_raises_the_answer_is_complete_and_the_error_is_reported(
    case: Case, event: Any, error: type[Exception], loop: Loop
) -> None:
    moments = 0
    while True:
        moments += 1
        interruption = Interruption(moments, error(ETIMEDOUT, "took too long"))
        sent, log, survives = run_interrupted(case, event, interruption, loop)
        if not interruption.fired:
            break
        assert len(sent) == 1, interruption
        parse(sent[0])  # raises if the body has no end
        # An error after the answer is sent ends the process, and Python prints it.
        assert not survives or any("took too long" in lines[0] for lines in log.errors), interruption
    gc.collect()  # coroutines that were never awaited: here the warning is expected
    assert moments > 40  # otherwise hardly any of the layer's code was interrupted
    assert sys.exc_info()[1] is None  # otherwise Python was interrupted where it never runs a signal handler


def interrupt_asyncio(moment: int) -> bool:
    """Raise at this point of asyncio's code. Returns whether the answer had not been sent before."""
    interruption = Interruption(moment, Late("took too long"), folder=str(Path(asyncio.__file__).parent))
    loop = asyncio.new_event_loop()
    try:
        sent, log, survives = run_interrupted(waits_async, FUNCTION_URL, interruption, lambda: loop)
        for task in asyncio.all_tasks(loop):  # the function's own tasks, which it could not await because of the error
            task.cancel()
        loop.call_soon(loop.stop)
        loop.run_forever()
    finally:
        loop.close()
    if survives:
        assert len(sent) == 1, interruption
        parse(sent[0])
        assert any("took too long" in lines[0] for lines in log.errors), interruption
    return survives


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_wherever_a_signal_handler_raises_in_asyncio_the_stream_ends_and_the_error_is_reported() -> None:
    moment = 1
    gc.disable()  # an exception in a `__del__` that the collector calls is only printed
    try:
        while interrupt_asyncio(moment):
            moment += 1
    finally:
        gc.enable()
    gc.collect()  # coroutines that were never awaited: here the warning is expected
    assert moment > 40


def test_a_half_sent_json_answer_is_sent_to_its_end_and_the_signal_handlers_error_is_logged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits = Event()
    wait = outgoing.wait_until_ready

    def signal_and_wait(connection: Any, *, listen: bool) -> bool:
        waits.set()
        return wait(connection, listen=listen)

    monkeypatch.setattr(outgoing, "wait_until_ready", signal_and_wait)
    text = "x" * (16 * 1024 * 1024)  # more than a socket takes in one send

    with alarm_raises(TimeoutError(ETIMEDOUT, "took too long")) as alarm:

        def script(peer: Peer) -> None:
            assert waits.wait(WAIT)
            alarm()
            assert parse(peer.read_request()).json == text
            peer.send(ACCEPTED)

        _, log = invoke_scripted(lambda _event, _context: text, DIRECT, script)

    assert [lines[0] for lines in log.errors] == [f"[ERROR] TimeoutError: [Errno {ETIMEDOUT}] took too long"]
