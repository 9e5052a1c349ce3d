"""What the clients are asked to do."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

KB, MB = 1024, 1024 * 1024

# A function URL's event, as long as a real one (AWS Lambda Developer Guide, "Invoking Lambda function URLs").
_URL_EVENT: dict[str, Any] = {
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": "/",
    "rawQueryString": "",
    "headers": {
        "x-amzn-tls-cipher-suite": "TLS_AES_128_GCM_SHA256",
        "x-amzn-tls-version": "TLSv1.3",
        "x-amzn-trace-id": "Root=1-64c1b7c1-3c1bd1d87a1d4b1d1d1d1d1d",
        "x-forwarded-proto": "https",
        "host": "abcdefgh.lambda-url.us-east-1.on.aws",
        "x-forwarded-port": "443",
        "x-forwarded-for": "203.0.113.9",
        "accept": "*/*",
        "user-agent": "curl/8.4.0",
        "content-type": "application/json",
    },
    "requestContext": {
        "accountId": "anonymous",
        "apiId": "abcdefgh",
        "domainName": "abcdefgh.lambda-url.us-east-1.on.aws",
        "domainPrefix": "abcdefgh",
        "http": {
            "method": "POST",
            "path": "/",
            "protocol": "HTTP/1.1",
            "sourceIp": "203.0.113.9",
            "userAgent": "curl/8.4.0",
        },
        "requestId": "8f6a7b3c-0d52-4a1d-9b0e-0a1b2c3d4e5f",
        "routeKey": "$default",
        "stage": "$default",
        "time": "26/Jul/2023:20:00:00 +0000",
        "timeEpoch": 1690401600000,
    },
    "body": '{"prompt":"hello"}',
    "isBase64Encoded": False,
}


@dataclass(frozen=True)
class Workload:
    """Invocations that are all alike.

    Workloads of the same name are compared with each other. `task` says which handler runs, `rate` how many bytes a
    second are read at most, `stop_ms` how long the reader stops after the first bytes, `pinned` whether all processes
    of the function run on one processor, `runs` how often all of this is done in one round. `at_a_time` is how many
    invocations run at the same time where the client takes several, and `wait_ms` how long each waits between chunks.
    """

    name: str
    task: str
    count: int
    size: int
    invocations: int = 1
    warm_up: bool = True
    stamped: bool = False
    failing: bool = False
    rate: int = 0
    stop_ms: int = 0
    pinned: bool = True
    runs: int = 1
    at_a_time: int = 0
    wait_ms: int = 0

    @property
    def event(self) -> dict[str, Any]:
        """The event of each measured invocation. Web frameworks find what it asks for in its path and its query."""
        asked = {"count": self.count, "size": self.size}
        if self.task == "document":
            return {"bench": asked}
        path = f"/{self.task.replace(' ', '-')}"
        context = _URL_EVENT["requestContext"]
        return {
            "bench": asked,  # first: the clients without a JSON parser take the first `count`
            **_URL_EVENT,
            "rawPath": path,
            "rawQueryString": urlencode(asked),
            "queryStringParameters": {name: str(value) for name, value in asked.items()},
            "requestContext": {**context, "http": {**context["http"], "path": path}},
        }

    @property
    def variables(self) -> dict[str, str]:
        """What Lambda, and the handler, find in the environment for several invocations at a time."""
        if not self.at_a_time:
            return {}
        return {"AWS_LAMBDA_MAX_CONCURRENCY": str(self.at_a_time), "BENCH_WAIT_MS": str(self.wait_ms)}

    @property
    def warm_up_event(self) -> str | None:
        """The event of one invocation before: the same with one small chunk."""
        return json.dumps(replace(self, count=1, size=20).event) if self.warm_up else None

    def unpinned(self) -> Workload:
        """The same where the kernel chooses the processors."""
        return replace(self, pinned=False)

    def smaller(self) -> Workload:
        """A tenth of it, for a smoke run; not with a slow reader, whose backlog takes a while to build."""
        if self.rate or self.failing:
            return self
        if self.at_a_time:
            return replace(self, count=max(1, self.count // 10))
        if self.stop_ms:
            return replace(self, stop_ms=self.stop_ms // 10)
        return replace(
            self,
            count=max(1, self.count // 10),
            invocations=max(min(1, self.invocations), self.invocations // 10),
            runs=1,
        )


TINY = Workload("20 B", "chunks", count=100_000, size=20, runs=3)
SMALL = Workload("1 KB", "chunks", count=60_000, size=KB, runs=3)
LARGE = Workload("64 KB", "chunks", count=8_000, size=64 * KB, runs=3)
HUGE = Workload("1 MB", "chunks", count=800, size=MB, runs=3)
BURST = Workload("burst of 10,000 chunks of 20 B", "stamps", count=10_000, size=20, stamped=True)
FIRST_BYTE = Workload("200 invocations", "chunks", count=1, size=20, invocations=200, runs=3)
COLD_START = Workload("cold start", "chunks", count=1, size=20, warm_up=False, runs=3)
START_ONLY = replace(COLD_START, invocations=0)  # for what cannot answer an invocation
LONG_LARGE = Workload("200 MB in chunks of 64 KB", "fresh chunks", count=3_200, size=64 * KB)
LONG_HUGE = Workload("200 MB in chunks of 1 MB", "fresh chunks", count=200, size=MB)
SLOW_READER = Workload("42 MB at 30 MB/s", "chunks beside a ticker", count=640, size=64 * KB, rate=30_000_000, runs=3)
IDLE_LOOP = Workload("1.4 s of waiting", "a ticker alone", count=1, size=20, runs=3)

# For a web framework's app, which takes longer to start and longer for each chunk.
APP_START = replace(COLD_START, name="cold start of an app", runs=1)
APP_FIRST_BYTE = Workload("60 invocations of an app", "chunks", count=1, size=20, invocations=60)
APP_TINY = Workload("20 B of an app", "chunks", count=30_000, size=20)
APP_TINY_SYNC = Workload("20 B of an app, sync", "sync chunks", count=4_000, size=20)
APP_LARGE = Workload("64 KB of an app", "chunks", count=4_000, size=64 * KB)
APP_LARGE_SYNC = Workload("64 KB of an app, sync", "sync chunks", count=2_000, size=64 * KB)
APP_GROWTH = replace(LONG_LARGE, name="200 MB of an app's chunks of 64 KB")
APP_STOPPED = Workload("stopped reader", "stamps", count=800, size=64 * KB, stamped=True, stop_ms=1000)
APP_FAILING = Workload("error in mid-stream", "failing chunks", count=3, size=20, warm_up=False, failing=True)

DOCUMENT = Workload("6 MB of JSON", "document", count=62_000, size=0, invocations=3)
