"""An invocation's response as the client of a REST API gets it, streamed or whole.

Sources: Amazon API Gateway Developer Guide, "Set up a Lambda proxy integration with payload response streaming",
"Lambda proxy integrations in API Gateway" (output format) and "Troubleshoot issues with response streaming"; as seen on
AWS (LocalStack's tests of 2023): a response without any of the format's fields is an empty 200, one with another field
is a 502. That an error after the first byte cuts the connection, as the end of the integration's time does, is a
choice.
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
from ..invocations.prelude import CONTENT_TYPE, Prelude, PreludeParser, checked
from ..template.apis import EDGE, Api, Route
from ..urls import buffered
from ..web.asgi import Send, respond, start
from ..web.response_headers import PREFIX, Headers, delivered, value_of

# Seconds in which nothing comes, after which a stream is cut; edge-optimized APIs and others.
IDLE_AT_EDGE, IDLE = 30, 300
_FIELDS = {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}
_JSON = ("content-type", "application/json")

Later = Callable[[float, Callable[[], object]], asyncio.TimerHandle]


def own_headers(request_id: str, trace_id: str) -> Headers:
    """The headers that each answer has."""
    return [("x-amzn-requestid", request_id), ("x-amzn-trace-id", trace_id.partition(";")[0])]


async def refuse(send: Send, status: int, request_id: str, error_type: str, message: str) -> None:
    """An answer of API Gateway itself (Developer Guide, "Gateway response types")."""
    headers = [("x-amzn-requestid", request_id), ("x-amzn-errortype", error_type), _JSON]
    # With a space in it or without, as they have been quoted by many; the guide's default template has none.
    separators = (",", ": ") if status >= 500 else (",", ":")
    await respond(send, status, headers, json.dumps({"message": message}, separators=separators).encode())


class RestResponse:
    """One response. `warn` is told what the client cannot see, `later` sets the timers."""

    def __init__(
        self, api: Api, route: Route, invocation: Invocation, send: Send, warn: Callable[[str], None], *, later: Later
    ) -> None:
        self.as_binary = False
        """Whether a body that is given in base64 is decoded: the client accepts one of the API's binary types."""
        self._route = route
        self._invocation = invocation
        self._send = send
        self._warn = warn
        self._later = later
        self._idle = IDLE_AT_EDGE if api.endpoint == EDGE else IDLE
        self._is_started = False
        self._expired: str | None = None

    async def answer(self) -> None:
        """Send it, until it ends or the integration's time is over."""
        route = self._route
        answering = asyncio.ensure_future(self._stream() if route.is_streamed else self._send_whole())
        over = f"the integration's {route.timeout:g} seconds are over (TimeoutInMillis)"
        self._timer = self._later(route.timeout, partial(self._expire, answering, over))
        try:
            await answering
        except asyncio.CancelledError:
            if self._expired is None:
                raise
            if not self._is_started:
                await self._fail(504, f"{self._expired} before the response began", "Endpoint request timed out")
                return
            # No last chunk: the server closes the connection, and the client sees that something is missing.
            self._warn(f"{self._expired}: the response is cut")
        except (FunctionFailed, PreludeError) as error:
            await self._fail(502, None if isinstance(error, FunctionFailed) else str(error))
        finally:
            self._timer.cancel()

    def _expire(self, answering: "asyncio.Future[None]", reason: str) -> None:
        self._expired = reason
        answering.cancel()

    async def _send_whole(self) -> None:
        channel = self._invocation.channel
        payload = await buffered.whole(channel)
        self._timer.cancel()  # the integration is over, however slow the client reads
        if channel.content_type == CONTENT_TYPE:
            raise PreludeError(
                "the function streams, and the event does not: set its ResponseTransferMode to RESPONSE_STREAM, or "
                "STREAMIFY_INVOKE_MODE=buffered"
            )
        fields, body = _parse(payload, as_binary=self.as_binary)
        await respond(self._send, fields.status, self._headers(fields), body)

    async def _stream(self) -> None:
        channel = self._invocation.channel
        await channel.started()
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
        # Other than function URLs, API Gateway lets names pass that it gives itself (seen in 2024).
        renamed = [pair for pair in fields.headers if pair[0].lower().startswith(PREFIX)]
        headers = [*delivered(pair for pair in fields.headers if pair not in renamed), *renamed]
        if value_of(headers, "content-type") is None:
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
    """Status, headers and cookies of `fields`. A pair that is in both maps of headers counts once."""
    single = checked(fields)
    lists = fields.get("multiValueHeaders") or {}
    if not isinstance(lists, dict) or not all(isinstance(values, list) for values in lists.values()):
        raise PreludeError("the response's multiValueHeaders must be an object of lists")
    each = [{"headers": {name: value}} for name, values in lists.items() for value in values]
    pairs = [pair for one in each for pair in checked(one).headers]
    known = {(name.lower(), value) for name, value in pairs}
    rest = (pair for pair in single.headers if (pair[0].lower(), pair[1]) not in known)
    return Prelude(single.status, (*rest, *pairs), single.cookies)


def _parse(payload: bytes, *, as_binary: bool) -> tuple[Prelude, bytes]:
    """A buffered response."""
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise PreludeError(f"the response is no JSON, as API Gateway needs it: {error}") from error
    if not isinstance(value, dict) or not value.keys() <= _FIELDS:
        names = ", ".join(sorted(_FIELDS))
        raise PreludeError(f"the response is not an object with nothing but {names}, as API Gateway needs it")
    body = value.get("body")
    if body is not None and not isinstance(body, str):
        raise PreludeError("the response's body is not text, as API Gateway needs it")
    status = value.get("statusCode", 200)
    fields = head({**value, "statusCode": int(status) if str(status).isdecimal() else status})
    if not value.get("isBase64Encoded") or not as_binary:
        return fields, (body or "").encode("utf-8", "replace")
    try:
        return fields, base64.b64decode(body or "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise PreludeError(f"isBase64Encoded is set, but the body is not base64: {error}") from error
