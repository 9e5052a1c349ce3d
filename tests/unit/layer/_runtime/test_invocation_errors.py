"""Errors before and after the first byte, and refusals of the Runtime API."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from errno import ETIMEDOUT
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from invoking import (
    DIRECT,
    FUNCTION_URL,
    HTTP_API,
    REST_API,
    Handler,
    Loop,
    Outcome,
    invoke,
    invoke_at,
    invoke_scripted,
)
from lambda_streamify._response.response import StreamingResponse
from lambda_streamify._wire import outgoing
from lambda_streamify.errors import RequestRefused
from raising_alarm import alarm_raises
from scripted_api import ACCEPTED, WAIT, Peer, ScriptedApi, answers, invocation, reply
from sent import parse


class Broken(Exception):
    """The error that these handlers raise."""


def first_frame(report: Any) -> str:
    """Return the function in which a report's stack trace begins."""
    return str(report["stackTrace"][0].partition(" in ")[2].partition("\n")[0])


# --- before the first byte -------------------------------------------------------------------------------------------


def raises(_event: Any, _context: Any) -> Any:
    raise Broken("why")


async def raises_async(_event: Any, _context: Any) -> Any:
    raise Broken("why")


def raises_first(_event: Any, _context: Any) -> Any:
    raise Broken("why")
    yield


async def raises_first_async(_event: Any, _context: Any) -> Any:
    raise Broken("why")
    yield


def assert_reported(outcome: Outcome, function: str) -> None:
    assert outcome.path == "error"
    assert outcome.sent.headers["content-type"] == "application/json"
    report = outcome.sent.json
    assert list(report) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert (report["errorMessage"], report["errorType"], report["requestId"]) == ("why", "Broken", "request-1")
    assert first_frame(report) == function
    [[line, second, *_]] = outcome.log.errors
    assert (line, second) == ("[ERROR] Broken: why", "Traceback (most recent call last):")


@pytest.mark.parametrize("handler", [raises, raises_async, raises_first, raises_first_async])
@pytest.mark.parametrize("event", [FUNCTION_URL, REST_API, HTTP_API, DIRECT])
@pytest.mark.parametrize("mode", ["auto", "buffered", "response_stream"])
def test_an_error_before_the_first_chunk_is_an_ordinary_error(
    handler: Handler, event: object, mode: str, loop: Loop
) -> None:
    assert_reported(invoke(handler, event, mode=mode, loop=loop), handler.__name__)


def fails_later(_event: Any, _context: Any) -> Iterator[str]:
    yield "one"
    raise Broken("why")


async def fails_later_async(_event: Any, _context: Any) -> AsyncIterator[str]:
    yield "one"
    raise Broken("why")


@pytest.mark.parametrize("handler", [fails_later, fails_later_async])
@pytest.mark.parametrize("event", [FUNCTION_URL, DIRECT])
def test_a_later_error_of_a_collected_body_is_an_ordinary_error_too(
    handler: Handler, event: object, loop: Loop
) -> None:
    assert_reported(invoke(handler, event, mode="buffered", loop=loop), handler.__name__)


def faulty(returned: Callable[[], Any]) -> Handler:
    return lambda *_: returned()


@pytest.mark.parametrize(
    ("returned", "kind", "message"),
    [
        (lambda: iter([None]), "ChunkTypeError", "the body yielded NoneType; yield str or bytes, "),
        (lambda: iter([5]), "ChunkTypeError", "the body yielded int; yield str or bytes, "),
        (lambda: {"statusCode": 99, "body": iter("x")}, "ResponseError", "the status code is 99; "),
        (lambda: {"headers": {"x": "\n"}, "body": iter("x")}, "ResponseError", "the value of header x holds "),
        (lambda: {"headers": {"x": "x" * 20_000}, "body": iter("x")}, "ResponseError", "the status, headers and "),
        (lambda: {"isBase64Encoded": True, "body": iter("x")}, "ResponseError", "isBase64Encoded is set "),
        (lambda: {"statusCode": 200, "body": {1, 2}}, "Runtime.MarshalError", "Unable to marshal response: "),
        (lambda: StreamingResponse(5), "TypeError", "'int' object is not iterable"),  # type: ignore[arg-type]
    ],
)
def test_an_invalid_response_is_refused_before_anything_is_sent(
    returned: Callable[[], Any], kind: str, message: str
) -> None:
    outcome = invoke(faulty(returned), FUNCTION_URL)

    assert outcome.path == "error"
    assert outcome.sent.json["errorType"] == kind
    assert outcome.sent.json["errorMessage"].startswith(message)


def test_an_error_in_json_is_a_fault_without_a_trace() -> None:
    report = invoke(lambda *_: {1, 2}, DIRECT).sent.json

    assert (report["errorType"], report["stackTrace"]) == ("Runtime.MarshalError", [])


@pytest.mark.parametrize(
    ("fields", "body", "kind"),
    [
        (("Content-Type: application/json",), b"{", "Runtime.UnmarshalError"),
        (("Lambda-Runtime-Client-Context: {",), b"{}", "Runtime.LambdaContextUnmarshalError"),
        (("Lambda-Runtime-Deadline-Ms: soon",), b"{}", "ValueError"),
    ],
)
def test_an_event_or_context_that_cannot_be_read_is_an_error_too(
    fields: tuple[str, ...], body: bytes, kind: str
) -> None:
    event = reply(200, body, "Lambda-Runtime-Aws-Request-Id: id", *fields)
    with ScriptedApi(answers(event, ACCEPTED)) as api:
        invoke_at(api, lambda *_: pytest.fail("the handler was called"))

    sent = parse(api.requests[1])
    assert sent.path == "/2018-06-01/runtime/invocation/id/error"
    assert sent.json["errorType"] == kind


def test_a_message_with_a_lone_surrogate_is_sent(capsys: pytest.CaptureFixture[str]) -> None:
    def handler(_event: Any, _context: Any) -> Any:
        raise Broken("\ud800")

    outcome = invoke(handler, DIRECT)

    assert outcome.sent.json["errorMessage"] == "\ud800"
    assert capsys.readouterr().out == ""


# --- after the first byte --------------------------------------------------------------------------------------------


def fails_after_two(error: BaseException) -> Handler:
    def handler(_event: Any, _context: Any) -> Iterator[str]:
        yield "one"
        yield "two"
        raise error

    return handler


def fails_after_two_async(error: BaseException) -> Handler:
    async def handler(_event: Any, _context: Any) -> AsyncIterator[str]:
        yield "one"
        yield "two"
        raise error

    return handler


both = pytest.mark.parametrize("failing", [fails_after_two, fails_after_two_async])


@both
@pytest.mark.parametrize("event", [FUNCTION_URL, REST_API, DIRECT])
def test_a_later_error_is_trailers_after_the_last_chunk(
    failing: Callable[[BaseException], Handler], event: Any, loop: Loop
) -> None:
    outcome = invoke(failing(Broken("why")), event, loop=loop)

    sent = outcome.sent
    assert sent.chunks[event is not DIRECT :] == [b"one", b"two"]
    assert sent.trailers["lambda-runtime-function-error-type"] == "Function.Broken"
    report = sent.trailed_error
    assert (report["errorType"], report["errorMessage"], report["requestId"]) == ("Broken", "why", "request-1")
    assert first_frame(report) == "handler"
    chunks, _, trailers = outcome.request.partition(b"\r\n0\r\n")
    assert b"Lambda-Runtime-Function-Error-Type: " not in chunks
    assert trailers.startswith(b"Lambda-Runtime-Function-Error-Type: Function.Broken\r\n")
    [[line, *_]] = outcome.log.errors
    assert line == "[ERROR] Broken: why"


@pytest.mark.parametrize(("chunk", "kind"), [(None, "NoneType"), ({"a": 1}, "dict"), (5, "int")])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_later_chunk_of_a_wrong_type_is_trailers_after_the_last_chunk(
    chunk: object, kind: str, loop: Loop, *, asynchronous: bool
) -> None:
    def handler(_event: Any, _context: Any) -> Iterator[Any]:
        yield from ("one", chunk)

    async def async_handler(_event: Any, _context: Any) -> AsyncIterator[Any]:
        yield "one"
        yield chunk

    sent = invoke(async_handler if asynchronous else handler, FUNCTION_URL, loop=loop).sent

    assert sent.content == b"one"
    assert sent.trailers["lambda-runtime-function-error-type"] == "Function.ChunkTypeError"
    assert sent.trailed_error["errorMessage"].startswith(f"the body yielded {kind}; ")


@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_eager_response_has_begun_before_its_first_chunk_fails(loop: Loop, *, asynchronous: bool) -> None:
    body = raises_first_async if asynchronous else raises_first

    sent = invoke(lambda *_: StreamingResponse(body(0, 0), eager=True), FUNCTION_URL, loop=loop).sent

    assert (sent.prelude["statusCode"], sent.content) == (200, b"")
    assert sent.trailed_error["errorType"] == "Broken"


@both
@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
@pytest.mark.parametrize("answer", [ACCEPTED, reply(413), reply(500)])
def test_an_exit_in_mid_stream_sends_trailers_and_then_exits_whatever_the_answer(
    failing: Callable[[BaseException], Handler], error: BaseException, answer: bytes, loop: Loop
) -> None:
    with ScriptedApi(answers(invocation(FUNCTION_URL), answer)) as api, pytest.raises(type(error)) as raised:
        invoke_at(api, failing(error), loop=loop)

    assert raised.value is error
    sent = parse(api.requests[1])
    assert sent.content == b"onetwo"
    assert sent.trailers["lambda-runtime-function-error-type"] == f"Function.{type(error).__name__}"


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_an_exit_before_the_first_byte_sends_nothing(error: BaseException) -> None:
    def handler(_event: Any, _context: Any) -> Any:
        raise error

    def silent(peer: Peer) -> None:
        peer.answer(invocation())
        assert peer.is_closed_by_the_other_side()

    with ScriptedApi(silent) as api, pytest.raises(type(error)):
        invoke_at(api, handler)


def test_a_cancelled_task_is_an_error_with_the_whole_chunk_before_the_trailers(loop: Loop) -> None:
    """Cancel as asyncio.timeout() around a `yield` does, while the invocation waits for a slow client."""
    large = b"x" * (16 * 1024 * 1024)
    cancelled = Event()

    async def handler(_event: Any, _context: Any) -> Any:
        task = asyncio.current_task()
        assert task is not None

        def cancel() -> None:
            task.cancel()
            cancelled.set()

        async def body() -> AsyncIterator[bytes]:
            yield b"first"
            asyncio.get_running_loop().call_soon(cancel)
            yield large

        return body()

    def script(peer: Peer) -> None:
        peer.read_until(b"\r\nfirst\r\n")
        assert cancelled.wait(WAIT)
        body = peer.read_chunked_body()
        assert body.startswith(b"1000000\r\n" + large + b"\r\n0\r\nLambda-Runtime-Function-Error-Type: Function.C")
        peer.send(ACCEPTED)

    invoke_scripted(handler, FUNCTION_URL, script, loop=loop)


def test_a_cancelled_task_is_an_error_before_the_first_byte_too(loop: Loop) -> None:
    async def handler(_event: Any, _context: Any) -> Any:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    outcome = invoke(handler, loop=loop)

    assert (outcome.path, outcome.sent.json["errorType"]) == ("error", "CancelledError")


# --- a signal handler raises -----------------------------------------------------------------------------------------


LARGE = b"x" * (16 * 1024 * 1024)


def large(_event: Any, _context: Any) -> Iterator[bytes]:
    yield b"first"
    yield LARGE


async def large_async(_event: Any, _context: Any) -> AsyncIterator[bytes]:
    yield b"first"
    yield LARGE


@pytest.mark.parametrize("handler", [large, large_async])
@pytest.mark.parametrize("error", [TimeoutError("time is up"), OSError(ETIMEDOUT, "time is up"), Broken("why")])
def test_a_signal_handlers_error_while_the_client_is_slow_ends_the_stream_properly(
    handler: Handler, error: Exception, loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = Event()

    def signalling(wait: Callable[..., Any]) -> Callable[..., Any]:
        def signal_and_wait(*arguments: Any, **keywords: Any) -> Any:
            waits.set()
            return wait(*arguments, **keywords)

        return signal_and_wait

    for module, name in ((outgoing, "wait_until_ready"), (outgoing, "ready")):
        monkeypatch.setattr(module, name, signalling(getattr(module, name)))

    with alarm_raises(error) as alarm:

        def script(peer: Peer) -> None:
            peer.read_until(b"\r\nfirst\r\n")
            assert waits.wait(WAIT)  # the large chunk has filled the socket
            alarm()
            assert peer.read_until(b"\r\n") == b"1000000\r\n"
            assert peer.read(len(LARGE)) == LARGE
            assert peer.read(2) == b"\r\n"
            assert b"Function." + type(error).__name__.encode() in peer.read_chunked_body()
            peer.send(ACCEPTED)

        _, log = invoke_scripted(handler, FUNCTION_URL, script, loop=loop)

    assert log.errors[0][0] == f"[ERROR] {type(error).__name__}: {error}"


def test_an_exit_from_a_signal_handler_closes_an_asynchronous_body_in_its_task(loop: Loop) -> None:
    closed: list[bool] = []
    waits = Event()

    async def handler(_event: Any, _context: Any) -> AsyncIterator[str]:
        task = asyncio.current_task()
        try:
            yield "first"
            waits.set()
            await asyncio.sleep(WAIT)
        finally:
            closed.append(asyncio.current_task() is task)

    with alarm_raises(SystemExit(3)) as alarm:

        def script(peer: Peer) -> None:
            peer.read_until(b"\r\nfirst\r\n")
            assert waits.wait(WAIT)
            alarm()
            assert b"Function.SystemExit" in peer.read_chunked_body()
            peer.send(ACCEPTED)

        with pytest.raises(SystemExit):
            invoke_scripted(handler, FUNCTION_URL, script, loop=loop)

    assert closed == [True]


# --- generators and errors that remain -------------------------------------------------------------------------------


def test_a_generator_within_an_asynchronous_body_is_closed_in_the_same_invocation(loop: Loop) -> None:
    closed: list[str] = []

    async def inner() -> AsyncIterator[str]:
        try:
            yield "inner"
        finally:
            await asyncio.sleep(0)
            closed.append("inner")

    async def handler(_event: Any, _context: Any) -> AsyncIterator[str]:
        async for chunk in inner():
            yield chunk
            raise Broken("why")

    outcome = invoke(handler, loop=loop)

    assert outcome.sent.trailed_error["errorType"] == "Broken"
    assert closed == ["inner"]


@pytest.mark.parametrize("status", [403, 500])
def test_a_refusal_is_not_forgotten_when_closing_the_body_fails(status: int) -> None:
    def handler(_event: Any, _context: Any) -> Iterator[bytes]:
        try:
            yield b"first"
            while True:
                yield LARGE
        finally:
            raise Broken("on the way out")

    def script(peer: Peer) -> None:
        peer.read_until(b"\r\nfirst\r\n")
        peer.send(reply(status, b"no"))

    with pytest.raises(RequestRefused, match=f"answered {status} to response"):
        invoke_scripted(handler, FUNCTION_URL, script)


def test_an_error_is_reported_even_if_the_working_directory_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()

    assert invoke(raises).sent.json["errorType"] == "Broken"


# --- the Runtime API refuses -----------------------------------------------------------------------------------------


def streams(_event: Any, _context: Any) -> Iterator[str]:
    yield "one"
    yield "two"


async def streams_async(_event: Any, _context: Any) -> AsyncIterator[str]:
    yield "one"
    yield "two"


def plain(_event: Any, _context: Any) -> dict[str, int]:
    return {"a": 1}


every_handler = pytest.mark.parametrize("handler", [plain, streams, streams_async, raises, fails_later])


@every_handler
@pytest.mark.parametrize("status", [400, 410, 413])
def test_after_a_late_or_oversized_answer_the_runtime_continues(handler: Handler, status: int, loop: Loop) -> None:
    outcome = invoke(handler, FUNCTION_URL, loop=loop, answer=reply(status, b"why"))

    [message] = outcome.log.messages
    assert message == (
        "[ERROR]\t1970-01-01T00:00:01.000Z\t\t"
        f"the response was not delivered: the Runtime API answered {status} to {outcome.path}: why\n"
    )


@every_handler
@pytest.mark.parametrize("status", [403, 500, 503])
def test_after_any_other_refusal_the_runtime_ends(handler: Handler, status: int, loop: Loop) -> None:
    with pytest.raises(RequestRefused) as raised:
        invoke(handler, FUNCTION_URL, loop=loop, answer=reply(status))

    assert raised.value.status == status


class Endless:
    """An endless body that records whether it was closed."""

    def __init__(self) -> None:
        self.closed = False

    def body(self) -> Iterator[bytes]:
        try:
            while True:
                yield bytes(65536)
        finally:
            self.closed = True

    async def async_body(self) -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(65536)
        finally:
            self.closed = True


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_stream_that_is_refused_while_it_is_written_is_closed_and_the_runtime_continues(
    loop: Loop, *, asynchronous: bool
) -> None:
    endless = Endless()

    def too_large(peer: Peer) -> None:
        peer.read_until(bytes(8))
        peer.send(reply(413, b"too large"))

    _, log = invoke_scripted(
        lambda *_: endless.async_body() if asynchronous else endless.body(), FUNCTION_URL, too_large, loop=loop
    )

    assert endless.closed
    [message] = log.messages
    assert message.endswith("the response was not delivered: the Runtime API answered 413 to response: too large\n")
    assert log.errors == []


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_stream_whose_client_disconnects_is_closed_and_the_runtime_continues(
    loop: Loop, *, asynchronous: bool
) -> None:
    endless = Endless()

    def gone(peer: Peer) -> None:
        peer.read_until(bytes(8))

    _, log = invoke_scripted(
        lambda *_: endless.async_body() if asynchronous else endless.body(), FUNCTION_URL, gone, loop=loop
    )

    assert endless.closed
    [message] = log.messages
    assert "the response was not delivered: the connection to the Runtime API at " in message
    assert log.errors == []


def test_an_answer_that_never_comes_is_a_lost_connection(loop: Loop) -> None:
    _, log = invoke_scripted(streams, FUNCTION_URL, lambda peer: peer.read_request(), loop=loop)

    [message] = log.messages
    assert "broke: closed before the answer was complete" in message


@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_error_while_a_refused_stream_is_closed_is_logged(loop: Loop, *, asynchronous: bool) -> None:
    def body() -> Iterator[bytes]:
        try:
            while True:
                yield bytes(65536)
        finally:
            raise Broken("why")

    async def async_body() -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(65536)
        finally:
            raise Broken("why")

    def too_large(peer: Peer) -> None:
        peer.read_until(bytes(8))
        peer.send(reply(413, b"too large"))

    requests, log = invoke_scripted(
        lambda *_: async_body() if asynchronous else body(), FUNCTION_URL, too_large, loop=loop
    )

    [[line, *_]] = log.errors
    assert line == "[ERROR] Broken: why"
    assert requests == []
