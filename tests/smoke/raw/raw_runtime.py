"""A runtime for one purpose: it answers each request of a function URL with the bytes that the request's body asks for.

The body is a JSON object: `type`, the response's content type; `parts`, its chunks in base64; `cut`, whether to hang up
before the last chunk.
"""

import base64
import json
import os
import socket

HOST, _, PORT = os.environ["AWS_LAMBDA_RUNTIME_API"].partition(":")


def receive(connection: socket.socket) -> tuple[dict[str, str], bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().lower().split("\r\n")[1:])
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    return headers, body


def connected() -> socket.socket:
    return socket.create_connection((HOST, int(PORT)))


while True:
    with connected() as connection:
        connection.sendall(f"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        headers, event = receive(connection)
    event = json.loads(event)
    asked = event["body"]
    asked = json.loads(base64.b64decode(asked) if event["isBase64Encoded"] else asked)
    with connected() as connection:
        connection.sendall(
            f"POST /2018-06-01/runtime/invocation/{headers['lambda-runtime-aws-request-id']}/response HTTP/1.1\r\n"
            f"Host: {HOST}\r\nContent-Type: {asked['type']}\r\nTransfer-Encoding: chunked\r\n"
            "Lambda-Runtime-Function-Response-Mode: streaming\r\n\r\n".encode()
        )
        for part in map(base64.b64decode, asked["parts"]):
            connection.sendall(b"%x\r\n%b\r\n" % (len(part), part))
        if not asked.get("cut"):
            connection.sendall(b"0\r\n\r\n")
            receive(connection)
