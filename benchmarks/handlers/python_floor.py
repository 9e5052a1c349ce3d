"""The least that a runtime in Python can do: a socket, a generator, one send a chunk. No checks, no context.

usage: python_floor.py [MODULE]   a module that is imported first, for what its imports cost
"""

import os
import sys
from _socket import IPPROTO_TCP, TCP_NODELAY, socket

TYPE_CHECKING = False  # typing costs 6 ms
if TYPE_CHECKING:
    from collections.abc import Iterator

PATH = b"/2018-06-01/runtime/invocation/"
HEAD = (
    b"POST %b%b/response HTTP/1.1\r\nHost: api\r\nContent-Type: application/vnd.awslambda.http-integration-response\r\n"
    b"Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n\r\n%b"
)


def chunks(count: int, size: int) -> "Iterator[bytes]":
    """What the other runtimes' handlers yield."""
    chunk = b"x" * size
    for _ in range(count):
        yield chunk


def frame(chunk: bytes) -> bytes:
    """One chunk on the wire."""
    return b"%x\r\n%b\r\n" % (len(chunk), chunk)


if len(sys.argv) > 1:
    __import__(sys.argv[1])
host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
connection = socket()
connection.connect((host, int(port)))
connection.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
send = connection.send
while True:
    send(b"GET %bnext HTTP/1.1\r\nHost: api\r\n\r\n" % PATH)
    head, _, event = connection.recv(65536).partition(b"\r\n\r\n")
    request_id = head.partition(b"Request-Id: ")[2].partition(b"\r\n")[0]
    count, size = (
        int(event.partition(b'"%b": ' % name)[2].partition(b",")[0].strip(b"}")) for name in (b"count", b"size")
    )
    body = chunks(count, size)
    prelude = b'{"statusCode":200,"headers":{"content-type":"text/plain"}}' + bytes(8)
    send(HEAD % (PATH, request_id, frame(prelude) + frame(next(body))))
    for chunk in body:
        send(frame(chunk))
    send(b"0\r\n\r\n")
    connection.recv(65536)
