"""A runtime of thirty lines, which runs the Python that its event holds: sandboxes are tested with any runtime."""

import json
import sys
from dataclasses import replace
from pathlib import Path

from lambda_streamify_emulator.invocations.invocation import Invocation
from lambda_streamify_emulator.sandboxes.environment import Folders
from lambda_streamify_emulator.sandboxes.function_package import Package
from lambda_streamify_emulator.template.reader import Function

SCRIPT = f"""#!{sys.executable} -ISu
import http.client, json, os, signal, subprocess, sys

api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

def call(method, path, body=None, headers={{}}):
    api.request(method, "/2018-06-01/runtime/" + path, body, headers)
    reply = api.getresponse()
    return reply, reply.read()

def respond(body):
    call("POST", f"invocation/{{request_id}}/response", body)

exec(os.environ.get("INIT", ""))
while True:
    reply, event = call("GET", "invocation/next")
    request_id = reply.headers["Lambda-Runtime-Aws-Request-Id"]
    exec(json.loads(event))
"""

# Code for events.
SAY_PROCESS = "respond(str(os.getpid()).encode())"
SAY_HALF = """
api.putrequest("POST", f"/2018-06-01/runtime/invocation/{request_id}/response")
api.putheader("Transfer-Encoding", "chunked")
api.endheaders(b"4\\r\\nhalf\\r\\n")
"""
WAIT = "signal.pause()"


def make_package(folder: Path, init: str = "", *, timeout: int = 30) -> Package:
    """Return a function that runs `init` at its start, then the code of its events."""
    wrapper = folder / "runtime"
    wrapper.write_text(SCRIPT)
    wrapper.chmod(0o755)
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": str(wrapper), "INIT": init}
    function = Function("tiny", "Tiny", "app.handler", "python3.12", folder, timeout, 128, variables, (), None)
    return Package(function, Path(sys.executable), Folders(folder, folder, folder))


def with_variables(package: Package, **variables: str) -> Package:
    """Return the package with other environment variables."""
    return replace(package, function=replace(package.function, environment=variables))


def running(code: str) -> Invocation:
    """Return an invocation that runs the code."""
    return Invocation(json.dumps(code).encode())


async def body(invocation: Invocation) -> bytes:
    """Return the whole body of the response; raises FunctionFailed if there is none."""
    await invocation.channel.wait_for_start()
    return b"".join([piece async for piece in invocation.channel.pieces()])


def reported(invocation: Invocation) -> tuple[str, str]:
    """Return type and message of the error that an invocation ended with."""
    error = invocation.channel.error
    assert error is not None
    return error.error_type, json.loads(error.details)["errorMessage"].partition(" Error: ")[2]
