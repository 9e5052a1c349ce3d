"""The response of a REST API, streamed or in one piece.

Sources: Amazon API Gateway Developer Guide, "Set up a Lambda proxy integration with payload response streaming",
"Lambda proxy integrations in API Gateway" (output format) and "Troubleshoot issues with response streaming". As seen on
AWS (LocalStack's tests of 2023): a response with none of the format's fields is an empty 200, a response with an
unknown field is a 502, and invalid base64 is a 500. Values of multiValueHeaders come before those of headers (seen on
AWS in 2019: pull request 1166 of aws-sam-cli). After the first byte, an error or the integration timeout closes the
connection; that is a choice of this emulator.
"""

import asyncio
import base64
import binascii
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NoReturn

from ..errors import PreludeError
from ..invocations.channel import FunctionFailed
from ..invocations.invocation import Invocation
from ..invocations.prelude import CONTENT_TYPE, Prelude, PreludeParser, read_fields
from ..template.apis import EDGE, Api, Route
from ..urls import buffered
from ..web.asgi import Send, respond, start
from ..web.response_headers import PREFIX, Headers, get_header, rename_headers

# A stream is cut when it sends nothing for this long; for edge-optimized APIs, and for others.
EDGE_IDLE_TIMEOUT_S, IDLE_TIMEOUT_S = 30, 300
_FIELDS = {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}
_JSON = ("content-type", "application/json")

Later = Callable[[float, Callable[[], object]], asyncio.TimerHandle]


class _UnreadableBodyError(PreludeError):
    """The body is marked as base64, but is not valid base64."""


def own_headers(request_id: str, trace_id: str) -> Headers:
    """Return the headers of every response."""
    return [("x-amzn-requestid", request_id), ("x-amzn-trace-id", trace_id.partition(";")[0])]


async def refuse(send: Send, status: int, request_id: str, error_type: str, message: str) -> None:
    """Send an error response of API Gateway itself (Developer Guide, "Gateway response types")."""
    headers = [("x-amzn-requestid", request_id), ("x-amzn-errortype", error_type), _JSON]
    # Reports of many users show a space in the JSON of server errors only; the guide's default template has none.
    separators = (",", ": ") if status >= 500 else (",", ":")
    await respond(send, status, headers, json.dumps({"message": message}, separators=separators).encode())


class RestResponse:
    """One response. `warn` is called with problems that the response does not show; `later` sets timers."""

    def __init__(
        self, api: Api, route: Route, invocation: Invocation, send: Send, warn: Callable[[str], None], *, later: Later
    ) -> None:
        self.as_binary = False
        """Whether a base64 body is decoded: true if the client accepts one of the API's binary types."""
        self._route = route
        self._invocation = invocation
        self._send = send
        self._warn = warn
        self._later = later
        self._idle = EDGE_IDLE_TIMEOUT_S if api.endpoint == EDGE else IDLE_TIMEOUT_S
        self._is_started = False
        self._expired: str | None = None

    async def answer(self) -> None:
        """Send the response until it ends, or until the integration times out."""
        route = self._route
        answering = asyncio.ensure_future(self._stream() if route.is_streamed else self._send_whole())
        over = f"the integration's {route.timeout:g} seconds are over (TimeoutInMillis)"
        self._timer = self._later(route.timeout, partial(self._time_out, answering, over))
        try:
            await answering
        except asyncio.CancelledError:
            if self._expired is None:
                raise
            if not self._is_started:
                await self._fail(504, f"{self._expired} before the response began", "Endpoint request timed out")
                return
            # Without the last chunk, the server closes the connection, and the client detects that data is missing.
            self._warn(f"{self._expired}: the response is cut")
        except FunctionFailed:
            await self._fail(502, None)
        except PreludeError as error:
            await self._fail(500 if isinstance(error, _UnreadableBodyError) else 502, str(error))
        finally:
            self._timer.cancel()

    def _time_out(self, answering: "asyncio.Future[None]", reason: str) -> None:
        if not self._invocation.channel.ended:  # else the integration has finished; a slow client does not count
            self._expire(answering, reason)

    def _expire(self, answering: "asyncio.Future[None]", reason: str) -> None:
        self._expired = reason
        answering.cancel()

    async def _send_whole(self) -> None:
        channel = self._invocation.channel
        payload = await buffered.read_whole(channel)
        self._timer.cancel()  # the integration has finished; a slow client does not count
        if channel.content_type == CONTENT_TYPE:
            raise PreludeError(
                "the function streams, but the event does not: set its ResponseTransferMode to RESPONSE_STREAM, or "
                "STREAMIFY_INVOKE_MODE=buffered"
            )
        fields, body = parse_whole(payload, as_binary=self.as_binary)
        await respond(self._send, fields.status, self._headers(fields), body)

    async def _stream(self) -> None:
        channel = self._invocation.channel
        await channel.wait_for_start()
        parser, complete = PreludeParser(head), None
        pieces = channel.pieces()
        async for piece in pieces:
            complete = parser.feed(piece)
            if complete:
                break
        if channel.error is not None and complete is None:
            raise FunctionFailed(channel.error)
        fields, first = complete or _without_metadata(parser, channel.content_type)
        self._is_started = True
        await start(self._send, fields.status, self._headers(fields))
        bodiless = fields.status in (204, 304)  # RFC 9110, section 6.4.1
        await self._send_piece(b"" if bodiless else first)
        answering = asyncio.current_task()
        assert answering is not None
        silent = f"nothing has come for {self._idle} seconds, API Gateway's limit for this kind of endpoint"
        timer = self._later(self._idle, partial(self._expire, answering, silent))
        try:
            async for piece in pieces:
                timer.cancel()
                await self._send_piece(b"" if bodiless else piece)
                timer = self._later(self._idle, partial(self._expire, answering, silent))
        finally:
            timer.cancel()
        if channel.error is None:
            await self._send({"type": "http.response.body", "body": b""})
        else:
            self._warn(f"{channel.error.error_type} after the response began: the response is cut")

    async def _send_piece(self, piece: bytes) -> None:
        await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    def _headers(self, fields: Prelude) -> Headers:
        # Unlike function URLs, API Gateway passes on headers that already have its prefix (seen in 2024).
        renamed = [pair for pair in fields.headers if pair[0].lower().startswith(PREFIX)]
        headers = [*rename_headers(pair for pair in fields.headers if pair not in renamed), *renamed]
        if get_header(headers, "content-type") is None:
            headers.append(_JSON)
        cookies = (("set-cookie", cookie) for cookie in fields.cookies)
        return [*own_headers(self._invocation.request_id, self._invocation.trace_id), *headers, *cookies]

    async def _fail(self, status: int, reason: str | None, message: str = "Internal server error") -> None:
        if reason is not None:
            self._warn(f"{reason}; the client gets {status}")
        await refuse(self._send, status, self._invocation.request_id, "InternalServerErrorException", message)


def _without_metadata(parser: PreludeParser, content_type: str | None) -> NoReturn:
    try:
        parser.end()
    except PreludeError as error:
        if content_type == CONTENT_TYPE:
            raise
        hint = "a plain value needs STREAMIFY_INVOKE_MODE=response_stream behind a streaming route"
        raise PreludeError(f"{error}: {hint}") from error


def head(fields: Mapping[str, Any]) -> Prelude:
    """Return the status, headers and cookies of `fields`. A header with the same value in both maps counts once."""
    single = read_fields(fields)
    lists = fields.get("multiValueHeaders") or {}
    if not isinstance(lists, dict) or not all(isinstance(values, list) for values in lists.values()):
        raise PreludeError("the response's multiValueHeaders must be an object of lists")
    each = [{"headers": {name: value}} for name, values in lists.items() for value in values]
    pairs = [pair for one in each for pair in read_fields(one).headers]
    known = {(name.lower(), value) for name, value in pairs}
    rest = (pair for pair in single.headers if (pair[0].lower(), pair[1]) not in known)
    return Prelude(single.status, (*pairs, *rest), single.cookies)


def parse_whole(payload: bytes, *, as_binary: bool) -> tuple[Prelude, bytes]:
    """Return the prelude and the body of a buffered response. Raises PreludeError if it is not valid."""
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise PreludeError(f"the response is not JSON, which API Gateway needs: {error}") from error
    if not isinstance(value, dict) or not value.keys() <= _FIELDS:
        names = ", ".join(sorted(_FIELDS))
        raise PreludeError(f"the response must be an object with no fields but {names}, as API Gateway needs it")
    body = value.get("body")
    if body is not None and not isinstance(body, str):
        raise PreludeError("the response's body is not text, as API Gateway needs it")
    fields = head({**value, "statusCode": buffered.status_of(value.get("statusCode", 200))})
    if not value.get("isBase64Encoded") or not as_binary:
        return fields, (body or "").encode("utf-8", "replace")
    try:
        return fields, base64.b64decode(body or "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _UnreadableBodyError(f"isBase64Encoded is set, but the body is not base64: {error}") from error
