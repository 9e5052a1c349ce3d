"""The connections of a function URL's clients, on raw bytes: of old clients, kept ones, those that leave or send on."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_connection
from urllib.parse import quote, urlsplit

import pytest

from emulator_process import EmulatorProcess
from gate import Gate
from url_client import Wire, request
from waiting import TIMEOUT_S


class Connection(Wire):
    """A connection on which requests are sent as they stand."""

    def send(
        self, target: str, *, method: str = "GET", version: str = "1.1", head: str = "", body: bytes = b""
    ) -> None:
        """Send one request, whatever else is under way."""
        lines = [f"{method} {target} HTTP/{version}", "Host: localhost"]
        self._connection.sendall("\r\n".join([*lines, head and f"{head}\r\n", ""]).encode() + body)

    def send_on(self, data: bytes) -> None:
        """Send what a request goes on with."""
        self._connection.sendall(data)

    def read_head(self) -> tuple[int, dict[str, str]]:
        """Return the status of the next response, and its headers."""
        status, *lines = self.read_until(b"\r\n\r\n").decode().splitlines()[:-1]
        return int(status.split()[1]), dict(line.split(": ", 1) for line in lines)

    def read_chunked(self) -> bytes:
        """Return a body whose length is told chunk by chunk."""
        body = b""
        while size := int(self.read_until(b"\r\n"), 16):
            body += self.read(size)
            assert self.read(2) == b"\r\n"
        assert self.read(2) == b"\r\n"
        return body

    def read(self, size: int) -> bytes:
        """Return so many bytes."""
        while len(self._buffer) < size:
            received = self._connection.recv(65536)
            assert received, f"the connection was closed after {self._buffer!r}"
            self._buffer += received
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found

    def read_answer(self) -> tuple[int, bytes]:
        """Return the next response, status and body."""
        status, headers = self.read_head()
        if "content-length" in headers:
            return status, self.read(int(headers["content-length"]))
        return status, self.read_chunked() if "transfer-encoding" in headers else b""


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    address = urlsplit(url)
    assert address.port is not None
    with create_connection((address.hostname, address.port), timeout=TIMEOUT_S) as connection:
        yield Connection(connection)


def target(case: str, **query: object) -> str:
    fields = {name: value if isinstance(value, str) else json.dumps(value) for name, value in query.items()}
    return f"/{case}?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())


@pytest.fixture(scope="module")
def url(emulator: EmulatorProcess) -> str:
    return emulator.urls["cases"]


def test_a_client_of_http_1_0_gets_each_chunk_as_it_comes_and_the_end_of_the_connection_behind_the_last(
    url: str, gate: Gate
) -> None:
    with connected(url) as connection:
        connection.send(target("gated", gate=gate.address, chunks=2), version="1.0")
        status, headers = connection.read_head()
        assert (status, headers["connection"]) == (200, "close")
        assert not {"transfer-encoding", "content-length"} & set(headers)
        assert connection.read(8) == b"chunk 0\n"
        gate.open()
        assert connection.read(8) == b"chunk 1\n"
        gate.open()
        assert b"".join(connection.read_on()) == b""


def test_a_page_of_another_origin_gets_each_chunk_as_it_comes_too(emulator: EmulatorProcess, gate: Gate) -> None:
    with connected(emulator.urls["shared"]) as connection:
        connection.send(target("gated", gate=gate.address, chunks=2), head="Origin: https://app.example.com")
        status, headers = connection.read_head()
        assert (status, headers["access-control-allow-origin"]) == (200, "https://app.example.com")
        for number in range(2):
            assert connection.read(len(b"8\r\nchunk 0\n\r\n")) == b"8\r\nchunk %d\n\r\n" % number
            gate.open()
        assert connection.read(len(b"0\r\n\r\n")) == b"0\r\n\r\n"


def test_a_function_sees_which_http_a_client_speaks(url: str) -> None:
    with connected(url) as connection:
        connection.send(target("event"), version="1.0")
        connection.read_head()
        event = json.loads(b"".join(connection.read_on()))

    assert event["requestContext"]["http"]["protocol"] == "HTTP/1.0"


def test_a_kept_connection_serves_answers_of_every_kind_one_after_the_other(url: str) -> None:
    with connected(url) as connection:
        for _ in range(2):
            for asked, expected in (
                ({"target": target("value", value="42")}, (200, b"42")),
                ({"target": target("fails", after=2)}, (200, b"chunk 0\nchunk 1\n")),
                ({"target": target("value", value="42"), "method": "HEAD"}, (200, b"")),
                ({"target": target("unsent", status=204, note="unused")}, (204, b"")),
                ({"target": target("unsent", status=304, note="unused")}, (304, b"")),
                ({"target": "/raises"}, (502, b"Internal Server Error")),
                (
                    {"target": "/value?value=1", "head": "Content-Length: 4", "method": "POST", "body": b"body"},
                    (200, b"1"),
                ),
            ):
                connection.send(**asked)
                assert connection.read_answer() == expected, asked


def test_requests_that_come_at_once_are_answered_in_their_order_each_before_the_next_one_begins(
    url: str, gate: Gate, tmp_path: Path
) -> None:
    note = tmp_path / "note"
    with connected(url) as connection:
        connection.send(target("gated", gate=gate.address, chunks=1))
        connection.send(target("note", note=str(note)))
        connection.send(target("value", value="42"))
        connection.read_head()
        assert connection.read(len(b"8\r\nchunk 0\n\r\n")) == b"8\r\nchunk 0\n\r\n"
        gate.wait_for_function()
        assert not note.exists()
        gate.open_for_waiting()
        assert connection.read(len(b"0\r\n\r\n")) == b"0\r\n\r\n"
        assert connection.read_answer() == (200, b"null")
        assert note.exists()
        assert connection.read_answer() == (200, b"42")


def test_a_client_that_leaves_with_requests_in_line_has_the_first_one_run_to_its_end_and_no_other(
    emulator: EmulatorProcess, url: str, gate: Gate, tmp_path: Path
) -> None:
    note = tmp_path / "note"
    with emulator.logged("cases | END RequestId: "):
        with connected(url) as connection:
            connection.send(target("gated", gate=gate.address, chunks=3))
            connection.send(target("note", note=str(note)))
            connection.read_until(b"chunk 0\n")
            gate.wait_for_function()
        for _ in range(2):
            gate.open_for_waiting()
            gate.wait_for_function()
        gate.open_for_waiting()

    assert request(url, "/value", value="42").body == b"42"
    assert not note.exists()


SIX_MEGABYTES = 6 * 1024 * 1024


def test_a_client_that_asks_before_it_sends_too_much_is_not_asked_for_it(url: str) -> None:
    with connected(url) as connection:
        connection.send("/event", method="POST", head=f"Content-Length: {SIX_MEGABYTES + 1}\r\nExpect: 100-continue")
        status, headers = connection.read_head()

        assert (status, headers["connection"]) == (413, "close")
        assert b"6291456 bytes" in connection.read(int(headers["content-length"]))


def test_a_client_that_asks_before_it_sends_is_asked_for_the_rest(url: str) -> None:
    with connected(url) as connection:
        head = "Content-Type: text/plain\r\nContent-Length: 4\r\nExpect: 100-continue"
        connection.send("/event", method="POST", head=head)
        assert connection.read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.send_on(b"body")
        status, body = connection.read_answer()

    assert (status, json.loads(body)["body"]) == (200, "body")


@pytest.mark.parametrize("head", [f"Content-Length: {4 * SIX_MEGABYTES}", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_client_that_sends_too_much_before_it_reads_gets_the_answer_and_the_end(
    url: str, head: str, version: str
) -> None:
    body = bytes(4 * SIX_MEGABYTES)  # more than what the kernel holds for a connection
    if "chunked" in head:
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    with connected(url) as connection:
        connection.send("/event", method="POST", version=version, head=f"{head}\r\nConnection: close", body=body)
        status, headers = connection.read_head()
        answer = b"".join(connection.read_on())

    assert status == 413
    assert len(answer) == int(headers["content-length"])
    assert b"6291456 bytes" in answer
