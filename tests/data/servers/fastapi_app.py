"""The streams in a FastAPI app."""

from bodies import ASYNC, COOKIES, HEADERS, PLAIN  # type: ignore[import-not-found]  # beside this file, as in bodies.py
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, StreamingResponse

from lambda_streamify import asgi

app = FastAPI()
lambda_handler = asgi.handler(app)


@app.get("/page")
async def page() -> PlainTextResponse:
    """Return a text whose length is known."""
    return PlainTextResponse("the whole text\n")


@app.get("/{case}")
async def stream(case: str, request: Request) -> StreamingResponse:
    """Stream what the path names."""
    response = StreamingResponse({**PLAIN, **ASYNC}[case](request.query_params), 201, HEADERS)
    for name, value in COOKIES.items():
        response.set_cookie(name, value)
    return response
