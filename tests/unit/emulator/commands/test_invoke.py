import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lambda_streamify_emulator.commands.http_request import HttpRequest
from lambda_streamify_emulator.commands.invoke import _client, invoke, invoke_target, recorded, url_of
from lambda_streamify_emulator.errors import EmulatorError, EndpointError, NoUrlError
from lambda_streamify_emulator.invocations.channel import FunctionError
from lambda_streamify_emulator.lambda_api.eventstream import invoke_complete, payload_chunk
from lambda_streamify_emulator.recordings.recording import Event, RecordingReader
from scripted_api import Peer, Script, ScriptedApi, answers, reply

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\nTransfer-Encoding: chunked\r\n\r\n"
PRELUDE = b'{"statusCode": 201, "headers": {"X-A": "b"}, "cookies": ["c=d"]}' + bytes(8)
H = {"status_code": 201, "headers": {"X-A": "b"}, "cookies": ["c=d"]}


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


def streaming(*events: bytes, end: bytes = b"0\r\n\r\n") -> Script:
    return lambda peer: peer.answer(HEAD + chunked(*events) + end)


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the developer's account."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def events_of(script: Script, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Event], bytes]:
    """Return the events of a server's answer, and the request; each reading of the clock is a second later."""
    ticks = iter(range(1000))
    with ScriptedApi(script) as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://{api.address}")
        return list(invoke("hello", b'{"a": 1}', lambda: next(ticks))), api.requests[0]


def test_the_region_of_aws_region_is_used_as_by_the_aws_cli(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-3")

    assert _client(None).meta.region_name == "eu-west-3"


def test_each_chunk_is_an_event_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    script = streaming(
        payload_chunk(b"one\n"), payload_chunk("grü".encode()), payload_chunk(b"\xff"), invoke_complete(None)
    )

    events, request = events_of(script, monkeypatch)

    assert events == [
        (1_000_000, "o", "one\n"),
        (2_000_000, "o", "grü"),
        (3_000_000, "b", "/w=="),
        (4_000_000, "x", {"reason": "end", "bytes": 9, "chunks": 3}),
    ]
    assert request.startswith(b"POST /2021-11-15/functions/hello/response-streaming-invocations HTTP/1.1\r\n")
    assert request.endswith(b'{"a": 1}')


HEADS: list[tuple[list[bytes], list[tuple[str, object]]]] = [
    ([PRELUDE + b"body"], [("h", H), ("o", "body")]),
    ([PRELUDE, b"body"], [("h", H), ("o", "body")]),
    ([PRELUDE], [("h", H)]),
    ([b"{}" + bytes(8)], [("h", {"status_code": 200, "headers": {}, "cookies": []})]),
    ([b'{"json": 1}', PRELUDE], [("o", '{"json": 1}'), ("o", PRELUDE.decode())]),
    ([b'{"statusCode": 1}' + bytes(8)], [("o", '{"statusCode": 1}' + "\0" * 8)]),
    ([b"{broken" + bytes(8)], [("o", "{broken" + "\0" * 8)]),
    ([b"\0" * 8], [("o", "\0" * 8)]),
    ([b""], []),
    ([], []),
]


@pytest.mark.parametrize(("chunks", "expected"), HEADS)
def test_a_prelude_at_the_start_is_the_head(
    monkeypatch: pytest.MonkeyPatch, chunks: list[bytes], expected: list[tuple[str, object]]
) -> None:
    events, _ = events_of(streaming(*map(payload_chunk, chunks), invoke_complete(None)), monkeypatch)

    assert [(code, data) for _, code, data in events[:-1]] == expected
    assert events[-1][1] == "x"


def test_an_emulator_on_this_machine_is_reached_without_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with closing(socket.socket()) as proxy:
        proxy.bind(("127.0.0.1", 0))  # and not listening
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")

        events, _ = events_of(streaming(payload_chunk(b"direct"), invoke_complete(None)), monkeypatch)

    assert events[0] == (1_000_000, "o", "direct")


def test_an_error_is_yielded_before_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    script = streaming(payload_chunk(b"half"), invoke_complete(FunctionError("Function.A", b'{"errorMessage": "no"}')))

    events, _ = events_of(script, monkeypatch)

    assert events[1:] == [
        (2_000_000, "e", {"type": "Function.A", "message": "no"}),
        (3_000_000, "x", {"reason": "error", "bytes": 4, "chunks": 1}),
    ]


def failure(script: Script, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the message of the error, with ADDRESS in place of the server's address."""
    with ScriptedApi(script) as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://{api.address}")
        with pytest.raises(EndpointError) as raised:
            list(invoke("hello", b"{}"))
        assert "\n" not in str(raised.value)
        return str(raised.value).replace(api.address, "ADDRESS")


def test_an_error_of_the_api_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"Type": "User", "Message": "Function not found: x"}'
    script: Script = lambda peer: peer.answer(reply(404, body, "x-amzn-errortype: ResourceNotFoundException"))  # noqa: E731

    assert failure(script, monkeypatch) == "hello: ResourceNotFoundException: Function not found: x"


def test_for_an_unknown_function_the_error_names_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = reply(404, b'{"Message": "Function not found: x"}', "x-amzn-errortype: ResourceNotFoundException")
    listed = reply(200, b'{"Functions": [{"FunctionName": "hello"}, {"FunctionName": "story"}]}')
    with ScriptedApi(answers(absent), answers(listed)) as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://{api.address}")
        with pytest.raises(EndpointError) as raised:
            list(invoke("helo", b"{}"))

    told = "helo: ResourceNotFoundException: Function not found: x; there are hello, story"
    assert str(raised.value) == told


@pytest.mark.parametrize("address", ["127.0.0.1:4001", "localhost:4001", "example.com", "localhost/a", "//host"])
def test_an_address_without_its_scheme_is_not_a_functions_name(address: str) -> None:
    with pytest.raises(EndpointError) as raised:
        list(invoke(address, b"{}"))

    assert str(raised.value) == f"{address} is not a function's name; a URL begins with http:// or https://"


ARN = "arn:aws:lambda:us-east-1:123456789012:function:hello"


@pytest.mark.parametrize("name", ["hello:live", "hello:1", "hello:$LATEST.PUBLISHED", ARN, f"{ARN}:$LATEST.PUBLISHED"])
def test_a_functions_name_may_be_qualified(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with ScriptedApi(streaming(invoke_complete(None))) as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://{api.address}")

        assert [event.code for event in invoke(name, b"{}")] == ["x"]


BROKEN: list[tuple[Script, str]] = [
    (streaming(payload_chunk(b"half"), end=b""), "the connection to http://ADDRESS broke: "),
    (streaming(payload_chunk(b"half"), b"cut", end=b""), "the connection to http://ADDRESS broke: "),
    (streaming(bytes(64)), "the connection to http://ADDRESS broke: "),
    (lambda peer: peer.read_request(), "the connection to http://ADDRESS broke: "),
    (streaming(payload_chunk(b"half")), "the response ended without InvokeComplete, so it may be incomplete"),
    (streaming(), "the response ended without InvokeComplete, so it may be incomplete"),
]


@pytest.mark.parametrize(("script", "message"), BROKEN)
def test_a_stream_that_breaks_off_is_an_error(monkeypatch: pytest.MonkeyPatch, script: Script, message: str) -> None:
    assert failure(script, monkeypatch).startswith(message)


def test_if_no_emulator_runs_the_error_says_how_to_start_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(peer: Peer) -> None:
        assert peer.is_closed_by_the_other_side()

    with ScriptedApi(nobody) as api:
        import socket

        host, port = api.address.split(":")
        socket.create_connection((host, int(port))).close()
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://{api.address}")

    with pytest.raises(EndpointError) as raised:
        list(invoke("hello", b"{}"))

    assert str(raised.value) == f"nothing answers at http://{api.address}: start the emulator with `streamify serve`"


EMPTY_NAME = "Invalid length for parameter FunctionName, value: 0, valid min length: 1"


@pytest.mark.parametrize(
    ("endpoint", "name", "message"),
    [
        ("http://lambda.invalid", "hello", "no client for Lambda at http://lambda.invalid: You must specify a region."),
        (
            "http://127.0.0.1:9",
            "",
            f"'' cannot be invoked: Parameter validation failed: {EMPTY_NAME}",
        ),
    ],
)
def test_an_invalid_name_is_an_error_of_one_line(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, name: str, message: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", endpoint)

    with pytest.raises(EndpointError) as raised:
        list(invoke(name, b"{}"))

    assert str(raised.value) == message


def test_an_invalid_endpoint_is_an_error_of_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", "no address")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")

    with pytest.raises(EndpointError) as raised:
        list(invoke("hello", b"{}"))

    assert str(raised.value) == "AWS_ENDPOINT_URL_LAMBDA=no address: it must begin with http:// or https://"


# --- recording what comes --------------------------------------------------------------------------------------------


def test_events_are_recorded_as_they_are_yielded(tmp_path: Path) -> None:
    path = tmp_path / "stream.ndjson"
    events = [
        Event(1, "h", {"status_code": 200, "headers": {}, "cookies": ["a=secret"]}),
        Event(2, "o", "one"),
        Event(3, "x", {"reason": "end", "bytes": 3, "chunks": 1}),
    ]

    assert list(recorded(iter(events), path, "hello")) == events

    with path.open() as file:
        reader = RecordingReader(file)
        found = list(reader)
    assert reader.header.more["function"] == "hello"
    assert found[0].data["cookies"] == ["a=(not recorded)"]
    assert found[1:] == events[1:]


def test_a_stream_that_breaks_leaves_a_recording_that_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "stream.ndjson"

    def events() -> Iterator[Event]:
        yield Event(1, "o", "one")
        raise EndpointError("broke")

    with pytest.raises(EndpointError, match="broke"):
        list(recorded(events(), path, "hello"))

    with path.open() as file:
        reader = RecordingReader(file)
        assert [event.chunk for event in reader] == [b"one"]
    assert reader.was_cut


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/nonexistent/folder/x", "the recording /nonexistent/folder/x cannot be written: No such file or directory"),
        ("/dev/full", "the recording /dev/full is not complete: No space left on device"),
    ],
)
def test_a_recording_that_cannot_be_written_is_an_error_of_one_line(path: str, message: str) -> None:
    with pytest.raises(EmulatorError) as raised:
        list(recorded(iter([Event(1, "o", "one")]), Path(path), "hello"))

    assert str(raised.value) == message


def test_a_url_is_requested_directly() -> None:
    with ScriptedApi(lambda peer: peer.answer(reply(200, b"hello"))) as api:
        request = HttpRequest("POST", headers={"content-type": "application/json"}, body=b'{"a": 1}')
        events = list(invoke_target(f"http://{api.address}/", None, request, remote=False, record=None))

    assert [event.chunk for event in events[1:-1]] == [b"hello"]
    assert api.requests[0].startswith(b"POST / HTTP/1.1\r\n")
    assert b"content-type: application/json\r\n" in api.requests[0].lower()


def test_a_functions_url_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"FunctionUrl": "http://127.0.0.1:4001/", "FunctionArn": "a", "AuthType": "NONE", "CreationTime": "1"}'
    with ScriptedApi(lambda peer: peer.answer(reply(200, body, "content-type: application/json"))) as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://{api.address}")

        assert url_of("hello") == "http://127.0.0.1:4001/"

    assert api.requests[0].startswith(b"GET /2021-10-31/functions/hello/url HTTP/1.1\r\n")


def test_a_function_without_a_url_is_an_error_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = reply(404, b'{"Message": "absent"}', "x-amzn-errortype: ResourceNotFoundException")
    with ScriptedApi(answers(absent, reply(200, b'{"FunctionName": "hello"}'))) as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://{api.address}")
        with pytest.raises(NoUrlError) as raised:
            url_of("hello")

    told = "hello has no function URL, so it takes no HTTP requests: give it a FunctionUrlConfig"
    assert str(raised.value) == told


def test_for_the_url_of_an_unknown_function_the_error_names_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = reply(404, b'{"Message": "Function not found: x"}', "x-amzn-errortype: ResourceNotFoundException")
    listed = reply(200, b'{"Functions": [{"FunctionName": "hello"}]}')
    with ScriptedApi(answers(absent, absent), answers(listed)) as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://{api.address}")
        with pytest.raises(EndpointError, match=r"Function not found: x; there are hello$"):
            url_of("helo")
