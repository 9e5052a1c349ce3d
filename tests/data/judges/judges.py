"""Handlers that read events with other people's code, and answer what they have read there."""

import json
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from apig_wsgi import make_lambda_handler
from mangum import Mangum

Message = MutableMapping[str, Any]
PICTURE = bytes(range(256))
COOKIES = ("a=1; Path=/", "b=2; HttpOnly")


async def asgi_app(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Answer what the scope says, or a picture."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    seen = {
        "method": scope["method"],
        "path": scope["path"],
        "query": scope["query_string"].decode(),
        "scheme": scope["scheme"],
        "client": scope["client"][0],
        "headers": headers,
        "body": b64encode(body).decode(),
    }
    content_type, answer = _answer(seen)
    cookies = [(b"set-cookie", cookie.encode()) for cookie in COOKIES]
    head = [(b"content-type", content_type.encode()), *cookies]
    await send({"type": "http.response.start", "status": 201, "headers": head})
    await send({"type": "http.response.body", "body": answer})


def wsgi_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer what the environment says, or a picture."""
    names = {name: name[5:].lower().replace("_", "-") for name in environ if name.startswith("HTTP_")}
    seen = {
        "method": environ["REQUEST_METHOD"],
        "path": environ["PATH_INFO"].encode("latin-1").decode(),
        "query": environ["QUERY_STRING"],
        "scheme": environ["wsgi.url_scheme"],
        "client": environ["REMOTE_ADDR"],
        "headers": {header: environ[name] for name, header in names.items()},
        "body": b64encode(environ["wsgi.input"].read()).decode(),
    }
    content_type, answer = _answer(seen)
    start_response("201 Created", [("content-type", content_type), *(("set-cookie", cookie) for cookie in COOKIES)])
    return [answer]


def _answer(seen: dict[str, Any]) -> tuple[str, bytes]:
    if seen["path"] == "/picture":
        return "image/png", PICTURE
    return "application/json", json.dumps(seen).encode()


mangum = Mangum(asgi_app, lifespan="off")
apig_wsgi = make_lambda_handler(wsgi_app)


def powertools(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Return what Powertools' event class reads in the event."""
    from aws_lambda_powertools.utilities.data_classes import LambdaFunctionUrlEvent

    request = LambdaFunctionUrlEvent(event)
    body = request.decoded_body if request.body else ""
    return {
        "method": request.http_method,
        "path": request.path,
        "query": request.raw_query_string,
        "parameters": request.resolved_query_string_parameters,
        "headers": dict(request.headers),
        "cookies": request.cookies,
        "client": request.request_context.http.source_ip,
        "user_agent": request.request_context.http.user_agent,
        "protocol": request.request_context.http.protocol,
        "account": request.request_context.account_id,
        "domain": [request.request_context.domain_name, request.request_context.domain_prefix],
        "epoch": request.request_context.time_epoch,
        "request_id": request.request_context.request_id,
        "body": body,
        "bytes": b64encode(b64decode(request.body or "")).decode() if request.is_base64_encoded else None,
    }
