"""Requests through a client of httpx. What all clients do alike is in test_response.py."""

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

import lambda_streamify
from asynchronous import run
from lambda_streamify import client
from processes import clean_environment
from raw_server import raw_server, response
from waiting import TIMEOUT_S


def test_the_settings_of_the_client_are_used() -> None:
    with raw_server([response(b"one")]) as server, httpx.Client(headers={"X-Client": "1"}, auth=("a", "b")) as own:
        with client.stream(server.url, client=own, timeout=TIMEOUT_S) as opened:
            assert opened.read() == b"one"
        (request,) = server.requests

    assert b"\r\nx-client: 1\r\n" in request.lower()
    assert b"\r\nauthorization: basic " in request.lower()
    assert b"\r\naccept-encoding: identity\r\n" in request.lower()


def test_the_client_stays_open() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"x"

    async def main() -> None:
        transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body()))
        async with httpx.AsyncClient(transport=transport) as own:
            for _ in range(2):
                async with client.astream("http://example.com/", client=own) as opened:
                    assert await opened.read() == b"x"
            assert not own.is_closed

    run(main())


def test_httpx_is_not_imported_by_the_reading() -> None:
    """Also httpx2, and clients of a test, fit: they are known by what they can do."""
    program = """
import sys
sys.path.insert(0, sys.argv[1])
from lambda_streamify.client import stream

class Answer:
    status_code = 200
    class headers:
        raw = [(b"x-name", b"1")]
    def iter_raw(self):
        yield from (b"", b"one")
    def close(self):
        print("closed")

class Client:
    def build_request(self, method, url, *, content, headers, timeout):
        return method, url
    def send(self, request, *, stream, follow_redirects):
        return Answer()
    def close(self):
        pass

with stream("http://example.com/", client=Client()) as response:
    print(response.status_code, dict(response.headers), response.read())
"""
    layer = Path(lambda_streamify.__file__).parents[1]
    printed = subprocess.run(
        [sys.executable, "-ISc", program, layer], env=clean_environment(), capture_output=True, text=True, check=True
    ).stdout

    assert printed == "200 {'x-name': '1'} b'one'\nclosed\n"
