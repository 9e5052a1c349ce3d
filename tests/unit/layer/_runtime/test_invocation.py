"""What a handler may return, and the response that each caller gets."""

import asyncio
import json
from array import array
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from contextvars import ContextVar
from io import BytesIO
from threading import Event
from typing import Any

import pytest

from invoking import (
    DIRECT,
    FUNCTION_URL,
    HTTP_API,
    LOAD_BALANCER,
    REST_API,
    WEBSOCKET,
    Handler,
    Log,
    Loop,
    invoke,
    invoke_scripted,
    no_loop,
)
from lambda_streamify._response.response import StreamingResponse
from lambda_streamify._runtime.invocation import Invocation
from lambda_streamify._runtime.logs import Logs
from lambda_streamify._runtime.runtime_api import RuntimeApi
from scripted_api import ACCEPTED, WAIT, Peer, ScriptedApi, answers, invocation

# --- the kinds of handler --------------------------------------------------------------------------------------------

CHUNKS: list[Any] = ["one ", b"two ", bytearray(b"three "), memoryview(b"four")]
TEXT = b"one two three four"


def chunks() -> Iterator[Any]:
    yield from CHUNKS


async def async_chunks() -> AsyncIterator[Any]:
    for chunk in CHUNKS:
        await asyncio.sleep(0)
        yield chunk


class Iterable:
    def __iter__(self) -> Iterator[Any]:
        return chunks()


class AsyncIterable:
    def __aiter__(self) -> AsyncIterator[Any]:
        return async_chunks()


def generator(_event: Any, _context: Any) -> Any:
    yield from CHUNKS


async def async_generator(_event: Any, _context: Any) -> Any:
    for chunk in CHUNKS:
        yield chunk


def returning(make: Callable[[], Any]) -> Handler:
    def handler(_event: Any, _context: Any) -> Any:
        return make()

    return handler


def awaited(make: Callable[[], Any]) -> Handler:
    async def handler(_event: Any, _context: Any) -> Any:
        await asyncio.sleep(0)
        return make()

    return handler


STREAMS: dict[str, tuple[Handler, bool]] = {  # and whether an event loop is needed
    "a generator function": (generator, False),
    "a dict with a generator": (returning(lambda: {"body": chunks()}), False),
    "a dict with an iterator": (returning(lambda: {"statusCode": 200, "body": iter(CHUNKS)}), False),
    "a response over a list": (returning(lambda: StreamingResponse(CHUNKS)), False),
    "a response over an iterable": (returning(lambda: StreamingResponse(Iterable())), False),
    "an asynchronous generator function": (async_generator, True),
    "a dict with an asynchronous generator": (returning(lambda: {"body": async_chunks()}), True),
    "a response over an asynchronous iterable": (returning(lambda: StreamingResponse(AsyncIterable())), True),
    "a coroutine and a generator": (awaited(chunks), True),
    "a coroutine and a dict with a generator": (awaited(lambda: {"body": chunks()}), True),
    "a coroutine and an asynchronous generator": (awaited(async_chunks), True),
    "a coroutine and a dict with an asynchronous generator": (awaited(lambda: {"body": async_chunks()}), True),
    "a coroutine and a response": (awaited(lambda: StreamingResponse(async_chunks())), True),
}
every_stream = pytest.mark.parametrize(("handler", "asynchronous"), STREAMS.values(), ids=STREAMS)


def arguments(loop: Loop, *, asynchronous: bool) -> dict[str, Any]:
    """Run an invocation. Without `loop`, a request for an event loop fails the test."""
    return {"loop": loop} if asynchronous else {}


@every_stream
@pytest.mark.parametrize("event", [FUNCTION_URL, REST_API])
@pytest.mark.parametrize("mode", ["auto", "response_stream"])
def test_a_stream_goes_to_a_streaming_caller_after_a_prelude(
    handler: Handler, event: object, mode: str, loop: Loop, *, asynchronous: bool
) -> None:
    outcome = invoke(handler, event, mode=mode, **arguments(loop, asynchronous=asynchronous))

    sent = outcome.sent
    assert outcome.path == "response"
    assert sent.headers["content-type"] == "application/vnd.awslambda.http-integration-response"
    assert sent.headers["lambda-runtime-function-response-mode"] == "streaming"
    assert sent.prelude == {"statusCode": 200, "headers": {"content-type": "text/plain; charset=utf-8"}}
    assert sent.chunks[1:] == [b"one ", b"two ", b"three ", b"four"]
    assert (sent.content, sent.trailers, outcome.log.errors) == (TEXT, {}, [])


@every_stream
@pytest.mark.parametrize("mode", ["auto", "response_stream"])
def test_a_stream_goes_to_a_direct_caller_unchanged(
    handler: Handler, mode: str, loop: Loop, *, asynchronous: bool
) -> None:
    sent = invoke(handler, DIRECT, mode=mode, **arguments(loop, asynchronous=asynchronous)).sent

    assert sent.headers["content-type"] == "application/octet-stream"
    assert sent.chunks == [b"one ", b"two ", b"three ", b"four"]


COLLECTED_TEXT = {
    "statusCode": 200,
    "headers": {"content-type": "text/plain; charset=utf-8"},
    "body": TEXT.decode(),
    "isBase64Encoded": False,
}


@every_stream
@pytest.mark.parametrize(
    ("event", "mode"),
    [
        (HTTP_API, "auto"),
        (LOAD_BALANCER, "auto"),
        (WEBSOCKET, "auto"),
        (HTTP_API, "response_stream"),
        (FUNCTION_URL, "buffered"),
        (REST_API, "buffered"),
        (HTTP_API, "buffered"),
    ],
)
def test_a_stream_goes_to_a_caller_that_cannot_stream_as_one_proxy_dict(
    handler: Handler, event: object, mode: str, loop: Loop, *, asynchronous: bool
) -> None:
    sent = invoke(handler, event, mode=mode, **arguments(loop, asynchronous=asynchronous)).sent

    assert sent.headers["content-type"] == "application/json"
    assert "transfer-encoding" not in sent.headers
    assert sent.json == COLLECTED_TEXT


@every_stream
def test_a_stream_goes_to_a_buffered_direct_caller_in_one_piece(
    handler: Handler, loop: Loop, *, asynchronous: bool
) -> None:
    sent = invoke(handler, DIRECT, mode="buffered", **arguments(loop, asynchronous=asynchronous)).sent

    assert (sent.headers["content-type"], sent.body) == ("application/octet-stream", TEXT)
    assert "transfer-encoding" not in sent.headers


PLAIN = [None, {"a": "é"}, [1], "text", 5, {"statusCode": 201, "body": "x"}]


@pytest.mark.parametrize("value", PLAIN)
@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize(
    ("event", "mode"),
    [
        *[
            (event, mode)
            for event in (HTTP_API, LOAD_BALANCER, WEBSOCKET, DIRECT)
            for mode in ("auto", "response_stream")
        ],
        *[(event, "buffered") for event in (FUNCTION_URL, REST_API, HTTP_API, LOAD_BALANCER, WEBSOCKET, DIRECT)],
        (REST_API, "auto"),
        ("no dict", "auto"),
        (None, "auto"),
    ],
)
def test_a_plain_value_goes_out_as_json(
    value: object, event: object, mode: str, loop: Loop, *, asynchronous: bool
) -> None:
    handler = (awaited if asynchronous else returning)(lambda: value)

    sent = invoke(handler, event, mode=mode, **arguments(loop, asynchronous=asynchronous)).sent

    assert sent.headers["content-type"] == "application/json"
    assert (sent.json, "transfer-encoding" in sent.headers) == (value, False)


def test_bytes_go_out_untouched() -> None:
    sent = invoke(lambda *_: b"\xff", DIRECT).sent

    assert (sent.headers["content-type"], sent.body) == ("application/unknown", b"\xff")


@pytest.mark.parametrize("event", [FUNCTION_URL, REST_API])
@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize(
    ("value", "status", "body"),
    [
        ({"statusCode": "201", "body": "é"}, 201, "é".encode()),
        ({"statusCode": 200, "body": b64encode(b"\xff").decode(), "isBase64Encoded": True}, 200, b"\xff"),
        ({"a": "é"}, 200, b'{"a": "\\u00e9"}'),
        ("text", 200, b"text"),
        (None, 200, b"null"),
        ({"statusCode": 200}, 200, b""),
    ],
)
def test_a_plain_value_goes_to_a_streaming_caller_after_a_prelude(
    event: object, value: object, status: int, body: bytes, loop: Loop, *, asynchronous: bool
) -> None:
    handler = (awaited if asynchronous else returning)(lambda: value)

    sent = invoke(handler, event, mode="response_stream", **arguments(loop, asynchronous=asynchronous)).sent

    assert sent.prelude == {"statusCode": status, "headers": {"content-type": "application/json"}}
    assert sent.content == body


def test_a_file_is_sent_in_blocks_and_closed() -> None:
    file = BytesIO(b"one\ntwo\n" * 10_000)

    sent = invoke(lambda *_: {"body": file}, FUNCTION_URL).sent

    assert [len(chunk) for chunk in sent.chunks[1:]] == [65536, 80_000 - 65536]
    assert file.closed


def test_status_headers_and_cookies_reach_the_prelude() -> None:
    def handler(_event: Any, _context: Any) -> Any:
        return {
            "statusCode": "201",
            "headers": {"X": "y", "Content-Length": "5", "set-cookie": "b=2"},
            "multiValueHeaders": {"Z": ["1", "2"]},
            "cookies": ["a=1"],
            "body": iter([b"x"]),
        }

    url, rest = invoke(handler, FUNCTION_URL).sent, invoke(handler, REST_API).sent

    octets = "application/octet-stream"
    assert url.prelude == {
        "statusCode": 201,
        "headers": {"X": "y", "Z": "1, 2", "content-type": octets},
        "cookies": ["a=1", "b=2"],
    }
    assert rest.prelude == {
        "statusCode": 201,
        "headers": {"X": "y", "content-type": octets},
        "multiValueHeaders": {"Z": ["1", "2"]},
        "cookies": ["a=1", "b=2"],
    }


@pytest.mark.parametrize("body", ["text", b"text", bytearray(b"text"), memoryview(b"text")])
def test_text_or_bytes_for_a_body_are_one_chunk(body: Any) -> None:
    sent = invoke(returning(lambda: StreamingResponse(body, cookies="a=1")), FUNCTION_URL).sent

    assert sent.chunks[1:] == [b"text"]
    assert sent.prelude["cookies"] == ["a=1"]


def test_a_sync_body_of_a_coroutine_runs_in_its_task(loop: Loop) -> None:
    variable: ContextVar[str] = ContextVar("variable")

    def body() -> Iterator[str]:
        yield f"{variable.get()} {asyncio.get_running_loop() is loop()} "
        yield str(asyncio.current_task() is not None)

    async def handler(_event: Any, _context: Any) -> Any:
        variable.set("set")
        return body()

    assert invoke(handler, DIRECT, loop=loop).sent.chunks == [b"set True ", b"True"]


def test_a_caller_that_gets_no_stream_is_logged_once() -> None:
    log = Log()
    logs = Logs(log, lambda: 1.0)
    for _ in range(2):
        with (
            ScriptedApi(answers(invocation(HTTP_API), ACCEPTED)) as api,
            closing(RuntimeApi(api.address, "")) as client,
        ):
            made = Invocation(client, client.next(), logs, mode="auto", loop=no_loop, clock=lambda: 1.0)
            made.run(lambda *_: iter(["x"]))

    [line] = log.messages
    assert line.endswith("\tHTTP API callers get no stream: the response is buffered\n")


# --- the handler's arguments -----------------------------------------------------------------------------------------


def test_a_handler_gets_the_event_and_what_the_headers_say() -> None:
    seen: list[Any] = []

    invoke(
        lambda event, context: seen.append((event, context)),
        {"a": [1]},
        fields=(
            "Lambda-Runtime-Invoked-Function-Arn: arn",
            'Lambda-Runtime-Client-Context: {"custom": {"a": "b"}}',
            'Lambda-Runtime-Cognito-Identity: {"cognitoIdentityId": "id"}',
            "Lambda-Runtime-Aws-Tenant-Id: tenant",
        ),
    )

    [(event, context)] = seen
    assert event == {"a": [1]}
    assert (context.aws_request_id, context.invoked_function_arn, context.tenant_id) == ("request-1", "arn", "tenant")
    assert context.client_context.custom == {"a": "b"}
    assert context.identity.cognito_identity_id == "id"
    assert context.get_remaining_time_in_millis() == 1000


def test_without_headers_the_arn_is_empty_and_the_rest_is_none() -> None:
    seen: list[Any] = []

    invoke(lambda _event, context: seen.append(context))

    [context] = seen
    assert (context.invoked_function_arn, context.client_context, context.tenant_id) == ("", None, None)


def test_a_handler_may_change_its_event() -> None:
    def handler(event: Any, _context: Any) -> Any:
        event.clear()
        return {"body": iter(["x"])}

    assert invoke(handler, FUNCTION_URL).sent.content == b"x"


# --- chunk by chunk --------------------------------------------------------------------------------------------------


def read_prelude(peer: Peer) -> None:
    peer.read_until(bytes(8) + b"\r\n")


@pytest.mark.parametrize("asynchronous", [False, True])
def test_each_chunk_is_sent_before_the_next_is_produced(loop: Loop, *, asynchronous: bool) -> None:
    gates = [Event() for _ in range(5)]

    def body() -> Iterator[str]:
        for number, gate in enumerate(gates):
            yield f"chunk {number}"
            assert gate.wait(WAIT), f"chunk {number} was not read"

    async def async_body() -> AsyncIterator[str]:
        for chunk in body():
            yield chunk

    def script(peer: Peer) -> None:
        read_prelude(peer)
        for number, gate in enumerate(gates):
            assert peer.read_until(b"\r\n") == b"7\r\n"
            assert peer.read_until(b"\r\n") == b"chunk %d\r\n" % number
            gate.set()
        assert peer.read_until(b"\r\n\r\n") == b"0\r\n\r\n"
        peer.send(ACCEPTED)

    _, log = invoke_scripted(
        returning(async_body if asynchronous else body),
        FUNCTION_URL,
        script,
        **arguments(loop, asynchronous=asynchronous),
    )

    assert (log.messages, log.errors) == ([], [])


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("eager", [False, True])
def test_an_empty_first_chunk_or_an_eager_response_sends_the_head_alone(
    loop: Loop, *, eager: bool, asynchronous: bool
) -> None:
    head_was_read = Event()

    def body() -> Iterator[bytes]:
        if not eager:
            yield b""
        assert head_was_read.wait(WAIT)
        yield b"x"

    async def async_body() -> AsyncIterator[bytes]:
        for chunk in body():
            yield chunk

    def script(peer: Peer) -> None:
        read_prelude(peer)
        head_was_read.set()
        assert peer.read_until(b"\r\n0\r\n\r\n") == b"1\r\nx\r\n0\r\n\r\n"
        peer.send(ACCEPTED)

    _, log = invoke_scripted(
        returning(lambda: StreamingResponse((async_body if asynchronous else body)(), eager=eager)),
        FUNCTION_URL,
        script,
        **arguments(loop, asynchronous=asynchronous),
    )

    assert (log.messages, log.errors) == ([], [])


EMPTY = ["", b"", bytearray(), memoryview(b""), array("H")]


@pytest.mark.parametrize("event", [FUNCTION_URL, DIRECT])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_empty_chunks_are_never_written(event: Any, loop: Loop, *, asynchronous: bool) -> None:
    async def async_body() -> AsyncIterator[Any]:
        for chunk in [*EMPTY, "a", *EMPTY, "b", *EMPTY]:
            yield chunk

    def body() -> Iterator[Any]:
        yield from [*EMPTY, "a", *EMPTY, "b", *EMPTY]

    sent = invoke(
        returning(async_body if asynchronous else body), event, **arguments(loop, asynchronous=asynchronous)
    ).sent

    assert sent.chunks[event is FUNCTION_URL :] == [b"a", b"b"]


@pytest.mark.parametrize("body", [lambda: iter(()), lambda: iter([b""])])
def test_an_empty_body_is_a_prelude_and_the_end(body: Callable[[], Any]) -> None:
    outcome = invoke(returning(body), FUNCTION_URL)

    assert outcome.sent.content == b""
    assert outcome.request.endswith(bytes(8) + b"\r\n0\r\n\r\n")


def test_an_empty_body_without_prelude_is_the_end_alone(loop: Loop) -> None:
    async def nothing(_event: Any, _context: Any) -> AsyncIterator[bytes]:
        empty: tuple[bytes, ...] = ()
        for chunk in empty:
            yield chunk

    assert invoke(lambda *_: iter(()), DIRECT).request.endswith(b"\r\n\r\n0\r\n\r\n")
    assert invoke(nothing, DIRECT, loop=loop).request.endswith(b"\r\n\r\n0\r\n\r\n")


def test_the_content_type_follows_the_first_chunk() -> None:
    def content_type(*body: Any) -> str:
        sent = invoke(lambda *_: iter(body), FUNCTION_URL).sent
        return str(sent.prelude["headers"]["content-type"])

    assert content_type("x", b"y") == "text/plain; charset=utf-8"
    assert content_type(b"x", "y") == "application/octet-stream"
    assert content_type(b"") == "application/octet-stream"
    assert content_type() == "text/plain; charset=utf-8"


class Unread:
    """A body that must not be iterated, and records whether it was closed."""

    def __init__(self) -> None:
        self.closed = 0

    def __iter__(self) -> "Unread":
        return self

    def __next__(self) -> str:
        raise AssertionError("a chunk was asked for")

    def close(self) -> None:
        self.closed += 1


class AsyncUnread:
    """The asynchronous variant of `Unread`."""

    def __init__(self) -> None:
        self.closed = 0

    def __aiter__(self) -> "AsyncUnread":
        return self

    async def __anext__(self) -> str:
        raise AssertionError("a chunk was asked for")

    async def aclose(self) -> None:
        self.closed += 1


def with_method(event: dict[str, Any], method: str) -> dict[str, Any]:
    if "httpMethod" in event:
        return {**event, "httpMethod": method}
    return {"requestContext": {**event["requestContext"], "http": {"method": method}}}


@pytest.mark.parametrize("make", [Unread, AsyncUnread])
@pytest.mark.parametrize("event", [FUNCTION_URL, REST_API])
@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304), ("GET", "204")])
@pytest.mark.parametrize("eager", [False, True])
def test_a_response_without_body_is_a_prelude_and_its_body_is_closed_unread(
    make: Callable[[], Any], event: dict[str, Any], method: str, status: Any, loop: Loop, *, eager: bool
) -> None:
    body = make()
    handler = returning(lambda: StreamingResponse(body, status, eager=eager))

    sent = invoke(handler, with_method(event, method), loop=loop).sent

    assert (sent.prelude["statusCode"], sent.content) == (int(status), b"")
    assert body.closed == 1


def test_a_plain_value_is_sent_without_a_body_where_http_forbids_one() -> None:
    head = with_method(FUNCTION_URL, "HEAD")

    assert invoke(lambda *_: {"statusCode": 200, "body": "x"}, head).sent.content == b""
    assert invoke(lambda *_: {"statusCode": 204, "body": "x"}, FUNCTION_URL).sent.content == b""


# --- a body may use one buffer for all chunks ------------------------------------------------------------------------


def refilled() -> Iterator[bytearray]:
    buffer = bytearray()
    for number in (1, 20, 300):
        buffer.clear()
        buffer += b"%d " % number * 2000
        yield buffer


def refilled_views() -> Iterator[memoryview]:
    buffer = bytearray(10)
    for number in range(3):
        buffer[:] = b"%d" % number * 10
        yield memoryview(buffer)[: number + 1]


async def refilled_async() -> AsyncIterator[bytearray]:
    for chunk in refilled():
        yield chunk


@pytest.mark.parametrize("event", [FUNCTION_URL, DIRECT, HTTP_API])
@pytest.mark.parametrize("mode", ["auto", "buffered"])
@pytest.mark.parametrize(
    ("body", "content"),
    [
        (refilled, b"1 " * 2000 + b"20 " * 2000 + b"300 " * 2000),
        (refilled_async, b"1 " * 2000 + b"20 " * 2000 + b"300 " * 2000),
        (refilled_views, b"0" + b"11" + b"222"),
    ],
)
def test_a_buffer_may_be_refilled_and_resized_between_chunks(
    body: Callable[[], Any], content: bytes, event: Any, mode: str, loop: Loop
) -> None:
    sent = invoke(returning(body), event, mode=mode, loop=loop).sent

    if sent.headers["content-type"] == "application/json":
        assert json.loads(sent.body)["body"].encode() == content
    else:
        assert sent.body.rpartition(bytes(8))[2] == content


def test_a_plain_value_for_a_function_url_needs_no_mode() -> None:
    assert invoke(lambda *_: {"statusCode": 201}, FUNCTION_URL).sent.prelude["statusCode"] == 201
