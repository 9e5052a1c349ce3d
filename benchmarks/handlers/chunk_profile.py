"""Runs a handler that streams, under the layer's own code: prints where the time of a chunk goes, as JSON.

usage: chunk_profile.py PACKAGES MODULE EVENT   the folder that holds lambda_streamify, the handler's module, an event
"""

import cProfile
import importlib
import json
import os
import pstats
import socket
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
os.environ.setdefault("AWS_LAMBDA_FUNCTION_NAME", "bench")

from lambda_streamify._runtime.logs import open_logs
from lambda_streamify._runtime.runtime import Runtime
from lambda_streamify._runtime.runtime_api import RuntimeApi

HANDLER, EVENT = importlib.import_module(sys.argv[2]).handler, sys.argv[3].encode()
COUNT = json.loads(EVENT)["bench"]["count"]
NEXT = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    b"Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-000000000001\r\n"
    b"Lambda-Runtime-Deadline-Ms: 4000000000000\r\nLambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:"
    b"123456789012:function:bench\r\nLambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(EVENT), EVENT)
)
ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


def answer(api: socket.socket) -> None:
    """Hand out the event again and again, and drop what comes."""
    seen = b""
    while data := api.recv(1 << 20):
        seen = (seen + data)[-4096:]
        if seen.startswith(b"GET") and seen.endswith(b"\r\n\r\n"):
            api.sendall(NEXT)
            seen = b""
        elif seen.endswith(b"\r\n0\r\n\r\n"):
            api.sendall(ACCEPTED)
            seen = b""


def part(file: str, name: str) -> str:
    """Name a function of the layer, and the package of any other."""
    path = Path(file)
    if "lambda_streamify" in path.parts:
        return f"{path.stem}.{name}"
    packages = [name for name in ("starlette", "anyio", "asyncio") if name in path.parts]
    return packages[0] if packages else "the app" if path.parent == Path(__file__).parent else "Python's own"


ours, theirs = socket.socketpair()
if os.fork() == 0:  # a thread would take turns with what is measured
    ours.close()
    answer(theirs)
    os._exit(0)
theirs.close()
api = RuntimeApi("api:1", "bench")
api._socket = ours  # noqa: SLF001 - as invocation_profile.py
runtime = Runtime(api, HANDLER, open_logs(os.environ), mode="auto")
runtime.run_one()
profile = cProfile.Profile()
profile.runcall(runtime.run_one)
functions = pstats.Stats(profile).stats  # type: ignore[attr-defined]
total = sum(own for _, _, own, _, _ in functions.values())
calls = sum(count for _, count, _, _, _ in functions.values())
shares: "dict[str, float]" = {}
for (file, _line, name), (_, _, own, _, _) in functions.items():
    shares[part(file, name)] = shares.get(part(file, name), 0) + own / total
largest = sorted(shares.items(), key=lambda item: -item[1])[:8]
print(json.dumps({"calls": calls / COUNT, "shares": largest}))
