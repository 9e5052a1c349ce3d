"""Runs the layer's own code for one invocation, again and again, without sockets: prints where the time goes, as JSON.

usage: invocation_profile.py PACKAGES EVENT   the folder that holds lambda_streamify, and the event of each invocation
"""

import cProfile
import json
import os
import pstats
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, sys.argv[1])
os.environ.setdefault("AWS_LAMBDA_FUNCTION_NAME", "bench")


from lambda_streamify._runtime.logs import open_logs
from lambda_streamify._runtime.runtime import Runtime
from lambda_streamify._runtime.runtime_api import RuntimeApi

TIMES = 3000
EVENT = sys.argv[2].encode()
NEXT = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    b"Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-000000000001\r\n"
    b"Lambda-Runtime-Deadline-Ms: 1700000000000\r\nLambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:"
    b"123456789012:function:bench\r\nLambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(EVENT), EVENT)
)
ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


def handler(_event: object, _context: object) -> "dict[str, object]":
    """Stream one chunk, as the measured handler does."""
    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": iter((b"x" * 20,))}


class Memory:
    """Stands for the socket: answers at once, and notes how long after the event the first bytes came."""

    def __init__(self) -> None:
        self.first_bytes: list[int] = []
        self._answer = NEXT
        self._handed_out = 0

    def sendmsg(self, buffers: "list[bytes]", *_: object) -> int:
        """Take a head, with or without a body."""
        for buffer in buffers:
            self.send(buffer)
        return sum(map(len, buffers))

    def send(self, data: bytes, _flags: int = 0) -> int:
        """Take what a request begins with, or goes on with."""
        if data.startswith(b"GET"):
            self._answer = NEXT
        elif self._answer is NEXT:
            if b"/error HTTP/" in data:
                sys.exit("the invocation has failed: this would be the profile of an error")
            self.first_bytes.append(time.perf_counter_ns() - self._handed_out)
            self._answer = ACCEPTED
        return len(data)

    def recv(self, _size: int, _flags: int = 0) -> bytes:
        """Hand out the answer to what was sent last."""
        self._handed_out = time.perf_counter_ns()
        return self._answer


api = RuntimeApi("api:1", "bench")
api._socket = memory = Memory()  # type: ignore[assignment]  # noqa: SLF001 - the one seam that costs nothing
runtime = Runtime(api, handler, open_logs(os.environ), mode="auto")


def run() -> None:
    """Run many invocations."""
    for _ in range(TIMES):
        runtime.run_one()


run()
seen = statistics.median(memory.first_bytes) / 1000
profile = cProfile.Profile()
profile.runcall(run)
functions = pstats.Stats(profile).stats  # type: ignore[attr-defined]
total = sum(own for _, _, own, _, _ in functions.values())
shares: "dict[str, float]" = {}
for (file, _line, name), (_, _, own, _, _) in functions.items():
    where = Path(file).stem if "lambda_streamify" in file else "os.environ" if file == "<frozen os>" else "Python's own"
    label = f"{where}.{name}" if "lambda_streamify" in file else where
    shares[label] = shares.get(label, 0) + own / total
largest = sorted(shares.items(), key=lambda item: -item[1])[:8]
print(json.dumps({"first_byte_us": seen, "shares": largest}))
