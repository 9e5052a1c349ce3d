"""A Starlette app that streams what the query asks for."""

from collections.abc import AsyncIterator, Callable, Iterator

import sized_bodies
import waiting_chunks
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

BODIES: dict[str, Callable[[int, int], AsyncIterator[bytes] | Iterator[bytes]]] = {
    "chunks": sized_bodies.same_async,
    "sync-chunks": sized_bodies.same,
    "fresh-chunks": sized_bodies.fresh,
    "stamps": sized_bodies.stamps,
    "failing-chunks": sized_bodies.failing_async,
    "waiting-chunks": waiting_chunks.async_lines,
}


async def stream(request: Request) -> StreamingResponse:
    """Stream `count` chunks of `size` bytes."""
    body = BODIES[request.path_params["body"]]
    count, size = int(request.query_params["count"]), int(request.query_params["size"])
    return StreamingResponse(body(count, size), media_type="text/plain")


app = Starlette(routes=[Route("/{body}", stream, methods=["POST"])])
