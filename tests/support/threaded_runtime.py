"""A small runtime with as many threads as invocations it runs at a time: each has a connection of its own.

It runs the Python that its event holds, as the tiny runtime does.
"""

import sys
from dataclasses import replace
from pathlib import Path

from lambda_streamify_emulator.sandboxes.function_package import Package
from tiny_runtime import make_package

SCRIPT = f"""#!{sys.executable} -ISu
import http.client, json, os, signal, socket, sys, threading, time

def work():
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

    def call(method, path, body=None, headers={{}}):
        api.request(method, "/2018-06-01/runtime/" + path, body, headers)
        reply = api.getresponse()
        return reply, reply.read()

    while True:
        reply, event = call("GET", "invocation/next")
        request_id = reply.headers["Lambda-Runtime-Aws-Request-Id"]

        def respond(body):
            return call("POST", f"invocation/{{request_id}}/response", body)[0].status

        def say(text):
            os.write(1, json.dumps({{"requestId": request_id, "message": text}}).encode() + b"\\n")

        exec(json.loads(event), {{**globals(), **locals()}})

exec(os.environ.get("INIT", ""))
for _ in range(int(os.environ["AWS_LAMBDA_MAX_CONCURRENCY"])):
    threading.Thread(target=work).start()
"""


def make_threaded_package(folder: Path, init: str = "", *, timeout: int = 30) -> Package:
    """Return a function that runs `init` at its start, then the code of its events, several at a time."""
    package = make_package(folder, init, timeout=timeout)
    (folder / "runtime").write_text(SCRIPT)
    return replace(package, function=replace(package.function, memory=1024))
