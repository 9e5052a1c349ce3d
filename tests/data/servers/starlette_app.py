"""The streams in a Starlette app."""

from bodies import ASYNC, COOKIES, HEADERS, PLAIN  # type: ignore[import-not-found]  # beside this file, as in bodies.py
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from lambda_streamify import asgi


async def stream(request: Request) -> Response:
    """Stream what the path names."""
    body = {**PLAIN, **ASYNC}[request.path_params["case"]]
    response = StreamingResponse(body(request.query_params), 201, HEADERS)
    for name, value in COOKIES.items():
        response.set_cookie(name, value)
    return response


async def page(_request: Request) -> Response:
    """Return a text whose length is known."""
    return PlainTextResponse("the whole text\n")


app = Starlette(routes=[Route("/page", page), Route("/{case}", stream)])
lambda_handler = asgi.handler(app)
