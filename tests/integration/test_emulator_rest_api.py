"""The streaming route of a REST API, with the built layer behind it."""

from http.client import IncompleteRead

import pytest

from emulator_process import EmulatorProcess
from gate import Gate
from url_client import request, wire


@pytest.fixture(scope="module")
def api(emulator: EmulatorProcess) -> str:
    return emulator.apis["CasesApi"]


@pytest.mark.parametrize("stage", ["/live", ""])
def test_each_chunk_is_on_the_wire_before_the_next_one_is_made(api: str, gate: Gate, stage: str) -> None:
    with wire(api, f"{stage}/stream/gated", gate=gate.address, chunks=3) as connection:
        head = connection.read_until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"\r\ntransfer-encoding: chunked\r\n" in head.lower()
        for number in range(3):
            frame = b"8\r\nchunk %d\n\r\n" % number
            assert connection.read_until(frame) == frame
            gate.open()
        assert b"".join(connection.read_on()) == b"0\r\n\r\n"


def test_the_function_gets_format_1_and_its_cookies_are_headers_of_their_own(api: str) -> None:
    assert api.endswith("/live")
    event = request(api, "/live/whole/event_text", tag="a").json()
    assert (event["resource"], event["path"], event["httpMethod"]) == ("/whole/{case}", "/whole/event_text", "GET")
    assert event["multiValueQueryStringParameters"] == {"tag": ["a"]}
    assert event["requestContext"]["stage"] == "live"

    response = {
        "statusCode": 201,
        "headers": {"x-mine": "1"},
        "cookies": ["a=1", "b=2"],
        "body": ["x", {"base64": "/w=="}],
    }
    reply = request(api, "/stream/answer", method="POST", body=b"", response=response)
    assert (reply.status, reply.body) == (201, b"x\xff")
    assert reply.all("set-cookie") == ["a=1", "b=2"]
    assert reply.all("x-mine") == ["1"]


@pytest.mark.parametrize(
    ("target", "path", "whole"),
    [
        ("/live/whole/event_text", "/whole/event_text", "/live/whole/event_text"),
        ("/whole/event_text", "/whole/event_text", "/whole/event_text"),
        ("//live/whole/event_text/", "/whole/event_text/", "/live/whole/event_text/"),
        ("/live//whole/event_text", "/whole/event_text", "/live//whole/event_text"),
    ],
)
def test_the_path_is_without_the_stage_and_begins_with_one_slash(api: str, target: str, path: str, whole: str) -> None:
    event = request(api, target).json()

    assert (event["path"], event["requestContext"]["path"]) == (path, whole)
    assert event["pathParameters"] == {"case": "event_text"}
    assert f"{event['headers']['X-Forwarded-Proto']}://{event['headers']['Host']}/live" == api


def test_a_status_of_thousands_of_digits_is_502_and_a_line(api: str, emulator: EmulatorProcess) -> None:
    with emulator.logged("the response's statusCode is '2000", "REPORT") as log:
        assert request(api, "/live/whole/value", value={"statusCode": "2" + "0" * 5000, "body": "x"}).status == 502
    assert not [line for line in log if "Traceback" in line]


def test_an_error_after_the_first_byte_cuts_the_connection(api: str, emulator: EmulatorProcess) -> None:
    with emulator.logged("LookupError", "the response is cut", "REPORT") as log:
        with pytest.raises(IncompleteRead) as raised:
            request(api, "/live/stream/fails", after=2)
        assert raised.value.partial == b"chunk 0\nchunk 1\n"
    assert not [line for line in log if line.startswith("ASGI")]


def test_what_api_gateway_answers_itself(api: str) -> None:
    assert request(api, "/live/none").status == 403
    assert request(api, "/live/stream/raises").json() == {"message": "Internal server error"}
    assert request(api, "/live/whole/fails", after=1).status == 502  # the function streams, and this route does not
    assert request(api, "/live/stream/event_text").status == 502  # and here it is the other way round
