"""Handlers and helpers as users write them: both type checkers accept every line."""

from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from typing import Any

from lambda_streamify import (
    FunctionUrlEvent,
    LambdaContext,
    Request,
    StreamingResponse,
    coalesce,
    deadline,
    errors,
    keepalive,
    ndjson,
    open_stream,
    read_stream,
    resumable,
    resume,
    sse,
    streaming,
    testing,
)


def tokens() -> Iterator[str]:
    yield "Once "


async def async_tokens() -> AsyncIterator[str]:
    yield "Once "


@streaming
def handler(event: FunctionUrlEvent, context: LambdaContext) -> StreamingResponse:
    query: dict[str, str] = event.get("queryStringParameters", {})
    method: str = event["requestContext"]["http"]["method"]
    limited = deadline(context, margin=2).limit(tokens(), last="cut")
    return StreamingResponse(limited, 201, {"x-method": method, "x-count": len(query)}, ["a=1"], eager=True)


@streaming
async def async_handler(event: dict[str, Any], context: LambdaContext) -> AsyncIterator[str]:
    del event
    request_id: str = context.aws_request_id
    yield request_id


def sync_bodies() -> Iterator[str | bytes | bytearray | memoryview]:
    for chunk in sse.events(tokens()):
        yield chunk
    for chunk in ndjson.lines([1, 2]):
        yield chunk
    for chunk in keepalive(sse.events(tokens()), every=10):
        yield chunk
    for chunk in coalesce(tokens(), max_bytes=1):
        yield chunk
    for chunk in keepalive(coalesce(ndjson.lines(tokens()))):
        yield chunk


async def async_bodies() -> AsyncIterator[str | bytes | bytearray | memoryview]:
    async for chunk in sse.events(async_tokens(), on_error=sse.error_event, default=str):
        yield chunk
    async for chunk in ndjson.lines(async_tokens(), on_error=ndjson.error_line):
        yield chunk
    async for chunk in keepalive(sse.events(async_tokens())):
        yield chunk
    async for chunk in coalesce(async_tokens()):
        yield chunk


class OwnStore(resume.MemoryStore):
    """A store of the user's own."""


def resumed(store: resume.Store, key: str) -> list[StreamingResponse]:
    async def body() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"

    async def made() -> AsyncIterator[str | bytes | bytearray | memoryview]:
        return sse.events(async_tokens())

    own: resume.Store = OwnStore()
    stopped: bool = resume.stop(own, key)
    return [
        StreamingResponse(resumable(sse.events(tokens(), done=stopped), store, key=key)),
        StreamingResponse(keepalive(resumable(lambda: sse.events(tokens()), store, key=key, after=""))),
        StreamingResponse(keepalive(resumable(body, resume.SQLiteStore("runs.db"), key=key, writer_timeout=5))),
        StreamingResponse(resumable(made, store, key=key, stopped=None, lost=sse.Event("", event="lost"))),
        StreamingResponse(resumable(None, store, key=key)),
        StreamingResponse(keepalive(tokens()), content_type="text/event-stream"),
    ]


def responses(context: LambdaContext) -> list[StreamingResponse]:
    file = BytesIO(b"content")
    return [
        StreamingResponse(b"whole"),
        StreamingResponse(tokens(), content_type="text/plain"),
        StreamingResponse(async_tokens(), headers={"cache-control": "no-store"}),
        StreamingResponse(file, cookies="a=1"),
        StreamingResponse(keepalive(file, data=": \n\n")),
        StreamingResponse(deadline(context).limit(async_tokens())),
    ]


def written() -> None:
    with open_stream(status_code=201, headers={"x-kind": "brief"}) as out:
        out.write("Once ")


def received(response: dict[str, Any]) -> list[bytes]:
    with read_stream(response) as stream:
        lines: list[str] = list(stream.lines())
        status: int | None = stream.status_code
        del lines, status
        return list(stream)


def tested() -> None:
    result = testing.call(handler, {}, None)
    status: int = result.status_code
    chunks: list[bytes] = result.chunks
    assert (status, chunks) == (201, [b"Once "])


def requested(event: FunctionUrlEvent, plain: dict[str, Any]) -> list[str]:
    request = Request(event)
    method: str = Request(plain).method
    agent: str | None = request.headers.get("User-Agent")
    accept: str = request.headers.get("accept", "*/*")
    tags: list[str] = request.query.get_all("tag")
    query: dict[str, str] = request.query
    name: str = request.form()["name"]
    fields: dict[str, int] = request.json()
    body: bytes = request.body
    client: str | None = request.client_address
    session: str = request.cookies["session"]
    if not fields:
        raise errors.BadRequest("the request has no fields")
    return [method, agent or accept, *tags, *query, name, body.hex(), client or "", session, request.text, request.path]


def known(context: LambdaContext) -> tuple[int, str | None, str | None]:
    custom: dict[str, Any] | None = context.client_context.custom if context.client_context else None
    del custom
    return context.get_remaining_time_in_millis(), context.function_name, context.identity.cognito_identity_id


def calls(event: FunctionUrlEvent, context: LambdaContext) -> None:
    handler(event, context)
