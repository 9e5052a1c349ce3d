"""`client.stream` and its twins on the emulator: function URLs, REST APIs, IAM, and a function that calls another."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from botocore.credentials import Credentials

from emulator_process import EmulatorProcess, emulating
from gate import Gate
from lambda_streamify.client import SigV4
from lambda_streamify.errors import ErrorStatus, StreamCut, StreamFailed
from stream_clients import WAYS, receive
from url_client import wire

every_way = pytest.mark.parametrize("way", WAYS)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    with emulating(tmp_path_factory.mktemp("reading"), cache) as emulator:
        yield emulator


@pytest.fixture(params=["function URL", "REST API"])
def base(request: pytest.FixtureRequest, emulator: EmulatorProcess) -> str:
    """Return an address that leads to the cases."""
    return emulator.urls["cases"] if request.param == "function URL" else f"{emulator.apis['CasesApi']}/stream/"


def signer(emulator: EmulatorProcess) -> SigV4:
    given = emulator.credentials
    credentials = Credentials(given["access_key_id"], given["secret_access_key"])
    return SigV4(region=given["region"], credentials=credentials)


@every_way
def test_a_chunk_is_read_while_the_function_holds_the_next_one_back(way: str, base: str, gate: Gate) -> None:
    received = receive(way, f"{base}gated_body?gate={gate.address}&chunks=3", on_item=lambda _: gate.open())

    assert received.failure is None
    assert received.headers["content-type"] == "text/event-stream"
    assert received.items == [b"chunk 0\n", b"chunk 1\n", b"chunk 2\n"]


@every_way
def test_status_headers_cookies_and_the_body_of_the_request_arrive(way: str, base: str) -> None:
    answer = {
        "statusCode": 201,
        "headers": {"x-mine": "1"},
        "cookies": ["a=1", "b=2"],
        "body": ["x", {"base64": "/w=="}],
    }
    received = receive(way, f"{base}answer?response={_quoted(answer)}", "body", content=b"\0\xff")

    assert (received.status_code, received.headers["x-mine"], received.cookies) == (201, "1", ["a=1", "b=2"])
    assert received.items == [b"x\xff"]


@every_way
def test_a_function_that_fails_before_its_first_chunk_is_an_error_status(way: str, base: str) -> None:
    received = receive(way, f"{base}raises", "rows")

    assert isinstance(received.failure, ErrorStatus)
    assert received.failure.status_code == 502


@every_way
def test_a_rest_api_that_cuts_the_response_of_a_function_that_fails_is_seen(
    way: str, emulator: EmulatorProcess
) -> None:
    received = receive(way, f"{emulator.apis['CasesApi']}/stream/fails?after=2", "body")

    assert isinstance(received.failure, StreamCut)
    assert received.failure.partial == b"chunk 0\nchunk 1\n"


@every_way
def test_a_url_that_ends_the_response_of_a_function_that_fails_is_seen_by_the_missing_last_row(
    way: str, emulator: EmulatorProcess
) -> None:
    rows = [{"row": 1}, {"row": 2}]
    answer = {"statusCode": 200, "body": [json.dumps(row) + "\n" for row in rows]}
    url = f"{emulator.urls['cases']}answer?response={_quoted(answer)}"
    received = receive(way, url, "rows", reading={"until": lambda row: "done" in row})

    assert received.items == rows
    assert isinstance(received.failure, StreamCut)


@every_way
@pytest.mark.parametrize("options", [{}, {"json": {"q": "ž"}}, {"content": b"\0", "headers": {"X-Amz-Meta": "1"}}])
def test_a_signed_request_passes_iam(way: str, emulator: EmulatorProcess, options: dict[str, Any]) -> None:
    url = f"{emulator.urls['signed']}value?value=%22a+b%2Fc%22&b&a=%C5%BE"
    received = receive(way, url, "body", sign=signer(emulator), **options)

    assert (received.status_code, received.items) == (200, [b"a b/c"])


@every_way
def test_a_request_that_is_not_signed_does_not(way: str, emulator: EmulatorProcess) -> None:
    received = receive(way, f"{emulator.urls['signed']}value?value=1", "events")

    assert isinstance(received.failure, ErrorStatus)
    assert received.failure.status_code == 403
    assert b"Forbidden" in received.failure.partial


@pytest.mark.parametrize("case", ["relayed", "async_relayed"])
def test_a_function_reads_the_stream_of_another_one_and_passes_it_on(
    case: str, emulator: EmulatorProcess, gate: Gate
) -> None:
    """The layer's own copy reads, in a sandbox in which nothing is installed."""
    source = f"{emulator.urls['shared']}gated?gate={gate.address}&chunks=3"
    with wire(emulator.urls["cases"], f"/{case}", source=source) as connection:
        for number in range(3):
            frame = b"8\r\nchunk %d\n\r\n" % number
            assert connection.read_until(frame).endswith(frame)
            gate.open()
        assert b"".join(connection.read_on()) == b"0\r\n\r\n"


@every_way
def test_a_function_whose_source_fails_fails_itself(way: str, emulator: EmulatorProcess) -> None:
    source = f"{emulator.apis['CasesApi']}/stream/fails?after=2"
    received = receive(way, f"{emulator.apis['CasesApi']}/stream/relayed?source={_quoted(source)}", "body")

    assert isinstance(received.failure, StreamFailed)
    assert received.failure.partial == b"chunk 0\nchunk 1\n"


def _quoted(value: object) -> str:
    return quote(value if isinstance(value, str) else json.dumps(value), safe="")
