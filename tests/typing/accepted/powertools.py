"""Routes of Powertools' event handler that stream: both type checkers accept every line."""

from collections.abc import AsyncIterator, Iterator

from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver, Response
from aws_lambda_powertools.shared.cookies import Cookie

from lambda_streamify import sse
from lambda_streamify.powertools import StreamingResponse

app = LambdaFunctionUrlResolver(enable_validation=True)


def tokens() -> Iterator[str]:
    yield "Once "


async def async_tokens() -> AsyncIterator[str]:
    yield "Once "


@app.get("/tokens")
def route() -> StreamingResponse:
    return StreamingResponse(tokens(), 201, {"x-a": "b", "x-c": ["d", "e"]}, [Cookie("a", "1"), "b=2"], "text/plain")


def own_response(error: Exception) -> Response[object]:
    response = StreamingResponse(sse.events(async_tokens()), cookies="a=1")
    response.headers["x-error"] = str(error)
    response.body = tokens()
    return response
