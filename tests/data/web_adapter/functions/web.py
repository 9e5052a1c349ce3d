"""A Starlette app: under the Lambda Web Adapter a web server runs it, under the layer the handler does."""

import os
import socket
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route


async def stream(request: Request) -> Response:
    """Yield three chunks, and block after each until the test opens the gate."""

    async def chunks() -> AsyncIterator[str]:
        host, _, port = request.query_params["gate"].rpartition(":")
        with socket.create_connection((host, int(port))) as gate:
            for number in range(3):
                yield f"chunk {number} \u2713\n"
                gate.sendall(b"?")
                assert gate.recv(1) == b"!"

    return StreamingResponse(chunks(), 201, {"X-Kind": "stream"}, media_type="text/event-stream")


async def home(_: Request) -> Response:
    """Tell which process answers; the adapter asks here, too, whether the server is ready."""
    return PlainTextResponse(str(os.getpid()))


app = Starlette(routes=[Route("/", home), Route("/stream", stream)])

if os.environ.get("AWS_LAMBDA_EXEC_WRAPPER", "").endswith("/streamify"):
    from lambda_streamify import asgi

    lambda_handler = asgi.handler(app)
