"""What a caller reads, from events as boto3 gives them: prelude, chunks and the end, however the bytes are split."""

import base64
import json
import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify.client import ReceivedStream, read_stream
from lambda_streamify.errors import StreamFailed, StreamStateError
from processes import clean_environment, run

PRELUDE_TYPE = "application/vnd.awslambda.http-integration-response"
BOTO3_TYPE = "application/vnd.amazon.eventstream"
FIELDS = {"statusCode": 201, "headers": {"X-Kind": "brief", "content-type": "text/plain"}, "cookies": ["a=1", "b=2"]}
PRELUDE = json.dumps(FIELDS).encode() + bytes(8)
END: dict[str, Any] = {"InvokeComplete": {}}


class Events:
    """An event stream that says what was asked of it."""

    def __init__(self, *events: dict[str, Any] | Exception) -> None:
        self._events = events
        self.given = 0
        self.closed = False

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for event in self._events:
            self.given += 1
            if isinstance(event, Exception):
                raise event
            yield event

    def close(self) -> None:
        self.closed = True


def payload(data: bytes) -> dict[str, Any]:
    return {"PayloadChunk": {"Payload": data}}


def response(*events: dict[str, Any] | Exception | bytes, content_type: str = BOTO3_TYPE) -> dict[str, Any]:
    stream = Events(*(payload(event) if isinstance(event, bytes) else event for event in events))
    return {"StatusCode": 200, "ResponseStreamContentType": content_type, "EventStream": stream}


def failed(**fields: str) -> dict[str, Any]:
    return {"InvokeComplete": fields}


def failure_of(stream: ReceivedStream) -> tuple[list[bytes], StreamFailed]:
    """Return what is handed out before the error, and the error."""
    chunks: list[bytes] = []
    try:
        for chunk in stream:
            chunks.append(chunk)  # noqa: PERF402 - those before the error count
    except StreamFailed as failure:
        return chunks, failure
    pytest.fail(f"no error after {chunks}")


# --- chunks ----------------------------------------------------------------------------------------------------------


def test_chunks_are_handed_out_as_they_come() -> None:
    assert list(read_stream(response(b"one", b"two", b"three", END))) == [b"one", b"two", b"three"]


def test_a_chunk_is_handed_out_before_the_next_event_is_asked_for() -> None:
    answer = response(PRELUDE, b"one", b"two", END)
    stream = read_stream(answer)

    assert stream.status_code == 201
    assert answer["EventStream"].given == 1
    assert next(stream) == b"one"
    assert answer["EventStream"].given == 2


def test_nothing_is_read_before_something_is_asked_for() -> None:
    answer = response(b"one", END)
    read_stream(answer)

    assert answer["EventStream"].given == 0


def test_an_empty_payload_is_no_chunk() -> None:
    assert list(read_stream(response(b"", b"one", b"", END))) == [b"one"]


def test_an_event_of_a_kind_that_is_not_known_is_passed_over() -> None:
    assert list(read_stream(response(b"one", {"Progress": {}}, b"two", END))) == [b"one", b"two"]


def test_an_empty_stream_has_no_chunks_and_no_prelude() -> None:
    stream = read_stream(response(END))

    assert (stream.status_code, stream.headers, stream.cookies, stream.prelude) == (None, {}, [], None)
    assert stream.read() == b""


def test_read_gives_what_is_still_to_come() -> None:
    stream = read_stream(response(b"one", b"two", b"three", END))
    next(stream)

    assert stream.read() == b"twothree"
    assert stream.read() == b""


def test_the_events_are_read_to_their_end_so_that_the_connection_can_be_used_again() -> None:
    answer = response(b"one", END, {"Trailing": {}})
    read_stream(answer).read()

    assert answer["EventStream"].given == 3


def test_a_stream_is_read_without_anything_of_aws_installed() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from lambda_streamify.client import read_stream; "
        "events = [{'PayloadChunk': {'Payload': b'one'}}, {'InvokeComplete': {}}]; "
        "print(read_stream({'EventStream': events}).read())"
    )
    layer = str(sys.modules["lambda_streamify"].__file__).rpartition("/lambda_streamify/")[0]

    assert run(sys.executable, "-ISc", program, layer, env=clean_environment()) == "b'one'\n"


# --- the prelude -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", [PRELUDE_TYPE, BOTO3_TYPE])
def test_a_prelude_is_taken_off(content_type: str) -> None:
    stream = read_stream(response(PRELUDE + b"one", b"two", END, content_type=content_type))

    assert (stream.status_code, stream.headers, stream.cookies) == (201, FIELDS["headers"], ["a=1", "b=2"])
    assert stream.prelude == FIELDS
    assert list(stream) == [b"one", b"two"]


def test_a_prelude_may_be_asked_for_after_the_body() -> None:
    stream = read_stream(response(PRELUDE, b"one", END))

    assert stream.read() == b"one"
    assert stream.status_code == 201


def test_a_prelude_may_be_all_there_is() -> None:
    stream = read_stream(response(b'{"statusCode":204}', bytes(8), END))

    assert stream.status_code == 204
    assert list(stream) == []


@pytest.mark.parametrize("text", [b"{}", b'{"headers":null,"cookies":null}'])
def test_a_prelude_that_names_nothing_means_200(text: bytes) -> None:
    stream = read_stream(response(text + bytes(8) + b"one", END))

    assert (stream.status_code, stream.headers, stream.cookies) == (200, {}, [])
    assert stream.read() == b"one"


def test_the_body_may_begin_with_nulls() -> None:
    assert read_stream(response(PRELUDE + b"\0\0", bytes(8), END)).read() == bytes(10)


@pytest.mark.parametrize("content_type", [PRELUDE_TYPE, BOTO3_TYPE])
@given(body=st.binary(max_size=40), cuts=st.sets(st.integers(1, len(PRELUDE) + 40)))
def test_any_split_gives_the_same_prelude_and_the_same_bytes(content_type: str, body: bytes, cuts: set[int]) -> None:
    stream = read_stream(response(*split(PRELUDE + body, cuts), END, content_type=content_type))

    assert stream.prelude == FIELDS
    assert stream.read() == body


# What begins as a prelude does, and what is near to one.
NEAR = (
    b"",
    b"{",
    b'{"status',
    b'{"statusCode": 200}',
    b'{"statusCode": 200',
    b'{"a": 1}',
    b"{}",
    b"[]",
    b"\xff",
    b"\0",
)


@given(
    head=st.sampled_from(NEAR), nulls=st.integers(0, 9), rest=st.binary(max_size=9), cuts=st.sets(st.integers(1, 40))
)
def test_any_split_of_any_bytes_gives_what_they_give_in_one_piece(
    head: bytes, nulls: int, rest: bytes, cuts: set[int]
) -> None:
    data = head + bytes(nulls) + rest
    whole, pieces = read_stream(response(data, END)), read_stream(response(*split(data, cuts), END))

    assert pieces.prelude == whole.prelude
    assert pieces.read() == whole.read()
    if whole.prelude is None:
        assert list(read_stream(response(*split(data, cuts), END))) == list(filter(None, split(data, cuts)))


def split(data: bytes, cuts: set[int]) -> list[bytes]:
    edges = [0, *sorted(cuts), max(len(data), *cuts, 0)]
    return [data[start:end] for start, end in pairwise(edges)]


@pytest.mark.parametrize(
    "body",
    [b"plain", b'{"token": "a"}\n', b'["a"]', b'{"statusCodes": 1}', b'{"a": 1}' + bytes(8), bytes(8)],
    ids=["text", "ndjson", "array", "similar-key", "other-json", "nulls"],
)
def test_what_is_no_prelude_is_not_held_back(body: bytes) -> None:
    answer = response(body, b"next", END)

    assert next(read_stream(answer)) == body
    assert answer["EventStream"].given == 1


@pytest.mark.parametrize("text", [b'{"statusCode": 200', b'{"statusCode": nil}', b'{"statusCode": 1}{}'])
def test_what_begins_as_a_prelude_and_is_none_is_handed_out_as_it_came(text: bytes) -> None:
    chunks = [text, bytes(8), b"more"]

    assert list(read_stream(response(*chunks, END))) == chunks


def test_a_proxy_dict_is_no_prelude() -> None:
    body = b'{"statusCode": 200, "body": "one"}'
    stream = read_stream(response(body, END))

    assert stream.status_code is None
    assert stream.read() == body


def long_prelude(size: int) -> bytes:
    return json.dumps({"statusCode": 200, "headers": {"x": ""}}).encode().replace(b'""', b'"%s"' % (b"x" * (size - 41)))


def test_a_prelude_may_have_16_kb() -> None:
    prelude = long_prelude(16 * 1024)
    assert len(prelude) == 16 * 1024

    stream = read_stream(response(prelude + bytes(8) + b"one", END))

    assert stream.status_code == 200
    assert stream.read() == b"one"


def test_beyond_16_kb_nothing_is_held_back_for_a_prelude() -> None:
    chunks = [long_prelude(16 * 1024 + 1), bytes(7), b"\0", b"body"]
    answer = response(*chunks, END)
    stream = read_stream(answer)

    assert next(stream) == chunks[0]
    assert answer["EventStream"].given == 2  # 16 KiB and the delimiter's 8 bytes
    assert [chunks[0], *stream] == chunks


def test_the_caller_may_say_that_there_is_a_prelude() -> None:
    stream = read_stream(response(b'{"kind": ', b'"own"}' + bytes(8), b"one", END), prelude=True)

    assert stream.prelude == {"kind": "own"}
    assert stream.read() == b"one"


def test_the_caller_may_say_that_there_is_none() -> None:
    answer = response(PRELUDE, b"one", END, content_type=PRELUDE_TYPE)

    assert list(read_stream(answer, prelude=False)) == [PRELUDE, b"one"]


@pytest.mark.parametrize("content_type", [PRELUDE_TYPE, BOTO3_TYPE])
def test_a_prelude_that_was_promised_and_does_not_come_is_an_error_behind_the_chunks(content_type: str) -> None:
    prelude = None if content_type == PRELUDE_TYPE else True
    stream = read_stream(response(b"one", b"two", END, content_type=content_type), prelude=prelude)

    chunks, failure = failure_of(stream)

    assert chunks == [b"one", b"two"]
    assert str(failure) == "the stream should begin with a prelude, but begins with b'onetwo'"


# --- how it ends -----------------------------------------------------------------------------------------------------


def test_an_error_of_the_function_comes_behind_the_chunks() -> None:
    details = {"errorMessage": "no more", "errorType": "LookupError", "stackTrace": []}
    log = base64.b64encode("[ERROR] ž".encode()).decode()
    end = failed(ErrorCode="Function.LookupError", ErrorDetails=json.dumps(details), LogResult=log)

    chunks, failure = failure_of(read_stream(response(PRELUDE, b"one", b"two", end)))

    assert chunks == [b"one", b"two"]
    assert str(failure) == "the function failed: Function.LookupError: no more"
    assert (failure.error_code, failure.error_details) == ("Function.LookupError", details)
    assert failure.log_result == "[ERROR] ž"


@pytest.mark.parametrize("details", ["Task timed out", "[1]", "42", "{", '"text"'])
def test_details_that_are_no_json_object_are_text(details: str) -> None:
    _, failure = failure_of(read_stream(response(failed(ErrorCode="Sandbox.Timedout", ErrorDetails=details))))

    assert failure.error_details == details
    assert str(failure) == f"the function failed: Sandbox.Timedout: {details}"


def test_an_error_may_come_without_details() -> None:
    _, failure = failure_of(read_stream(response(failed(ErrorCode="Unhandled"))))

    assert (failure.error_details, failure.log_result, str(failure)) == (None, None, "the function failed: Unhandled")


def test_an_error_is_raised_once() -> None:
    stream = read_stream(response(b"one", failed(ErrorCode="Unhandled")))
    failure_of(stream)

    assert list(stream) == []


def test_an_error_before_the_prelude_comes_behind_what_was_delivered_in_its_place() -> None:
    stream = read_stream(response(b'{"errorMessage": "no"}', failed(ErrorCode="Unhandled")), prelude=True)

    assert stream.status_code is None
    chunks, failure = failure_of(stream)
    assert (chunks, failure.error_code) == ([b'{"errorMessage": "no"}'], "Unhandled")


def test_read_leaves_what_it_has_read_with_the_error() -> None:
    with pytest.raises(StreamFailed) as caught:
        read_stream(response(PRELUDE + b"one", b"two", failed(ErrorCode="Unhandled"))).read()

    assert caught.value.partial == b"onetwo"


def test_a_stream_without_its_last_event_was_cut() -> None:
    chunks, failure = failure_of(read_stream(response(b"one")))

    assert chunks == [b"one"]
    assert failure.error_code is None
    assert str(failure) == "the stream ended without InvokeComplete: the connection was cut"


def test_a_connection_that_breaks_is_told_apart_from_an_error_of_the_function() -> None:
    reset = ConnectionResetError("reset by peer")

    chunks, failure = failure_of(read_stream(response(b"one", reset)))

    assert chunks == [b"one"]
    assert failure.error_code is None
    assert failure.__cause__ is reset
    assert str(failure) == "the stream broke off before InvokeComplete: ConnectionResetError('reset by peer')"


def test_a_connection_that_breaks_after_the_last_event_harms_nobody() -> None:
    assert read_stream(response(b"one", END, ConnectionResetError())).read() == b"one"


def test_the_log_of_a_stream_that_ended_well_is_there_at_its_end() -> None:
    end = failed(LogResult=base64.b64encode(b"END RequestId").decode())
    stream = read_stream(response(b"one", end))

    assert stream.log_result is None
    stream.read()
    assert stream.log_result == "END RequestId"


def test_the_response_of_invoke_is_told_apart() -> None:
    answer = {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": object()}

    with pytest.raises(
        StreamFailed, match=r"no EventStream in the response \(StatusCode, FunctionError, Payload\)"
    ) as e:
        read_stream(answer)

    assert e.value.error_code == "Unhandled"


# --- lines -----------------------------------------------------------------------------------------------------------


def test_a_line_is_handed_out_as_soon_as_it_is_whole() -> None:
    answer = response(b"one\ntw", b"o\n", b"three", END)
    lines = read_stream(answer).lines()

    assert next(lines) == "one"
    assert answer["EventStream"].given == 1
    assert list(lines) == ["two", "three"]


@given(
    lines=st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=5), max_size=5),
    end=st.sampled_from(["\n", "\r\n"]),
    cuts=st.sets(st.integers(1, 60)),
)
def test_any_split_gives_the_same_lines(lines: list[str], end: str, cuts: set[int]) -> None:
    data = "".join(f"{line}{end}" for line in lines).encode()

    assert list(read_stream(response(*split(data, cuts), END), prelude=False).lines()) == lines


def test_a_line_that_an_error_cuts_is_handed_out_before_it() -> None:
    lines = read_stream(response("one\nž".encode()[:-1], failed(ErrorCode="Unhandled"))).lines()

    assert [next(lines), next(lines)] == ["one", "\N{REPLACEMENT CHARACTER}"]
    with pytest.raises(StreamFailed):
        next(lines)


def test_bytes_that_are_no_text_are_not_lines() -> None:
    with pytest.raises(UnicodeDecodeError):
        list(read_stream(response(b"\xff\n", END)).lines())


# --- closing ---------------------------------------------------------------------------------------------------------


def test_a_block_closes_the_event_stream() -> None:
    answer = response(b"one", b"two", END)

    with read_stream(answer) as stream:
        assert next(stream) == b"one"
        assert not answer["EventStream"].closed

    assert answer["EventStream"].closed


def test_what_is_closed_cannot_be_read_on() -> None:
    stream = read_stream(response(b"one", b"two", END))
    next(stream)
    stream.close()

    with pytest.raises(StreamStateError, match="the stream is closed"):
        next(stream)


def test_events_that_cannot_be_closed_need_not_be() -> None:
    with read_stream({"EventStream": [payload(b"one"), END]}) as stream:
        assert stream.read() == b"one"
