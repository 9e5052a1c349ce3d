"""`read_stream` on what boto3's own client gets: from the emulator, whole, and from a server that breaks off."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from emulator_process import EmulatorProcess, boto3_client, emulating
from gate import Gate
from lambda_streamify import read_stream
from lambda_streamify.errors import StreamFailed
from lambda_streamify_emulator.lambda_api import eventstream
from source_server import Answer, serving


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    with emulating(tmp_path_factory.mktemp("reading"), cache) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def sdk(emulator: EmulatorProcess) -> Iterator[Any]:
    with closing(boto3_client(emulator.lambda_api)) as client:
        yield client


def invoked(sdk: Any, event: object) -> Any:
    return sdk.invoke_with_response_stream(FunctionName="cases", Payload=json.dumps(event))


def url_event(case: str, **query: str) -> dict[str, Any]:
    """Return an event that the function takes for one of its URL's, and answers with a prelude."""
    http = {"method": "GET", "path": f"/{case}", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": ""}
    context = {"domainName": "abc.lambda-url.us-east-1.on.aws", "http": http}
    return {"version": "2.0", "rawPath": f"/{case}", "requestContext": context, "queryStringParameters": query}


def test_a_chunk_is_read_while_the_function_holds_the_next_one_back(sdk: Any, gate: Gate) -> None:
    with read_stream(invoked(sdk, {"case": "gated", "gate": gate.address, "chunks": 3})) as stream:
        for number in range(3):
            assert next(stream) == b"chunk %d\n" % number
            gate.open()
        assert stream.read() == b""
        assert (stream.status_code, stream.headers, stream.cookies) == (None, {}, [])


def test_status_and_headers_are_read_while_the_function_holds_the_body_back(sdk: Any, gate: Gate) -> None:
    with read_stream(invoked(sdk, url_event("gated_body", gate=gate.address, chunks="2"))) as stream:
        assert stream.status_code == 200
        assert stream.headers == {"content-type": "text/event-stream"}
        lines = stream.lines()
        for number in range(2):
            assert next(lines) == f"chunk {number}"
            gate.open()
        assert list(lines) == []


def test_cookies_and_bytes_arrive_as_the_function_has_sent_them(sdk: Any) -> None:
    response = {"statusCode": 418, "cookies": ["a=1; Path=/", "b=2"], "body": [{"base64": "AAD/"}, "ž"]}
    stream = read_stream(invoked(sdk, url_event("answer", response=json.dumps(response))))

    assert (stream.status_code, stream.cookies) == (418, ["a=1; Path=/", "b=2"])
    assert stream.read() == b"\0\0\xff" + "ž".encode()


def test_an_empty_body_has_its_status(sdk: Any) -> None:
    stream = read_stream(invoked(sdk, url_event("answer", response='{"statusCode": 302, "body": []}')))

    assert stream.status_code == 302
    assert stream.read() == b""


def test_an_error_in_mid_stream_is_raised_behind_the_chunks(sdk: Any) -> None:
    stream = read_stream(invoked(sdk, url_event("fails", after="2")))

    assert stream.status_code == 200
    with pytest.raises(StreamFailed, match=r"^the function failed: Function\.LookupError: no more chunks$") as caught:
        stream.read()

    assert caught.value.partial == b"chunk 0\nchunk 1\n"
    assert isinstance(caught.value.error_details, dict)
    assert caught.value.error_details["errorType"] == "LookupError"


def test_an_error_before_the_first_byte_is_raised_behind_its_report(sdk: Any) -> None:
    stream = read_stream(invoked(sdk, {"case": "raises"}))

    report = json.loads(next(stream))
    with pytest.raises(StreamFailed, match=r"^the function failed: Unhandled: no answer$") as caught:
        next(stream)

    assert caught.value.error_details == report


def test_a_connection_serves_the_next_call_after_a_stream_that_was_read_to_its_end(sdk: Any) -> None:
    events = invoked(sdk, {"case": "value", "value": "1"})
    read_stream(events).read()

    assert events["EventStream"]._raw_stream._connection is None, "the connection went back to the pool"  # noqa: SLF001


# --- connections that break off --------------------------------------------------------------------------------------

CHUNK = eventstream.payload_chunk(b"one")
BOTO3_TYPE = "application/vnd.amazon.eventstream"
PATH = "/2021-11-15/functions/cases/response-streaming-invocations"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(BOTO3_TYPE, [CHUNK]), "ended without InvokeComplete"),
        (Answer(BOTO3_TYPE, [CHUNK + CHUNK[:20]]), "ended without InvokeComplete"),
        (Answer(BOTO3_TYPE, [CHUNK], cut=True), "broke off before InvokeComplete"),
        (Answer(BOTO3_TYPE, [CHUNK + CHUNK[:-1] + b"\0"]), "broke off before InvokeComplete"),
    ],
    ids=["no-last-event", "half-a-frame", "no-last-chunk", "wrong-checksum"],
)
def test_a_response_that_breaks_off_is_no_error_of_the_function(answer: Answer, message: str) -> None:
    with serving({PATH: answer}) as server, closing(boto3_client(server.address)) as sdk:
        stream = read_stream(sdk.invoke_with_response_stream(FunctionName="cases"))

        assert next(stream) == b"one"
        with pytest.raises(StreamFailed, match=message) as caught:
            next(stream)

    assert caught.value.error_code is None


def test_the_type_of_the_functions_own_stream_is_understood_if_boto3_has_it() -> None:
    prelude = b'{"kind": "own"}' + bytes(8)
    frames = [eventstream.payload_chunk(prelude + b"one"), eventstream.invoke_complete(None)]
    of_function = "application/vnd.awslambda.http-integration-response"
    answer = Answer(of_function, [b"".join(frames)])
    with serving({PATH: answer}) as server, closing(boto3_client(server.address)) as sdk:
        stream = read_stream(sdk.invoke_with_response_stream(FunctionName="cases"))

        assert stream.prelude == {"kind": "own"}
        assert stream.read() == b"one"
