"""What the clients are asked to do."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

KB, MB = 1024, 1024 * 1024

# A function URL's event, as long as a real one (AWS Lambda Developer Guide, "Invoking Lambda function URLs").
_URL_EVENT = {
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": "/chat",
    "rawQueryString": "q=1",
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
    "queryStringParameters": {"q": "1"},
    "requestContext": {
        "accountId": "anonymous",
        "apiId": "abcdefgh",
        "domainName": "abcdefgh.lambda-url.us-east-1.on.aws",
        "domainPrefix": "abcdefgh",
        "http": {
            "method": "POST",
            "path": "/chat",
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
    second are read at most, `runs` how often all of this is done in one round.
    """

    name: str
    task: str
    count: int
    size: int
    invocations: int = 1
    warm_up: bool = True
    stamped: bool = False
    rate: int = 0
    runs: int = 1

    @property
    def event(self) -> dict[str, Any]:
        """The event of each measured invocation."""
        from_url = {} if self.task == "document" else _URL_EVENT
        return {**from_url, "bench": {"count": self.count, "size": self.size}}

    @property
    def warm_up_event(self) -> str | None:
        """The event of one invocation before: the same with one small chunk."""
        return json.dumps(replace(self, count=1, size=20).event) if self.warm_up else None

    def smaller(self) -> Workload:
        """A tenth of it, for a smoke run; not with a slow reader, whose backlog takes a while to build."""
        if self.rate:
            return self
        return replace(
            self,
            count=max(1, self.count // 10),
            invocations=max(min(1, self.invocations), self.invocations // 10),
            runs=1,
        )


TINY = Workload("20 B", "chunks", count=100_000, size=20, runs=3)
TINY_FEW = replace(TINY, count=4_000)  # for clients that are much slower
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
DOCUMENT = Workload("6 MB of JSON", "document", count=62_000, size=0, invocations=3)
