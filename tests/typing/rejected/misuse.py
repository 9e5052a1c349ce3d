"""Mistakes: each line that ends in `# error` is an error for both type checkers, and no other line is."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from lambda_streamify import (
    LambdaContext,
    Request,
    StreamingResponse,
    coalesce,
    deadline,
    keepalive,
    ndjson,
    resumable,
    resume,
    sse,
    streaming,
)
from lambda_streamify.powertools import StreamingResponse as RouteResponse


def tokens() -> Iterator[str]:
    yield "Once "


async def async_tokens() -> AsyncIterator[str]:
    yield "Once "


@streaming
def handler(event: dict[str, Any], context: LambdaContext) -> Iterator[str]:
    del event, context
    return tokens()


StreamingResponse(tokens(), status_code="abc")  # error
StreamingResponse(42)  # error
StreamingResponse(tokens(), headers=["x-name"])  # error
StreamingResponse(tokens(), headers={"x-name": None})  # error
StreamingResponse(tokens(), eager="yes")  # error
keepalive(42)  # error
resumable(tokens(), resume.MemoryStore())  # error
resumable(42, resume.MemoryStore(), key="k")  # error
resumable(tokens(), {}, key="k")  # error
sse.events(tokens(), comment=5)  # error
keepalive(tokens(), every="10")  # error
coalesce([1, 2])  # error
deadline("context")  # error
sse.events(42)  # error
sse.events(tokens(), on_error="error")  # error
sse.Event("data", retry="soon")  # error
ndjson.lines(None)  # error
handler({}, "context")  # error
Request("event")  # error
Request({}).body.encode()  # error
Request({}).headers["accept"] = "*/*"  # error
Request({}).query.get_all(1)  # error
RouteResponse(42)  # error
RouteResponse(tokens(), content_type=200)  # error
RouteResponse(tokens(), cookies=[1])  # error
handler({})  # error


async def mixed() -> None:
    for _ in sse.events(async_tokens()):  # error
        pass
    async for _ in ndjson.lines(tokens()):  # error
        pass
