"""A server on this machine that takes logs as Scalyr (SentinelOne DataSet) does, by `POST /addEvents`.

https://app.scalyr.com/help/api#addEvents describes it. Scalyr's agent writes JSON in a form of its own: names without
quotes, and texts as a backtick, an "s", four bytes of length and the bytes (scalyr_client.py of scalyr-agent-2).
"""

import json
import re
import ssl
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import trustme

from waiting import TIMEOUT_S, wait_until

_TOKEN = re.compile(rb'`s(?P<length>.{4})|"(?:[^"\\]|\\.)*"|(?P<name>[A-Za-z_]\w*)(?=\s*:)', re.DOTALL)


def decode(body: bytes) -> Any:
    """Return what a request of the agent's means."""
    parts, place = [], 0
    while token := _TOKEN.search(body, place):
        parts.append(body[place : token.start()])
        place = token.end()
        if token["name"]:
            parts.append(b'"%s"' % token["name"])
        elif token["length"]:
            end = place + int.from_bytes(token["length"], "big")
            parts.append(json.dumps(body[place:end].decode()).encode())
            place = end
        else:
            parts.append(token[0])
    return json.loads(b"".join([*parts, body[place:]]))


class ScalyrServer(ThreadingHTTPServer):
    """Keeps events. Each has its `message`, the attributes of its log, and those of the host."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _AddEvents)
        self._lock = Lock()
        self._events: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        """As in `scalyr_server`."""
        return f"https://localhost:{self.server_port}"

    def receive(self, request: dict[str, Any]) -> None:
        """Keep the events of a request."""
        logs = {log["id"]: log["attrs"] for log in request["logs"]}
        events = [{**request["sessionInfo"], **logs[one["log"]], **one["attrs"]} for one in request["events"]]
        with self._lock:
            self._events += events

    def wait_for(self, logfile: Path, text: str) -> dict[str, Any]:
        """Return the only event of this file with this text in its message, as soon as it is there."""
        wait_until(lambda: self._with(logfile, text), f"{text!r} of {logfile}")
        (event,) = self._with(logfile, text)
        return event

    def _with(self, logfile: Path, text: str) -> list[dict[str, Any]]:
        with self._lock:
            return [one for one in self._events if one["logfile"] == str(logfile) and text in one["message"]]


class _AddEvents(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ScalyrServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers["content-encoding"] == "deflate":
            body = zlib.decompress(body)
        self.server.receive(decode(body))
        answer = b'{"status": "success", "bytesCharged": 1}'
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def scalyr_server(authority: trustme.CA) -> Iterator[ScalyrServer]:
    """Serve for the length of the block, as `localhost` with a certificate of this authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with ScalyrServer() as server:
        # The thread of a connection makes the handshake: a client that dallies does not keep others waiting.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(TIMEOUT_S)
