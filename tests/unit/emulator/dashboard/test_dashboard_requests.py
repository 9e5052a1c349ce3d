import asyncio
from collections.abc import Callable
from functools import partial
from itertools import count

import pytest

from asynchronous import run
from lambda_streamify_emulator.dashboard.requests import ask_function, ask_url
from lambda_streamify_emulator.invocations.channel import FunctionError, ResponseChannel
from lambda_streamify_emulator.invocations.invocation import Invocation
from lambda_streamify_emulator.invocations.prelude import CONTENT_TYPE
from lambda_streamify_emulator.recordings.recording import Event
from lambda_streamify_emulator.sandboxes.pool import Throttled
from lambda_streamify_emulator.web.asgi import App, Message, Receive, Scope, Send
from lambda_streamify_emulator.web.request import Request
from scripted_pool import Script, ScriptedPool, responding

PRELUDE = b'{"statusCode": 201, "headers": {"x": "y"}, "cookies": ["a=b"]}' + bytes(8)
HEAD = {"status_code": 201, "headers": {"x": "y"}, "cookies": ["a=b"]}


def ticks() -> Callable[[], float]:
    return partial(next, count())


def asked(script: Script) -> tuple[list[tuple[str, object]], ScriptedPool]:
    async def main() -> tuple[list[Event], ScriptedPool]:
        pool = ScriptedPool(script)
        return [event async for event in ask_function(pool, b'{"a": 1}', ticks())], pool

    events, pool = run(main())
    assert [event.time for event in events] == [1_000_000 * number for number in range(1, len(events) + 1)]
    return [(event.code, event.data) for event in events], pool


def end(reason: str, size: int, chunks: int) -> tuple[str, object]:
    return "x", {"reason": reason, "bytes": size, "chunks": chunks}


def test_a_function_gets_the_event_and_its_chunks_come_with_their_times() -> None:
    events, pool = asked(responding("text/plain", b"one", b"\xff"))

    assert events == [("o", "one"), ("b", "/w=="), end("end", 4, 2)]
    assert [invocation.event for invocation in pool.invocations] == [b'{"a": 1}']


@pytest.mark.parametrize("pieces", [[PRELUDE, b"body"], [PRELUDE[:9], PRELUDE[9:] + b"body"]])
def test_a_prelude_is_the_head(pieces: list[bytes]) -> None:
    events, _ = asked(responding(CONTENT_TYPE, *pieces))

    assert events == [("h", HEAD), ("o", "body"), end("end", 4, 1)]


def test_an_invalid_prelude_is_an_error() -> None:
    events, _ = asked(responding(CONTENT_TYPE, b"no JSON" + bytes(8), b"body"))

    (code, problem), *rest = events
    assert (code, problem["type"]) == ("e", "PreludeError")  # type: ignore[index]
    assert rest == [("o", "body"), end("end", 4, 1)]


def failing(*pieces: bytes) -> Script:
    async def script(channel: ResponseChannel) -> None:
        if pieces:
            channel.start("text/plain")
        for piece in pieces:
            channel.write(piece)
        channel.end(FunctionError("Function.A", b'{"errorMessage": "no"}'))

    return script


@pytest.mark.parametrize("pieces", [[], [b"half"]])
def test_an_error_is_reported_at_any_time(pieces: list[bytes]) -> None:
    events, _ = asked(failing(*pieces))

    assert events == [
        *(("o", piece.decode()) for piece in pieces),
        ("e", {"type": "Function.A", "message": "no"}),
        end("error", 4 * len(pieces), len(pieces)),
    ]


class BusyPool(ScriptedPool):
    async def invoke(self, invocation: Invocation, *, wait_if_full: bool = False) -> None:
        raise Throttled("busy")


def test_throttling_is_an_error() -> None:
    async def main() -> list[Event]:
        return [event async for event in ask_function(BusyPool(failing()), b"{}")]

    error, last = run(main())
    assert error.data["type"] == "TooManyRequestsException"
    assert last.data["reason"] == "error"


def test_after_a_disconnect_the_function_runs_to_its_end() -> None:
    async def main() -> None:
        ended = asyncio.Event()

        async def script(channel: ResponseChannel) -> None:
            channel.start("text/plain")
            channel.write(b"one")
            while channel.is_full or not discarded.is_set():
                await discarded.wait()
            channel.write(b"x" * 100_000)
            assert not channel.is_full
            ended.set()

        discarded = asyncio.Event()
        events = ask_function(ScriptedPool(script), b"{}")
        await anext(events)
        await events.aclose()
        discarded.set()
        await ended.wait()

    run(main())


# --- requests ---------------------------------------------------------------------------------------------------------

REQUEST = Request("POST", "/a%20b", "c=d", [("Host", "x"), ("X-A", "b")], "127.0.0.1", b"body")


def answers(app: App, request: Request = REQUEST) -> list[tuple[str, object]]:
    async def main() -> list[tuple[str, object]]:
        return [(event.code, event.data) async for event in ask_url(app, request)]

    return run(main())


def message(body: bytes, *, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


START: Message = {
    "type": "http.response.start",
    "status": 207,
    "headers": [(b"x", b"1"), (b"x", b"2"), (b"set-cookie", b"a=b"), (b"set-cookie", b"c=d")],
}


def test_a_url_gets_the_request_and_its_response_becomes_events() -> None:
    seen: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend(scope[name] for name in ("method", "raw_path", "query_string", "headers", "scheme"))
        seen.append(await receive())
        for sent in (START, message(b"one"), message(b""), message(b"two"), message(b"", more=False)):
            await send(sent)

    head = {"status_code": 207, "headers": {"x": "1, 2"}, "cookies": ["a=b", "c=d"]}
    assert answers(app) == [("h", head), ("o", "one"), ("o", "two"), end("end", 6, 2)]
    assert seen == [
        "POST",
        b"/a%20b",
        b"c=d",
        [(b"host", b"x"), (b"x-a", b"b")],
        "http",
        {"type": "http.request", "body": b"body", "more_body": False},
    ]


def test_a_head_request_gets_no_body() -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        for sent in (START, message(b"one"), message(b"", more=False)):
            await send(sent)

    request = Request("HEAD", "/", "", [], "127.0.0.1", b"")
    assert [code for code, _ in answers(app, request)] == ["h", "x"]


def test_the_response_waits_for_its_reader_and_ends_when_the_reader_leaves() -> None:
    sent: list[str] = []

    async def main() -> None:
        over = asyncio.Event()

        async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
            try:
                await send(START)
                for number in count():
                    await send(message(b"chunk"))
                    sent.append(str(number))
            finally:
                over.set()

        events = ask_url(app, REQUEST)
        for _ in range(3):
            await anext(events)
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(sent) <= 3
        await events.aclose()
        assert over.is_set()

    run(main())


def test_errors_of_the_emulator_are_not_hidden() -> None:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        answers(app)
