#!/usr/bin/env python3
"""An external extension that prints what it gets. Variables of the function say what else it does.

WATCHER_EVENTS: the events to register for, INVOKE and SHUTDOWN by default. WATCHER_TYPES: subscribes to these types.
WATCHER_GATE: waits at this gate, HOST:PORT, after each INVOKE. WATCHER_AWAITS: waits for an event of this type before
it asks for its next event. WATCHER_DOES: code that runs at its start, with `call` and `identifier`.
"""

import http.client
import json
import os
import socket
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
seen: list[str] = []
changed = threading.Condition()


def call(
    method: str, path: str, headers: Mapping[str, str], body: object = None
) -> tuple[http.client.HTTPResponse, Any]:
    connection = http.client.HTTPConnection(API)
    connection.request(method, path, json.dumps(body) if body is not None else None, dict(headers))
    reply = connection.getresponse()
    return reply, json.loads(reply.read() or b"null")


class Listener(BaseHTTPRequestHandler):
    """Takes the events of the subscription."""

    def do_POST(self) -> None:
        events = json.loads(self.rfile.read(int(self.headers["content-length"])))
        for event in events:
            if event["type"] != "extension":  # else each line that is printed would cause another
                print("telemetry", json.dumps(event), flush=True)
        self.send_response(200)
        self.end_headers()
        with changed:
            seen.extend(event["type"] for event in events)
            changed.notify_all()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def subscribe(identifier: str, types: list[str]) -> None:
    server = HTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    destination = {"protocol": "HTTP", "URI": f"http://sandbox.localdomain:{server.server_port}"}
    body = {
        "schemaVersion": "2022-12-13",
        "types": types,
        "buffering": {"timeoutMs": 25},
        "destination": destination,
    }
    reply, answer = call("PUT", "/2022-07-01/telemetry", {"Lambda-Extension-Identifier": identifier}, body)
    print("subscribed", reply.status, answer, flush=True)


def main() -> None:
    name = sys.argv[1]
    events = os.environ.get("WATCHER_EVENTS", "INVOKE SHUTDOWN").split()
    fields = {"Lambda-Extension-Name": name, "Lambda-Extension-Accept-Feature": "accountId"}
    reply, function = call("POST", "/2020-01-01/extension/register", fields, {"events": events})
    print("registered", json.dumps(function), flush=True)
    identifier = reply.headers["Lambda-Extension-Identifier"]
    if "WATCHER_TYPES" in os.environ:
        subscribe(identifier, os.environ["WATCHER_TYPES"].split())
    exec(os.environ.get("WATCHER_DOES", ""), {**globals(), "identifier": identifier})
    awaited = os.environ.get("WATCHER_AWAITS")
    gate = None
    while True:
        _, event = call("GET", "/2020-01-01/extension/event/next", {"Lambda-Extension-Identifier": identifier})
        print("event", json.dumps(event), flush=True)
        if event["eventType"] == "SHUTDOWN":
            return
        if awaited:
            with changed:
                changed.wait_for(lambda: awaited in seen)
                seen.clear()
        if "WATCHER_GATE" in os.environ:
            host, _, port = os.environ["WATCHER_GATE"].partition(":")
            gate = gate or socket.create_connection((host, int(port)))
            gate.sendall(b"?")
            gate.recv(1)


main()
