"""A Starlette app, as people write one."""

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from lambda_streamify import asgi


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, list[str]]]:
    print("the app starts")  # noqa: T201 - for the function's log
    yield {"requests": []}
    print("the app ends")  # noqa: T201


@contextmanager
def gate(address: str) -> Iterator[socket.socket]:
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port))) as connection:
        yield connection


def wait(connection: socket.socket) -> None:
    """Block the event loop until the test opens the gate, as a blocking client would."""
    connection.sendall(b"?")
    assert connection.recv(1) == b"!"


async def stream(request: Request) -> Response:
    async def chunks() -> AsyncIterator[str]:
        with gate(request.query_params["gate"]) as connection:
            for number in range(3):
                yield f"chunk {number}\n"
                wait(connection)

    return StreamingResponse(chunks(), media_type="text/event-stream")


async def background(request: Request) -> Response:
    def task() -> None:
        with gate(request.query_params["gate"]) as connection:
            wait(connection)
        print("the task is done")  # noqa: T201

    return PlainTextResponse("the whole answer", background=BackgroundTask(task))


async def cookies(request: Request) -> Response:
    response = PlainTextResponse(f"{request.path_params['name']} {request.query_params.getlist('a')} {request.cookies}")
    response.set_cookie("one", "1")
    response.set_cookie("two", "2")
    return response


async def fails(_request: Request) -> Response:
    async def chunks() -> AsyncIterator[str]:
        yield "one"
        raise ValueError("midway")

    return StreamingResponse(chunks())


async def state(request: Request) -> Response:
    request.state.requests.append("request")
    return PlainTextResponse(str(len(request.state.requests)))


async def slash(request: Request) -> Response:
    """What is asked for without the slash is redirected here, by the address that the app takes for its own."""
    return PlainTextResponse(str(request.url))


app = Starlette(
    routes=[
        Route("/stream", stream),
        Route("/background", background),
        Route("/cookies/{name:path}", cookies),
        Route("/fails", fails),
        Route("/state", state),
        Route("/slash/", slash),
    ],
    lifespan=lifespan,
)
lambda_handler = asgi.handler(app)
