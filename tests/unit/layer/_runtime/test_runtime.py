import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from invoking import DIRECT, FUNCTION_URL, Handler, Log
from lambda_streamify._runtime.logs import Logs
from lambda_streamify._runtime.runtime import Runtime
from lambda_streamify._runtime.runtime_api import RuntimeApi
from lambda_streamify.errors import RequestRefused
from scripted_api import ACCEPTED, Peer, Script, ScriptedApi, answers, invocation, reply
from sent import parse


@contextmanager
def runtime_of(
    handler: Handler, *scripts: Script, log: Log | None = None
) -> Iterator[tuple[Runtime, Logs, list[bytes]]]:
    with ScriptedApi(*scripts) as api, closing(RuntimeApi(api.address, "test")) as client:
        logs = Logs(log or Log())
        yield Runtime(client, handler, logs, mode="auto", clock=lambda: 1.0), logs, api.requests


def test_run_one_runs_one_invocation() -> None:
    seen: list[Any] = []

    def handler(event: Any, context: Any) -> str:
        seen.append((event, context.get_remaining_time_in_millis()))
        return "result"

    with runtime_of(handler, answers(invocation({"a": 1}), ACCEPTED)) as (runtime, _, requests):
        runtime.run_one()

    assert seen == [({"a": 1}, 1000)]
    assert parse(requests[1]).json == "result"


def test_all_invocations_use_one_connection_however_they_end() -> None:
    def handler(event: Any, _context: Any) -> Any:
        if event == "fail":
            raise ValueError("why")
        return iter([event]) if event == "stream" else event

    replies = [invocation("plain"), ACCEPTED, invocation("fail"), ACCEPTED, invocation("stream"), ACCEPTED]
    with runtime_of(handler, answers(*replies)) as (runtime, _, requests):
        for _ in range(3):
            runtime.run_one()

    assert [parse(request).body for request in requests[1::4]] == [b'"plain"', b"stream"]
    assert parse(requests[3]).path.endswith("/error")


def test_the_loop_runs_until_next_is_refused() -> None:
    seen: list[Any] = []

    def handler(event: Any, _context: Any) -> None:
        seen.append(event)

    script = answers(invocation(1), ACCEPTED, invocation(2), reply(413))
    refused = pytest.raises(RequestRefused)
    with runtime_of(handler, script, answers(reply(403, b"why"))) as (runtime, *_), refused as raised:
        runtime.run()

    assert (seen, raised.value.status) == ([1, 2], 403)


def test_an_unrecoverable_refusal_ends_the_loop() -> None:
    script = answers(invocation(1), reply(500, b"why"))
    with runtime_of(lambda *_: None, script) as (runtime, _, _requests), pytest.raises(RequestRefused):
        runtime.run()


FIELDS = ("Lambda-Runtime-Trace-Id: Root=1;Sampled=1", "Lambda-Runtime-Aws-Tenant-Id: tenant")


@pytest.fixture
def _trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "left by the one before")


@pytest.mark.usefixtures("_trace")
@pytest.mark.parametrize("asynchronous", [False, True])
def test_id_tenant_and_trace_stay_set_until_the_last_chunk(*, asynchronous: bool) -> None:
    seen: list[Any] = []

    with runtime_of(
        lambda *_: async_body() if asynchronous else body(), answers(invocation(DIRECT, *FIELDS), ACCEPTED)
    ) as (runtime, logs, _):

        def look() -> None:
            seen.append((logs.request_id, logs.tenant_id, os.environ.get("_X_AMZN_TRACE_ID")))

        def body() -> Iterator[str]:
            try:
                look()
                yield "one"
                look()
                yield "two"
            finally:
                look()

        async def async_body() -> AsyncIterator[str]:
            for chunk in body():
                yield chunk

        runtime.run_one()
        if asynchronous:
            runtime.event_loop().close()

    assert seen == [("request-1", "tenant", "Root=1;Sampled=1")] * 3


@pytest.mark.usefixtures("_trace")
def test_an_invocation_without_trace_and_tenant_has_none() -> None:
    seen: list[Any] = []
    with runtime_of(lambda *_: look(), answers(invocation(), ACCEPTED)) as (runtime, logs, _):

        def look() -> None:
            seen.append((logs.request_id, logs.tenant_id, os.environ.get("_X_AMZN_TRACE_ID")))

        runtime.run_one()

    assert seen == [("request-1", None, None)]


def test_one_event_loop_serves_all_invocations_and_is_never_the_current_one() -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    async def note() -> None:
        loops.append(asyncio.get_running_loop())

    async def asynchronous(_event: Any, _context: Any) -> AsyncIterator[str]:
        await note()
        yield "x"

    def handler(event: Any, context: Any) -> Any:
        if event == "own":
            asyncio.run(note())  # it neither uses nor closes the runtime's loop
            return None
        return asynchronous(event, context)

    replies = [invocation(event) for event in ("ours", "own", "ours")]
    with runtime_of(handler, answers(replies[0], ACCEPTED, replies[1], ACCEPTED, replies[2], ACCEPTED)) as (
        runtime,
        *_,
    ):
        for _ in range(3):
            runtime.run_one()
        assert runtime.event_loop() is runtime.event_loop() is loops[0] is loops[2] is not loops[1]
        runtime.event_loop().close()


def test_the_event_loop_is_closed_when_the_loop_ends() -> None:
    with runtime_of(lambda *_: None, answers(reply(403))) as (runtime, *_):
        loop = runtime.event_loop()
        with pytest.raises(RequestRefused):
            runtime.run()

    assert loop.is_closed()


def test_next_is_not_requested_before_the_body_is_closed() -> None:
    order: list[str] = []

    def handler(_event: Any, _context: Any) -> Iterator[str]:
        try:
            yield "x"
        finally:
            order.append("closed")

    def script(peer: Peer) -> None:
        peer.answer(invocation(FUNCTION_URL))
        peer.answer(ACCEPTED)
        peer.read_request()
        order.append("next")
        peer.send(reply(403))

    with runtime_of(handler, script) as (runtime, *_), pytest.raises(RequestRefused):
        runtime.run()

    assert order == ["closed", "next"]


def test_log_lines_carry_the_request_id() -> None:
    log = Log()
    with runtime_of(lambda *_: iter("x"), answers(invocation(FUNCTION_URL), reply(413, b"why")), log=log) as (
        runtime,
        *_,
    ):
        runtime.run_one()

    [message] = log.messages
    assert message.split("\t")[2:] == [
        "request-1",
        "the response was not delivered: the Runtime API answered 413 to response: why\n",
    ]


def test_a_client_of_awss_that_streams_is_logged_once_after_the_first_response(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    client = tmp_path / "awslambdaric"
    client.mkdir()
    (client / "__init__.py").write_text('__version__ = "4.3.0"\n')
    (client / "streams.py").write_text('{"Lambda-Runtime-Function-Response-Mode": "streaming"}')
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    log, logged = Log(), list[int]()

    def handler(_event: Any, _context: Any) -> None:
        logged.append(len(log.messages))

    script = answers(invocation(1), ACCEPTED, invocation(2), ACCEPTED, invocation(3), reply(413))
    refused = pytest.raises(RequestRefused)
    with runtime_of(handler, script, answers(reply(403)), log=log) as (runtime, *_), refused:
        runtime.run()

    assert logged == [0, 1, 1]
    assert f"awslambdaric 4.3.0 in {tmp_path} can stream: this function may not need" in log.messages[0]
