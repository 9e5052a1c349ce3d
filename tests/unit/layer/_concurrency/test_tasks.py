"""A process that runs several invocations in its event loop, from its start to its end."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, suppress
from typing import Any

import pytest

from invoking import Handler, Log
from lambda_streamify._concurrency import worker
from lambda_streamify._concurrency.tasks import TasksRuntime
from lambda_streamify._core import current
from lambda_streamify._runtime.logs import Logs
from lambda_streamify._runtime.runtime_api import RuntimeApi
from lambda_streamify.errors import HandlerError, RequestRefused
from queued_api import Event, Post, QueuedApi


def event(value: object, number: int = 0) -> Event:
    headers = {"Content-Type": "application/json", "Lambda-Runtime-Aws-Request-Id": f"r{number}"}
    return Event(json.dumps(value).encode(), headers)


def run(handler: Handler, *values: object, concurrency: int = 2, next_status: int = 200) -> tuple[dict[str, Post], Log]:
    """Run a process until it ends by SIGTERM, which the handler sends. Returns the answers by their number."""
    log = Log()
    with QueuedApi(next_status=next_status) as api, closing(RuntimeApi(api.address, "test")) as client:
        runtime = TasksRuntime(client, handler, Logs(log, lambda: 1.0), mode="auto", concurrency=concurrency)
        runtime.start()
        for number, value in enumerate(values):
            api.hand_out(event(value, number))
        with pytest.raises(SystemExit) as ended:
            runtime.run()
        assert ended.value.code == 0
        happened = [api.happened.get_nowait() for _ in range(api.happened.qsize())]
    return {post.path.split("/")[1]: post for post in happened if isinstance(post, Post)}, log


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture(autouse=True)
def _own_hooks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(current, "startup", [])
    monkeypatch.setattr(current, "shutdown", [])
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)  # coverage has a handler of its own
    try:
        yield
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGTERM, before)


def test_the_app_starts_once_and_stops_once() -> None:
    order: list[str] = []

    async def note(name: str) -> None:
        order.append(name)

    current.startup.append(lambda: note("start"))
    current.shutdown.append(lambda: note("stop"))
    arrived = 0

    async def handler(_event: Any, context: Any) -> str:
        nonlocal arrived
        await note(context.aws_request_id)
        arrived += 1
        if arrived == 3:
            terminate()
        return "answer"

    answers, _ = run(handler, 0, 1, 2, concurrency=3)

    assert (order[0], sorted(order[1:-1]), order[-1]) == ("start", ["r0", "r1", "r2"], "stop")
    assert [answers[name].body for name in sorted(answers)] == [b'"answer"'] * 3


def test_streams_under_way_end_after_sigterm() -> None:
    signalled = asyncio.Event()

    async def handler(event: Any, _context: Any) -> Any:
        if event == "signal":
            terminate()
            asyncio.get_running_loop().call_later(0.01, signalled.set)
            return "signalled"
        return body()

    async def body() -> AsyncIterator[str]:
        yield "one"
        await signalled.wait()
        yield "two"

    answers, log = run(handler, "stream", "stream", "signal", concurrency=3)

    assert [answers[f"r{number}"].body for number in range(3)] == [b"onetwo", b"onetwo", b'"signalled"']
    assert log == Log()


def test_a_stream_that_goes_on_after_sigterm_is_cut_off_with_an_error() -> None:
    closed: list[str] = []

    async def handler(_event: Any, _context: Any) -> AsyncIterator[str]:
        async def body() -> AsyncIterator[str]:
            try:
                yield "one"
                terminate()
                await asyncio.sleep(1000)
            finally:
                closed.append("closed")

        return body()

    answers, _ = run(handler, "stream")

    assert answers["r0"].trailers["lambda-runtime-function-error-type"] == "Function.InterruptedError"
    assert closed == ["closed"]


def test_a_handler_that_refuses_to_end_does_not_keep_the_process() -> None:
    async def handler(_event: Any, _context: Any) -> None:
        terminate()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(1000)
        await asyncio.sleep(1000)

    answers, _ = run(handler, "stay")

    assert answers == {}


def test_sigint_ends_the_process_in_the_same_way() -> None:
    async def handler(_event: Any, _context: Any) -> str:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0.01)
        return "answer"

    assert run(handler, "event")[0]["r0"].body == b'"answer"'


def test_a_signal_handler_of_the_function_stays() -> None:
    signals: list[int] = []

    async def handler(_event: Any, _context: Any) -> None:
        terminate()
        await asyncio.sleep(0)
        os.kill(os.getpid(), signal.SIGINT)

    signal.signal(signal.SIGTERM, lambda number, _: signals.append(number))
    try:
        run(handler, "event")
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    assert signals == [signal.SIGTERM]


def test_a_task_that_exits_does_not_end_the_others() -> None:
    """asyncio raises the SystemExit of any task out of its loop, which then runs again."""

    async def handler(_event: Any, _context: Any) -> str:
        task = asyncio.create_task(leave())
        await asyncio.wait((task,))
        terminate()
        return "answer"

    async def leave() -> None:
        raise SystemExit(3)

    answers, log = run(handler, "event")

    assert answers["r0"].body == b'"answer"'
    assert [lines[0] for lines in log.errors] == ["[ERROR] SystemExit: 3"]


def test_a_handler_that_stops_the_event_loop_does_not_end_the_others() -> None:
    async def handler(_event: Any, _context: Any) -> str:
        asyncio.get_running_loop().stop()
        await asyncio.sleep(0)
        terminate()
        return "answer"

    answers, log = run(handler, "event")

    assert answers["r0"].body == b'"answer"'
    assert log.errors[0][0].startswith("[ERROR] RuntimeError: Event loop stopped")


def test_the_process_ends_when_no_worker_gets_an_invocation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "DELAYS_S", (0.0,))
    stopped: list[str] = []

    async def stop() -> None:
        stopped.append("stopped")

    async def handler(_event: Any, _context: Any) -> None: ...

    current.shutdown.append(stop)
    log = Log()
    with QueuedApi(next_status=403) as api, closing(RuntimeApi(api.address, "test")) as client:
        runtime = TasksRuntime(client, handler, Logs(log), mode="auto", concurrency=3)
        with pytest.raises(RequestRefused, match="answered 403 to next"):
            runtime.run()

    assert stopped == ["stopped"]
    assert len(log.messages) == 1


def test_a_sync_handler_is_refused() -> None:
    with pytest.raises(HandlerError, match="is a sync function"):
        TasksRuntime(RuntimeApi("", ""), lambda *_: None, Logs(Log()), mode="auto", concurrency=2)


def test_snapstart_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")

    async def handler(_event: Any, _context: Any) -> None: ...

    with pytest.raises(HandlerError, match="the function uses SnapStart"):
        TasksRuntime(RuntimeApi("", ""), handler, Logs(Log()), mode="auto", concurrency=2)


def test_no_trace_id_stays_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "of the start")

    async def handler(_event: Any, context: Any) -> Any:
        terminate()
        return [context.xray_trace_id, os.environ.get("_X_AMZN_TRACE_ID")]

    assert run(handler, "event")[0]["r0"].body == b"[null, null]"
