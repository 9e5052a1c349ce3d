"""Streams from the routes of Powertools' event handler, whose resolvers accept only Powertools' own Response.

    from lambda_streamify.powertools import StreamingResponse

    @app.get("/words")
    def words():
        return StreamingResponse(generate(), content_type="text/plain")

This module imports Powertools for AWS Lambda, which the function must contain. No other module of the layer imports a
package outside the standard library, and none imports this one.
"""

from ._bodies.bodies import AsyncTypedBody, TypedBody
from ._response.response import is_async, is_stream
from .errors import ChunkTypeError

try:
    from aws_lambda_powertools.event_handler import Response
except ModuleNotFoundError as error:
    if error.name != "aws_lambda_powertools":
        raise
    raise ModuleNotFoundError(
        "lambda_streamify.powertools needs Powertools for AWS Lambda, which is not installed: add it to the function's"
        " requirements, for example with `pip install aws-lambda-powertools`",
        name=error.name,
    ) from error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from aws_lambda_powertools.shared.cookies import Cookie

    from ._response.response import Body, Chunk

_VALIDATED = "<the stream of lambda_streamify.powertools>"  # the body's placeholder in what validation returns


class StreamingResponse(Response["Any"]):
    """A response of a route whose body streams. In everything else it behaves as Powertools' `Response`.

    body          a generator, an async generator or another iterable of str or bytes-like chunks, a file-like object,
                  or one str or bytes; str is sent as UTF-8
    status_code   an int
    headers       names and values; a value is a str, or a list of str for a repeated header
    cookies       Powertools' `Cookie` objects, or values of Set-Cookie headers such as "a=1; Secure"
    content_type  the Content-Type header, unless `headers` has one. Without either, it is the body's own type, or else
                  that of the first chunk

    The body is never compressed, serialised or validated. Raises ChunkTypeError for any other type of body.
    """

    def __init__(
        self,
        body: "Body | Chunk",
        status_code: int = 200,
        headers: "Mapping[str, str | list[str]] | None" = None,
        cookies: "Iterable[Cookie | str] | str | None" = None,
        content_type: "str | None" = None,
    ) -> None:
        stream = _streamed(body)
        # Middlewares look for the type in this spelling.
        named = {"Content-Type" if name.lower() == "content-type" else name: v for name, v in (headers or {}).items()}
        own = getattr(body, "content_type", None)  # such as that of `sse.events`
        super().__init__(
            status_code,
            content_type=content_type or (own if isinstance(own, str) else None),
            body=stream,
            headers=named,
            cookies=[cookies] if isinstance(cookies, str) else list(cookies or ()),  # type: ignore[arg-type,list-item]
            compress=False,  # even if its route does: gzip would read the whole stream
        )

    # Stored as `_body`: the Tracer passes the response to X-Ray's SDK, which reads attributes without an underscore.
    @property
    def body(self) -> "Any":
        """The stream, or what a middleware has replaced it with."""
        return self._body

    @body.setter
    def body(self, body: "Any") -> None:
        if isinstance(body, str) and body == _VALIDATED:
            return
        if isinstance(body, list) and is_stream(getattr(self, "_body", None)):
            raise ChunkTypeError(
                "the stream of a response was replaced by a list; if Powertools' validation made the list from the"
                " stream, annotate the route with `-> StreamingResponse`, or omit the annotation"
            )
        self._body = body

    def is_json(self) -> bool:
        """Return whether the body is to be written as JSON. A stream never is."""
        return not is_stream(self._body) and super().is_json()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: "Any", handler: "Any") -> "dict[str, Any]":
        """Make validation keep the stream of a route that is annotated with this class."""
        serialization = {"type": "function-plain", "function": _as_validated, "return_schema": {"type": "str"}}
        return {"type": "any", "serialization": serialization}


def _as_validated(_: object) -> str:
    return _VALIDATED


def _streamed(body: "Any") -> "Any":
    """Return `body` in a form that the runtime recognises as a stream in the dict that the resolver returns."""
    if isinstance(body, (str, bytes, bytearray, memoryview)):
        return iter((body,))
    if is_stream(body):
        return body
    own = getattr(body, "content_type", None)
    if is_async(body):
        return AsyncTypedBody(body.__aiter__(), own, body)
    if isinstance(body, dict) or not hasattr(body, "__iter__"):
        raise ChunkTypeError(
            f"the body of the response is a {type(body).__name__}; pass a generator or another iterable of str or"
            " bytes, and return any other value directly, or in Powertools' own Response"
        )
    return TypedBody(iter(body), own, body)
