"""A wrapper that puts itself between the runtime and the Runtime API, to refuse a call or to close its connection.

The fault that the event names strikes once: a call that is made again is passed on.
"""

import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from socket import SHUT_WR, create_connection, create_server, socket
from typing import Any

ROOT = Path(__file__).parent
AT_IMPORT = Path(os.environ["AT_IMPORT"])
LARGE_ENOUGH = 1024 * 1024  # bytes of a large chunk that are passed on
CLOSES = "closes"


class Reader:
    """Reads one HTTP message after the other as bytes."""

    def __init__(self, connection: socket) -> None:
        self._connection = connection
        self._buffer = b""

    def some(self) -> bytes:
        """Return what is there, or the next bytes that come; none at the end."""
        found, self._buffer = self._buffer or self._connection.recv(65536), b""
        return found

    def head(self) -> bytes:
        """Return the next head, none if there is no further one."""
        while b"\r\n\r\n" not in self._buffer:
            received = self._connection.recv(65536)
            if not received:
                return b""
            self._buffer += received
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        return head + b"\r\n\r\n"

    def exactly(self, size: int) -> bytes:
        """Return so many bytes."""
        data = b""
        while len(data) < size:
            piece = self.some()
            if not piece:
                raise ConnectionError("closed")
            data += piece
        data, self._buffer = data[:size], data[size:]
        return data

    def line(self) -> bytes:
        """Return the next line with its end."""
        data = b""
        while not data.endswith(b"\r\n"):
            data += self.exactly(1)
        return data

    def body(self, head: bytes) -> Iterator[bytes]:
        """Yield the body as it stands on the wire: whole, or chunk by chunk."""
        if b"transfer-encoding: chunked" not in head.lower():
            yield self.exactly(length(head))
            return
        size = None
        while size != 0:
            line = self.line()
            size = int(line, 16)
            yield line
            left = size + 2 if size else 0
            while left:
                piece = self.exactly(min(left, 65536))
                left -= len(piece)
                yield piece
        while line != b"\r\n":
            line = self.line()
            yield line


def length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)


class Proxy:
    """The fault to come, which the last event has named."""

    def __init__(self, upstream: str) -> None:
        host, _, port = upstream.rpartition(":")
        self.upstream = host, int(port)
        self.fault = ""
        self.place = ""
        self._case = ""

    def serve(self, listener: socket) -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=self._handle, args=(connection,), daemon=True).start()

    def _handle(self, connection: socket) -> None:
        try:
            with connection, create_connection(self.upstream) as server:
                reader, answers = Reader(connection), Reader(server)
                while (head := reader.head()) and self._call(head, reader, answers, connection, server):
                    pass
        except OSError:
            pass

    def _call(self, head: bytes, reader: Reader, answers: Reader, client: socket, server: socket) -> bool:
        """Pass a call on, or have the fault strike; returns whether the connection goes on."""
        target = head.split()[1]
        if target.endswith(b"/init/error") and AT_IMPORT.exists():
            self.fault, self.place = json.loads(AT_IMPORT.read_text())["refusal"], "before"
        if target.endswith(b"/next"):
            if self.place == "idle":
                return self._strike(client)
            server.sendall(head)
            answer = answers.head()
            event = answers.exactly(length(answer))
            if answer.split()[1] == b"200":
                self._note(json.loads(event))
            client.sendall(answer + event)
            return True
        if self.place == "before":
            for _ in reader.body(head):
                pass
            return self._strike(client)
        server.sendall(head)
        return self._pass_response(head, reader, answers, client, server)

    def _pass_response(self, head: bytes, reader: Reader, answers: Reader, client: socket, server: socket) -> bool:
        passed = 0
        for piece in reader.body(head):
            if (self.place == "middle" and b"second" in piece) or (self.place == "large" and passed > LARGE_ENOUGH):
                server.shutdown(SHUT_WR)
                while server.recv(65536):  # until the Runtime API has noticed
                    pass
                return self._strike(client)
            server.sendall(piece)
            passed += len(piece)
        answer = answers.head()
        answer += answers.exactly(length(answer))
        if self.place == "end":
            return self._strike(client)
        client.sendall(answer)
        return True

    def _note(self, event: dict[str, Any]) -> None:
        asked = event if "place" in event else event["queryStringParameters"]
        if asked.get("refusal") and asked["case"] != self._case:
            self.fault, self.place, self._case = asked["refusal"], asked["place"], asked["case"]

    def _strike(self, client: socket) -> bool:
        fault, self.fault, self.place = self.fault, "", ""
        if fault != CLOSES:
            text = json.dumps({"errorType": "Refused", "errorMessage": "by the fault proxy"}).encode()
            client.sendall(b"HTTP/1.1 %s Refused\r\nContent-Length: %d\r\n\r\n%s" % (fault.encode(), len(text), text))
            client.settimeout(5)
            while client.recv(65536):  # closing at once could take the answer away
                pass
        return False


def main() -> None:
    listener = create_server(("127.0.0.1", 0))
    proxy = Proxy(os.environ["AWS_LAMBDA_RUNTIME_API"])
    if os.fork() == 0:
        proxy.serve(listener)
    host, port = listener.getsockname()
    listener.close()
    os.environ["AWS_LAMBDA_RUNTIME_API"] = f"{host}:{port}"
    wrapper = str(ROOT / "streamify")
    os.execv(wrapper, [wrapper, *sys.argv[1:]])  # noqa: S606 - a wrapper does just that


main()
