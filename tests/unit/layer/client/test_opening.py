"""From arguments to a response: what is refused before anything is sent, and what is not imported."""

import ssl
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

import lambda_streamify
from lambda_streamify import client
from lambda_streamify.errors import RequestError
from processes import clean_environment, run
from raw_server import raw_server, response

LAYER = Path(lambda_streamify.__file__).parents[1]
# Their modules cost a cold start more than anything of this package.
EXPENSIVE = ("asyncio", "ssl", "socket", "http", "email", "botocore", "httpx", "json")


@pytest.mark.parametrize("opening", [client.stream, client.astream])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sign": "lambda"}, "sign is 'lambda'; it must be True, False or a SigV4"),
        ({"client": object()}, "client is of type object; it must be an httpx"),
        ({"content": b"", "json": 1}, "two bodies"),
    ],
)
def test_wrong_arguments_are_refused_before_the_request(opening: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        opening("http://127.0.0.1:1/", **options)


def test_a_client_of_the_wrong_kind_is_refused() -> None:
    with pytest.raises(RequestError, match=r"client is of type AsyncClient; it must be an httpx\.Client"):
        client.stream("http://127.0.0.1:1/", client=httpx.AsyncClient())  # type: ignore[call-overload]
    with pytest.raises(RequestError, match=r"client is of type Client; it must be an httpx\.AsyncClient"):
        client.astream("http://127.0.0.1:1/", client=httpx.Client())  # type: ignore[call-overload]


def test_a_context_belongs_into_the_client() -> None:
    context: Any = ssl.create_default_context()
    with pytest.raises(RequestError, match="pass verify=context to the client instead"):
        client.stream("http://127.0.0.1:1/", client=httpx.Client(), context=context)  # type: ignore[call-overload]


def test_the_package_loads_nothing_before_it_is_used() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); before = set(sys.modules); import lambda_streamify.client; "
        "print(*sorted(set(sys.modules) - before))"
    )

    printed = run(sys.executable, "-ISc", program, LAYER, env=clean_environment())
    assert printed == "lambda_streamify lambda_streamify.client\n"


def test_reading_a_stream_of_the_sdk_loads_nothing_of_http() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from lambda_streamify.client import read_stream; "
        "print(*sys.modules)"
    )

    loaded = run(sys.executable, "-ISc", program, LAYER, env=clean_environment()).split()
    assert set(loaded).isdisjoint(EXPENSIVE)


def test_the_blocking_client_loads_neither_asyncio_nor_ssl_nor_the_clients_of_others() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from lambda_streamify.client import stream; "
        "response = stream(sys.argv[2]); assert response.read() == b'one'; response.close(); print(*sys.modules)"
    )
    with raw_server([response(b"one")]) as server:
        loaded = run(sys.executable, "-ISc", program, LAYER, server.url, env=clean_environment()).split()

    assert set(loaded).isdisjoint({"asyncio", "ssl", "http", "email", "botocore", "httpx"})


def test_the_names_of_the_package() -> None:
    assert dir(client) == sorted(client.__all__)
    assert all(getattr(client, name).__name__ == name for name in client.__all__)
    with pytest.raises(AttributeError, match=r"module 'lambda_streamify\.client' has no attribute 'nope'"):
        client.nope  # noqa: B018 - what is tested
