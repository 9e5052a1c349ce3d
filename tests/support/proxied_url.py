"""The function URL behind the proxies, and requests that reach it through one."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from curl_client import HTTP_1_1, WHOLE, Response, curl
from emulator_process import EmulatorProcess
from gate import Gate
from url_client import request
from waiting import wait_until
from web_proxies import Proxy, Upstream

LARGE_BYTES = 64 * 1024 * 1024
# More than fits into the buffers on the way: each of four connections has a few megabytes of the kernel's.
MOST_AHEAD_BYTES = 40 * 1024 * 1024
_numbers = count()


class FunctionUrl:
    """A function URL of an emulator, with TLS."""

    def __init__(self, emulator: EmulatorProcess, scratch: Path) -> None:
        ca_file = scratch / "ca.pem"
        ca_file.write_bytes(request(emulator.lambda_api, "/_streamify/ca.pem").body)
        (url,) = emulator.urls.values()
        port = urlsplit(url).port
        assert port is not None
        self.upstream = Upstream(port, ca_file)
        self._emulator = emulator

    def warm_up(self) -> None:
        """Have a process wait for the next request, which then takes no time to start."""
        url = f"https://localhost:{self.upstream.port}"
        with curl(url, "/event", HTTP_1_1, self.upstream.ca_file) as response:
            assert response.read_to_end()[1] == WHOLE

    def endings(self, path: str) -> list[str]:
        """Return how the responses to requests of this path have ended by now."""
        records = [json.loads(line) for line in self._emulator.log().splitlines()]
        return [one["ending"] for one in records if one["type"] == "request" and one["path"] == path]

    def wait_for_ending(self, path: str, expected: str) -> None:
        """Return when the response to the only request of this path has ended, in this way."""
        wait_until(lambda: self.endings(path), f"the end of the response to {path}")
        assert self.endings(path) == [expected]


class Stream(NamedTuple):
    """A response whose function waits at the gate after each chunk. No other request has this path."""

    response: Response
    gate: Gate
    path: str


def read_until_reached(stream: Stream, total: int) -> int:
    """Read a large response of `total` bytes until its function has sent everything. Return how much was not read."""
    read = 0
    while read < total and not stream.gate.is_reached():
        piece = stream.response.take(256 * 1024)
        assert piece, f"the response has ended after {read:,} bytes"
        read += len(piece)
    stream.gate.wait_for_function()
    return total - read


@contextmanager
def streaming(
    proxy: Proxy, version: str, chunks: Sequence[str], *options: str, case: str = "lockstep", **query: str
) -> Iterator[Stream]:
    """Ask the function for these chunks, through the proxy."""
    path = f"/{case}/{next(_numbers)}"
    asked = {"chunks": json.dumps(chunks), **query}
    with (
        Gate() as gate,
        curl(proxy.url, path, version, proxy.ca_file, *options, gate=gate.address, **asked) as response,
    ):
        yield Stream(response, gate, path)
