"""Every form of a response, for every caller, in every invoke mode: the whole table of response formats."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from io import BytesIO, StringIO
from typing import Any

import pytest

from invoking import Handler, Log, Loop
from lambda_streamify import streaming
from lambda_streamify._bodies.bodies import AsyncTypedBody, TypedBody
from lambda_streamify._response.response import StreamingResponse
from lambda_streamify._runtime.invocation import Invocation
from lambda_streamify._runtime.logs import Logs
from lambda_streamify._runtime.runtime_api import RuntimeApi
from request_events import event
from scripted_api import ACCEPTED, ScriptedApi, answers, invocation
from sent import Sent, parse

# --- the response formats --------------------------------------------------------------------------------------------

JSON = "JSON, as AWS's client sends it"
PRELUDE = "status and headers, then the body"
RAW = "the chunks alone"
PROXY = "collected into a proxy dict"
WHOLE = "collected, the bytes alone"

# caller: format of a plain value, of a stream; with "auto", the default
AUTO = {
    "function-url": (PRELUDE, PRELUDE),
    "function-url-body": (PRELUDE, PRELUDE),
    "function-url-cookies": (PRELUDE, PRELUDE),
    "function-url-iam": (PRELUDE, PRELUDE),
    "rest-api": (JSON, PRELUDE),
    "http-api": (JSON, PROXY),
    "http-api-v1": (JSON, PROXY),
    "alb": (JSON, PROXY),
    "websocket": (JSON, PROXY),
    "sqs": (JSON, RAW),
    "direct": (JSON, RAW),
}
BUFFERED = {caller: (JSON, WHOLE if stream == RAW else PROXY) for caller, (_, stream) in AUTO.items()}
TABLE = {
    "auto": AUTO,
    "response_stream": {**AUTO, "rest-api": (PRELUDE, PRELUDE)},
    "buffered": BUFFERED,
}

# These callers ignore `cookies`, and read repeated values from multiValueHeaders.
REPEATING = {"rest-api", "http-api-v1"}

# --- the forms -------------------------------------------------------------------------------------------------------

STATUS, HEADERS, COOKIES = 201, {"x-form": "yes"}, ["a=1", "b=2"]
CHUNKS = ["one ", "two ", "three"]
TEXT = "one two three"


def chunks() -> Iterator[str]:
    yield from CHUNKS


async def async_chunks() -> AsyncIterator[str]:
    for chunk in CHUNKS:
        await asyncio.sleep(0)
        yield chunk


BODIES: dict[str, Callable[[], Any]] = {
    "generator": chunks,
    "async generator": async_chunks,
    "iterator": lambda: iter(CHUNKS),
    "map": lambda: map(str, CHUNKS),
    "file of text": lambda: StringIO(TEXT),
    "file": lambda: BytesIO(TEXT.encode()),
    "typed body": lambda: TypedBody(chunks(), "text/x-form"),
    "async typed body": lambda: AsyncTypedBody(async_chunks(), "text/x-form"),
}
CONTENT_TYPES = {"file": "application/octet-stream", "typed body": "text/x-form", "async typed body": "text/x-form"}
TEXT_TYPE = "text/plain; charset=utf-8"


def in_dict(body: Any) -> Any:
    return {"statusCode": STATUS, "headers": HEADERS, "cookies": COOKIES, "body": body}


def in_response(body: Any) -> Any:
    return StreamingResponse(body, STATUS, HEADERS, COOKIES)


def bare(body: Any) -> Any:
    return body


def returns(make: Callable[[], Any]) -> Handler:
    return lambda _event, _context: make()


def returns_later(make: Callable[[], Any]) -> Handler:
    async def handler(_event: Any, _context: Any) -> Any:
        await asyncio.sleep(0)
        return make()

    return handler


def is_generator(_event: Any, _context: Any) -> Iterator[str]:
    yield from CHUNKS


async def is_async_generator(_event: Any, _context: Any) -> AsyncIterator[str]:
    for chunk in CHUNKS:
        await asyncio.sleep(0)
        yield chunk


def stream_forms() -> Iterator[tuple[str, Handler, str, bool]]:
    """A form: name, handler, content type, and whether it has status, headers and cookies."""
    for name, make in BODIES.items():
        content_type = CONTENT_TYPES.get(name, TEXT_TYPE)
        for form in (in_dict, in_response, bare):
            for way in (returns, returns_later):
                handler = way(lambda form=form, make=make: form(make()))  # type: ignore[misc]
                title = f"{way.__name__} {form.__name__} {name}"
                yield title, handler, content_type, form is not bare
                if name in ("generator", "async generator"):
                    yield f"streaming, {title}", streaming(handler), content_type, form is not bare
    for way in (returns, returns_later):
        yield f"{way.__name__} a response over a list", way(lambda: in_response(CHUNKS)), TEXT_TYPE, True
        yield f"{way.__name__} a response over text", way(lambda: in_response(TEXT)), TEXT_TYPE, True
    yield "is a generator function", is_generator, TEXT_TYPE, False
    yield "is an async generator function", is_async_generator, TEXT_TYPE, False
    yield "streaming, is a generator function", streaming(is_generator), TEXT_TYPE, False
    yield "streaming, is an async generator function", streaming(is_async_generator), TEXT_TYPE, False


STREAMS = list(stream_forms())

# A plain value, and the status and the body of its response at a function URL.
PLAIN_VALUES: list[tuple[Any, int, bytes]] = [
    (None, 200, b"null"),
    (5, 200, b"5"),
    ("text", 200, b"text"),
    ({"a": [1]}, 200, b'{"a": [1]}'),
    (["one", "two"], 200, b'["one", "two"]'),
    (("one", "two"), 200, b'["one", "two"]'),
    ({"statusCode": 404, "body": "gone"}, 404, b"gone"),
    ({"statusCode": 200, "body": ["one", "two"]}, 200, b'["one", "two"]'),
    ({"statusCode": 200, "body": ("one", "two")}, 200, b'["one", "two"]'),
    ({"statusCode": 200, "body": "b25l", "isBase64Encoded": True}, 200, b"one"),
]

# --- running them ----------------------------------------------------------------------------------------------------


def run_all(handlers: list[Handler], request: Any, mode: str, loop: Loop) -> tuple[list[Sent], Log]:
    """Run the invocations in one process, one after the other. Returns what each has sent."""
    replies = [reply for _ in handlers for reply in (invocation(request), ACCEPTED)]
    log = Log()
    logs = Logs(log, lambda: 1.0)
    with ScriptedApi(answers(*replies)) as api, closing(RuntimeApi(api.address, "test")) as client:
        for handler in handlers:
            Invocation(client, client.next(), logs, mode=mode, loop=loop, clock=lambda: 1.0).run(handler)
    return [parse(request) for request in api.requests[1::2]], log


def received(sent: Sent) -> tuple[str, Any]:
    """Return the format of the answer, and the answer."""
    content_type = sent.headers["content-type"]
    streamed = sent.headers.get("lambda-runtime-function-response-mode") == "streaming"
    if content_type == "application/vnd.awslambda.http-integration-response":
        assert streamed
        return PRELUDE, {**sent.prelude, "body": sent.content.decode()}
    if content_type == "application/octet-stream":
        return RAW if streamed else WHOLE, sent.body.decode()
    assert content_type == "application/json"
    assert not streamed
    value = sent.json
    return (PROXY if isinstance(value, dict) and "x-form" in str(value) else JSON), value


def expected(how: str, caller: str, content_type: str, *, is_full: bool) -> Any:
    """Return what a caller must receive of a stream, independently of the header style."""
    if how in (RAW, WHOLE):
        return TEXT
    fields: dict[str, Any] = {
        "statusCode": STATUS if is_full else 200,
        "headers": {**(HEADERS if is_full else {}), "content-type": content_type},
        "body": TEXT,
    }
    if how == PROXY:
        fields["isBase64Encoded"] = False
    if is_full and how == PROXY and caller in REPEATING:
        fields["multiValueHeaders"] = {"set-cookie": COOKIES}
    elif is_full and how == PROXY and caller == "alb":  # one value per name
        fields["headers"] |= {"set-cookie": COOKIES[0], "Set-cookie": COOKIES[1]}
    elif is_full:
        fields["cookies"] = COOKIES
    return fields


cases = pytest.mark.parametrize(("mode", "caller"), [(mode, caller) for mode in TABLE for caller in AUTO])


@cases
def test_every_form_of_a_stream_reaches_its_caller_as_the_table_says(mode: str, caller: str, loop: Loop) -> None:
    how = TABLE[mode][caller][1]

    sent, log = run_all([handler for _, handler, _, _ in STREAMS], event(caller), mode, loop)

    for (name, _, content_type, is_full), one in zip(STREAMS, sent, strict=True):
        got, value = received(one)
        assert (name, value) == (name, expected(how, caller, content_type, is_full=is_full))
        assert got == how or (how == PROXY and not is_full), name
    assert log.errors == []
    warnings = mode == "auto" and how == PROXY
    assert len(log.messages) == warnings, "one warning for all invocations of a process"


@cases
def test_every_plain_value_does_too(mode: str, caller: str, loop: Loop) -> None:
    how = TABLE[mode][caller][0]
    handlers: list[Handler] = []
    for value, _, _ in PLAIN_VALUES:
        for way in (returns, returns_later):
            handler = way(lambda value=value: value)  # type: ignore[misc]
            handlers += [handler, streaming(handler)]

    sent, log = run_all(handlers, event(caller), mode, loop)

    results = iter(sent)
    for value, status, body in PLAIN_VALUES:
        for one in (next(results) for _ in range(4)):
            if how == JSON:
                assert received(one) == (JSON, json.loads(json.dumps(value)))
            else:
                assert (one.prelude["statusCode"], one.content) == (status, body)
                assert one.prelude["headers"]["content-type"] == "application/json"
    assert (log.errors, log.messages) == ([], [])


@cases
def test_each_chunk_of_a_stream_is_one_where_the_caller_gets_a_stream(mode: str, caller: str, loop: Loop) -> None:
    how = TABLE[mode][caller][1]
    names = [number for number, (name, *_) in enumerate(STREAMS) if "file" not in name and "over text" not in name]

    sent, _ = run_all([STREAMS[number][1] for number in names], event(caller), mode, loop)

    for number, one in zip(names, sent, strict=True):
        if how in (RAW, PRELUDE):
            body = one.chunks[how == PRELUDE :]
            assert (STREAMS[number][0], body) == (STREAMS[number][0], [chunk.encode() for chunk in CHUNKS])
