"""The function behind the proxies. The path begins with the name of a case; the query holds what it needs.

The test opens the gates, see tests/support/gate.py.
"""

import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from socket import create_connection
from typing import Any
from urllib.parse import parse_qsl

from lambda_streamify import StreamingResponse, asgi, observe, wsgi

Query = dict[str, str]

observe.log_streams()


def lambda_handler(event: dict[str, Any], context: object) -> object:
    case = (event.get("rawPath") or event["path"]).split("/")[1]  # a REST API's event has `path`
    if case in APPS:
        return APPS[case](event, context)
    if case == "event":
        return {"statusCode": 200, "body": json.dumps(event)}
    query = event.get("queryStringParameters", {})
    headers = {"content-type": query.get("type", "text/plain"), **json.loads(query.get("headers", "{}"))}
    return StreamingResponse(CASES[case](query), headers=headers)


def waiting_at(address: str) -> Callable[[], None]:
    """Return a function that waits until the test opens the gate at this address."""
    host, _, port = address.rpartition(":")
    connection = create_connection((host, int(port)))

    def wait() -> None:
        connection.sendall(b"?")
        if connection.recv(1) != b"!":
            raise RuntimeError("the gate is gone")

    return wait


def lockstep(query: Query) -> Iterator[str]:
    """Wait at the gate after each chunk."""
    wait = waiting_at(query["gate"])
    for chunk in json.loads(query["chunks"]):
        yield chunk
        wait()


def held(query: Query) -> Iterator[str]:
    """Wait at the gate before each chunk."""
    wait = waiting_at(query["gate"])
    for chunk in json.loads(query["chunks"]):
        wait()
        yield chunk


def cut(query: Query) -> Iterator[str]:
    """End the process in mid-stream, when the chunk has been read."""
    yield from lockstep(query)
    os._exit(1)


def large(query: Query) -> Iterator[bytes]:
    """Send as many bytes as are asked for, as fast as they are taken; then wait at the gate."""
    piece = bytes(64 * 1024)
    for _ in range(int(query["bytes"]) // len(piece)):
        yield piece
    waiting_at(query["gate"])()


def counted(query: Query) -> Iterator[bytes]:
    """Yield 64 MiB, and keep in a file how many pieces of 64 KiB it has been by now; "done" at the end."""
    piece = bytes(64 * 1024)
    with Path(query["note"]).open("wb", buffering=0) as note:
        for number in range(1, 1025):
            os.pwrite(note.fileno(), b"%d" % number, 0)
            yield piece
        os.pwrite(note.fileno(), b"done", 0)


async def async_counted(query: Query) -> AsyncIterator[bytes]:
    """Do the same on the event loop."""
    for piece in counted(query):
        yield piece


async def asgi_counted(scope: Any, _receive: Any, send: Any) -> None:
    """Do the same in an ASGI app."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    async for piece in async_counted(dict(parse_qsl(scope["query_string"].decode()))):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body"})


def wsgi_counted(environ: Any, start_response: Any) -> Iterator[bytes]:
    """Do the same in a WSGI app."""
    start_response("200 OK", [])
    return counted(dict(parse_qsl(environ["QUERY_STRING"])))


APPS: dict[str, Callable[[Any, Any], Any]] = {
    "asgi_counted": asgi.handler(asgi_counted, lifespan="off"),
    "wsgi_counted": wsgi.handler(wsgi_counted),
}
Case = Callable[[Query], Iterator[str] | Iterator[bytes] | AsyncIterator[bytes]]
CASES: dict[str, Case] = {
    "lockstep": lockstep,
    "held": held,
    "cut": cut,
    "large": large,
    "counted": counted,
    "async_counted": async_counted,
}
