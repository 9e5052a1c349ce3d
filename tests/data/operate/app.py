"""The function behind the proxies. The path begins with the name of a case; the query holds what it needs.

The test opens the gates, see tests/support/gate.py.
"""

import json
import os
from collections.abc import Callable, Iterator
from socket import create_connection
from typing import Any

from lambda_streamify import StreamingResponse, observe

Query = dict[str, str]

observe.log_streams()


def lambda_handler(event: dict[str, Any], _context: object) -> object:
    case = event["rawPath"].split("/")[1]
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


Case = Callable[[Query], Iterator[str] | Iterator[bytes]]
CASES: dict[str, Case] = {"lockstep": lockstep, "cut": cut, "large": large}
