"""curl as a client that reads a response while it comes, in the version of HTTP that a test names."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from select import select
from urllib.parse import urlencode, urlsplit

import pytest

from processes import clean_environment
from waiting import TIMEOUT_S, read_exactly

HTTP_1_1, HTTP_2 = "http1.1", "http2"
# curl's exit statuses: the body has ended properly; or it has not, in HTTP/1.1 and in HTTP/2.
WHOLE, CUT = 0, {HTTP_1_1: 18, HTTP_2: 92}


class Response:
    """What curl receives: the bytes of the body, as they come."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def read(self, expected: str) -> None:
        """Read this text, which has to be what comes next."""
        assert self.take(len(expected.encode())) == expected.encode()

    def take(self, size: int) -> bytes:
        """Return the next bytes as soon as there are so many; fewer at the end."""
        assert self._process.stdout is not None
        return read_exactly(self._process.stdout, size)

    def is_silent(self) -> bool:
        """Return whether nothing has come that was not read."""
        assert self._process.stdout is not None
        return not select([self._process.stdout], [], [], 0)[0]

    def read_to_end(self) -> tuple[str, int]:
        """Return the rest of the body, and curl's exit status."""
        rest, _ = self._process.communicate(timeout=TIMEOUT_S)
        return rest.decode(), self._process.returncode

    def leave(self) -> None:
        """Close the connection."""
        self._process.kill()
        self._process.wait()


@contextmanager
def curl(url: str, path: str, version: str, ca_file: Path, *options: str, **query: str) -> Iterator[Response]:
    """Send a request to the name in `url`, on this machine. Skips the test without curl, or if it lacks HTTP/2."""
    program = shutil.which("curl")
    if program is None:
        pytest.skip("the test needs curl, and it is not installed")
    if version == HTTP_2 and not _speaks_http_2(program):
        pytest.skip(f"the test needs HTTP/2, and {program} does not speak it")
    address = urlsplit(url)
    process = subprocess.Popen(
        [
            *(program, "--silent", "--no-buffer", f"--{version}", "--cacert", str(ca_file), *options),
            *("--resolve", f"{address.hostname}:{address.port}:127.0.0.1", f"{url}{path}?{urlencode(query)}"),
        ],
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    try:
        yield Response(process)
    finally:
        process.kill()
        process.communicate()


@cache
def _speaks_http_2(program: str) -> bool:
    return "HTTP2" in subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
