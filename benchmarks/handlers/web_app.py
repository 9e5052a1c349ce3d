"""The same streams from Starlette, which answers requests of the relay."""

import os
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route


def generator(request: Request) -> StreamingResponse:
    """Stream from a generator, which Starlette iterates in a thread pool."""
    count, size = int(request.query_params["count"]), int(request.query_params["size"])

    def body() -> Iterator[bytes]:
        chunk = b"x" * size
        for _ in range(count):
            yield chunk

    return StreamingResponse(body(), media_type="text/plain")


def async_generator(request: Request) -> StreamingResponse:
    """Stream from an asynchronous generator."""
    count, size = int(request.query_params["count"]), int(request.query_params["size"])

    async def body() -> AsyncIterator[bytes]:
        chunk = b"x" * size
        for _ in range(count):
            yield chunk

    return StreamingResponse(body(), media_type="text/plain")


app = Starlette(routes=[Route("/generator", generator), Route("/async_generator", async_generator)])

if __name__ == "__main__":
    uvicorn.run(
        app, port=int(os.environ["PORT"]), loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )
