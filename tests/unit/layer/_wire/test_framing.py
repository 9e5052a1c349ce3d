import json
from base64 import b64decode
from collections.abc import Callable
from http.client import HTTPResponse
from io import BytesIO
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lambda_streamify._wire import framing
from lambda_streamify._wire.framing import ResponseParser
from lambda_streamify.errors import ConnectionLost, ResponseError, StreamStateError
from sent import parse

if TYPE_CHECKING:
    from socket import socket

# --- requests --------------------------------------------------------------------------------------------------------


def test_a_request_head_is_read_back_by_another_parser() -> None:
    raw = framing.request_head("POST", "/2018-06-01/x", [("Host", "127.0.0.1:9001"), ("Content-Length", "0")])

    sent = parse(raw)
    assert (sent.method, sent.path) == ("POST", "/2018-06-01/x")
    assert sent.headers == {"host": "127.0.0.1:9001", "content-length": "0"}


def test_both_trailers_are_announced_and_the_mode_is_in_lower_case() -> None:
    assert dict(framing.STREAMING_HEADERS) == {
        "Lambda-Runtime-Function-Response-Mode": "streaming",
        "Transfer-Encoding": "chunked",
        "Trailer": "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
    }


EVENTS = ("head", "chunk", "end", "trailers")
LEGAL = {
    ("pending", "head"): "open",
    ("open", "chunk"): "open",
    ("open", "end"): "done",
    ("open", "trailers"): "failed",
}


@pytest.mark.parametrize(("state", "event"), list(product(("pending", "open", "done", "failed"), EVENTS)))
def test_every_state_accepts_the_events_of_the_table_and_no_other(state: str, event: str) -> None:
    if (state, event) in LEGAL:
        assert framing.advance(state, event) == LEGAL[state, event]
    else:
        with pytest.raises(StreamStateError, match=f"^a response stream that is {state} does not allow {event}$"):
            framing.advance(state, event)


def test_the_table_has_no_states_and_events_beyond_those_tested_here() -> None:
    listed = {(state, event): after for state, row in framing.TRANSITIONS.items() for event, after in row.items()}

    assert listed == LEGAL
    assert set(framing.TRANSITIONS) == {"pending", "open", "done", "failed"}


CHUNKED_HEAD = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"


@given(st.lists(st.binary(min_size=1, max_size=10_000)))
def test_another_parser_reads_the_same_chunks(chunks: list[bytes]) -> None:
    small = b"".join(framing.SMALL_CHUNK % (len(chunk), chunk) for chunk in chunks)
    large = b"".join(b"".join(framing.large_chunk(chunk)) for chunk in chunks)

    assert small == large
    sent = parse(CHUNKED_HEAD + small + framing.LAST_CHUNK)
    assert sent.chunks == chunks
    assert sent.trailers == {}


def test_a_large_chunk_is_not_copied() -> None:
    data = bytes(framing.COPY_LIMIT_BYTES + 1)

    assert framing.large_chunk(data)[1] is data


@pytest.mark.parametrize("make", [bytearray, memoryview])
def test_a_chunk_is_any_kind_of_bytes(make: Callable[[bytes], Any]) -> None:
    assert framing.SMALL_CHUNK % (3, make(b"abc")) == b"3\r\nabc\r\n"


# --- the prelude -----------------------------------------------------------------------------------------------------


def test_a_prelude_is_json_in_ascii_and_eight_nuls() -> None:
    assert framing.prelude({"statusCode": 200, "headers": {"x": "é"}}) == (
        b'{"statusCode":200,"headers":{"x":"\\u00e9"}}' + bytes(8)
    )


@given(st.dictionaries(st.text(), st.text()))
@example({"x": "\0" * 8})
def test_the_first_eight_nuls_are_the_end_of_the_prelude(fields: dict[str, str]) -> None:
    before, _, after = framing.prelude(fields).partition(bytes(8))

    assert json.loads(before) == fields
    assert after == b""


def test_a_prelude_may_take_sixteen_kilobytes_and_not_one_more() -> None:
    frame = len(framing.prelude({"x": ""}))
    assert len(framing.prelude({"x": "a" * (16384 - frame)})) == 16384

    with pytest.raises(ResponseError) as raised:
        framing.prelude({"x": "a" * (16385 - frame)})

    assert str(raised.value) == (
        "the status, headers and cookies take 16385 bytes; AWS accepts 16384: send less in headers"
    )


# --- error trailers --------------------------------------------------------------------------------------------------


def report(message: str = "why", kind: str = "ValueError", frames: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"errorMessage": message, "errorType": kind, "requestId": "id", "stackTrace": list(frames)}


def trailers_of(section: bytes) -> tuple[str, Any]:
    sent = parse(CHUNKED_HEAD + section)
    assert set(sent.trailers) == {"lambda-runtime-function-error-type", "lambda-runtime-function-error-body"}
    body = b64decode(sent.trailers["lambda-runtime-function-error-body"], validate=True)
    return sent.trailers["lambda-runtime-function-error-type"], json.loads(body)


def test_a_short_report_is_sent_whole() -> None:
    whole = report(frames=('  File "app.py", line 1, in f\n    raise\n',))

    assert trailers_of(framing.error_trailers(whole)) == ("Function.ValueError", whole)


frame_texts = st.text(max_size=200).map(lambda text: f'  File "{text}", line 1, in f\n')
reports = st.builds(
    report,
    message=st.one_of(
        st.text(),
        st.text(min_size=1, max_size=20).map(lambda text: text * 1000),
        st.sampled_from(["😀" * 5000, "\ud800" * 5000, '"' * 5000, "\\" * 5000, "\0" * 5000]),
    ),
    kind=st.one_of(st.text(), st.text(min_size=1, max_size=3).map(lambda text: text * 200)),
    frames=st.builds(
        lambda texts, times: tuple(texts * times)[:1000], st.lists(frame_texts, max_size=30), st.integers(1, 300)
    ),
)


@given(reports)
@example(report("\ud800😀\"'\\" * 1000, "😀" * 500, ("x" * 5000,) * 1000))
@example(report("", "", ()))
def test_the_trailer_section_stays_within_its_limit(whole: dict[str, Any]) -> None:
    section = framing.error_trailers(whole)

    assert len(section) <= 3584
    kind, sent = trailers_of(section)
    assert kind.startswith("Function.")
    assert list(sent) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert sent["requestId"] == "id"
    if sent["stackTrace"]:
        assert sent["errorMessage"] == whole["errorMessage"]
        assert sent["stackTrace"][0] == whole["stackTrace"][0]
    else:
        assert whole["errorMessage"].startswith(sent["errorMessage"].removesuffix("..."))


def test_the_frames_in_the_middle_are_dropped_first() -> None:
    frames = tuple(f"frame {number} {'.' * 90}\n" for number in range(1000))

    _, sent = trailers_of(framing.error_trailers(report(frames=frames)))

    kept = sent["stackTrace"]
    gap = next(index for index, frame in enumerate(kept) if "left out" in frame)
    assert kept[:gap] == list(frames[:gap])
    assert kept[gap + 1 :] == list(frames[-(len(kept) - gap - 1) :])
    assert kept[gap] == f"  ... {1000 - (len(kept) - 1)} frames left out ...\n"
    assert len(kept) == 17


def test_the_first_frame_is_dropped_last() -> None:
    _, sent = trailers_of(framing.error_trailers(report(frames=("f" * 100, "g" * 3000, "h" * 3000))))

    assert sent["stackTrace"] == ["f" * 100, "  ... 2 frames left out ...\n"]


def test_all_frames_are_dropped_before_the_message_is_cut() -> None:
    _, sent = trailers_of(framing.error_trailers(report("m" * 2000, frames=("f" * 1000, "g" * 1000))))

    assert (sent["errorMessage"], sent["stackTrace"]) == ("m" * 2000, [])


def test_a_message_is_cut_at_its_end_to_fill_the_limit() -> None:
    section = framing.error_trailers(report("😀" * 5000))

    _, sent = trailers_of(section)
    assert sent["errorMessage"].endswith("😀...")
    assert len(section) > 3584 - 32


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("ValueError", "Function.ValueError"),
        ("Runtime.MarshalError", "Function.Runtime.MarshalError"),
        ("a b\r\nX: y", "Function.a_b__X__y"),
        ("Überlauf", "Function._berlauf"),
        ("a_1", "Function.a_1"),
        ("E" * 1000, "Function." + "E" * 128),
    ],
)
def test_the_type_is_safe_in_a_header_while_the_report_keeps_it(kind: str, name: str) -> None:
    sent_name, sent = trailers_of(framing.error_trailers(report(kind=kind)))

    assert (sent_name, sent["errorType"]) == (name, kind)


# --- responses -------------------------------------------------------------------------------------------------------

Result = tuple[int, dict[str, str], bytes]

RESPONSES: list[tuple[bytes, Result]] = [
    (
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-Y:  z \r\n\r\nabc",
        (200, {"content-length": "3", "x-y": "z"}, b"abc"),
    ),
    (b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", (202, {"content-length": "0"}, b"")),
    (b"HTTP/1.1 202 Accepted\r\n\r\n", (202, {}, b"")),
    (b"HTTP/1.0 202\r\nContent-Length: 0\r\n\r\n", (202, {"content-length": "0"}, b"")),
    (b"HTTP/1.1 200 OK\r\nX: \xe9:b\r\n\r\n", (200, {"x": "é:b"}, b"")),
    (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;ext=1\r\n0123456789\r\n0\r\n\r\n",
        (200, {"transfer-encoding": "chunked"}, b"abc0123456789"),
    ),
    (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1 \r\na\r\n0\r\nX: y\r\nZ: \r\n\r\n",
        (200, {"transfer-encoding": "Chunked"}, b"a"),
    ),
    (
        b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 413 -\r\ncontent-length: 1\r\n\r\n!",
        (413, {"content-length": "1"}, b"!"),
    ),
    (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 3000 + b"0\r\n\r\n",
        (200, {"transfer-encoding": "chunked"}, b"x" * 3000),
    ),
    (b"HTTP/1.1 100 -\r\n\r\n" * 3000 + b"HTTP/1.1 202 -\r\n\r\n", (202, {}, b"")),
]


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def fed(pieces: list[bytes]) -> Result | None:
    """Return the response in the pieces, or None if bytes are missing."""
    parser = ResponseParser()
    complete = False
    for piece in pieces:
        complete = parser.feed(piece)
    return (parser.status, parser.headers, parser.body) if complete else None


@pytest.mark.parametrize(("data", "result"), RESPONSES, ids=range(len(RESPONSES)))
def test_a_response_is_read_whole_and_byte_by_byte(data: bytes, result: Result) -> None:
    single = [data[index : index + 1] for index in range(len(data))]

    assert fed([data]) == result
    assert fed(single) == result
    assert fed(single[:-1]) is None


@pytest.mark.parametrize(("data", "result"), RESPONSES, ids=range(len(RESPONSES)))
@pytest.mark.parametrize("more", [b"\n", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_bytes_after_the_end_are_an_error(data: bytes, result: Result, more: bytes) -> None:  # noqa: ARG001 - one table
    for pieces in ([data + more], [data, more], [data[:-1], data[-1:] + more]):
        with pytest.raises(ConnectionLost, match=f"^{len(more)} bytes follow the end of a response$"):
            fed(pieces)


KEPT = [
    (b"HTTP/1.1 202 -\r\n", True),
    (b"HTTP/1.1 202 -\r\nConnection: keep-alive\r\n", True),
    (b"HTTP/1.1 202 -\r\nConnection: close\r\n", False),
    (b"HTTP/1.1 202 -\r\nConnection: keep-alive, Close\r\n", False),
    (b"HTTP/1.1 202 -\r\nConnection: close\r\nX: y\r\nconnection: keep-alive\r\n", False),
    (b"HTTP/1.1 202 -\r\nConnection: enclosed\r\n", True),
    (b"HTTP/1.0 202 -\r\n", False),
    (b"HTTP/1.0 202 -\r\nConnection: Keep-Alive\r\n", True),
    (b"HTTP/1.0 202 -\r\nConnection: keep-alive, close\r\n", False),
]


@pytest.mark.parametrize(("head", "kept"), KEPT)
def test_the_version_and_all_connection_options_decide_whether_the_connection_is_kept(
    head: bytes, *, kept: bool
) -> None:
    parser = ResponseParser()

    assert parser.feed(head + b"Content-Length: 0\r\n\r\n")
    assert parser.keeps_connection == kept


@pytest.mark.parametrize("body", [b"", b"abc", b"{}" * 1000])
@pytest.mark.parametrize("head", [head for head, kept in KEPT if not kept])
def test_a_body_without_a_length_ends_with_the_connection(head: bytes, body: bytes) -> None:
    data = head + b"\r\n" + body
    for pieces in ([data], [data[index : index + 1] for index in range(len(data))]):
        parser = ResponseParser()

        assert not any(map(parser.feed, pieces))
        assert parser.end()
        assert (parser.status, parser.body) == (202, body)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.0 202 -\r\n",
        b"HTTP/1.0 202 -\r\nContent-Length: 2\r\n\r\nx",
        b"HTTP/1.1 202 -\r\nConnection: close\r\n",
    ],
)
def test_a_response_cut_in_its_head_or_in_a_body_of_known_length_is_incomplete(data: bytes) -> None:
    parser = ResponseParser()

    assert not parser.feed(data)
    assert not parser.end()


def test_a_nul_in_a_header_is_read_as_a_space() -> None:
    parser = ResponseParser()

    assert parser.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: Root=1\0;Sampled=1\r\n\r\n")
    assert parser.headers["x"] == "Root=1 ;Sampled=1"


@given(st.sampled_from(RESPONSES[:-2]), st.lists(st.integers(0, 1000)))
def test_any_split_of_the_same_bytes_is_the_same_response(response: tuple[bytes, Result], cuts: list[int]) -> None:
    data, result = response

    assert fed(pieces_of(data, cuts)) == result


def outcome(pieces: list[bytes]) -> Result | str | None:
    """Do the same as `fed`, but return "malformed" for a malformed response. Any other exception fails the test."""
    try:
        return fed(pieces)
    except ConnectionLost:
        return "malformed"


grammar = st.lists(
    st.sampled_from(
        [
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n",
            b"HTTP/1.1 20\xb2 OK\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"Content-Length: 5\r\n",
            b"Content-Length: \xb2\r\n",
            b"Content-Length: " + b"9" * 5000 + b"\r\n",
            b"\r\n",
            b"\n",
            b"5\r\nhello\r\n",
            b"-5\r\nhello\r\n",
            b"0x5\r\nhello\r\n",
            b"1_0\r\nhello\r\n",
            b"F" * 100 + b"\r\n",
            b"0\r\n",
            b"0\r\n\r\n",
            b"hello",
            b":",
        ]
    ),
    max_size=12,
).map(b"".join)


@given(st.one_of(grammar, st.binary()), st.lists(st.integers(0, 1000)))
@example(b"HTTP/1.1 20\xb2 OK\r\n\r\n", [])
@example(b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\n", [])
@example(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", [])
@example(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n\r\n", [])
def test_any_bytes_are_a_response_or_a_lost_connection_however_split(data: bytes, cuts: list[int]) -> None:
    whole = outcome([data])

    assert outcome(pieces_of(data, cuts)) == whole


MALFORMED = [
    (b"SSH-2.0-OpenSSH\r\n\r\n", "not an HTTP response: 'SSH-2.0-OpenSSH'"),
    (b"HTTP/2 200\r\n\r\n", "not an HTTP response: 'HTTP/2 200'"),
    (b"HTTP/1.1 20 OK\r\n\r\n", "not an HTTP response: 'HTTP/1.1 20 OK'"),
    (b"HTTP/1.1 2000 OK\r\n\r\n", "not an HTTP response: 'HTTP/1.1 2000 OK'"),
    (b"HTTP/1.1 " + b"x" * 1000 + b"\r\n\r\n", f"not an HTTP response: 'HTTP/1.1 {'x' * 71}'"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "invalid content-length of a response: '-1'"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n", "invalid content-length of a response: '5, 5'"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n", "invalid chunk size in a response: b'-2'"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", "invalid chunk size in a response: b''"),
    (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
        "a chunk of a response is longer than its size of 2 bytes",
    ),
]


@pytest.mark.parametrize(("data", "message"), MALFORMED, ids=range(len(MALFORMED)))
def test_the_error_quotes_an_answer_that_is_not_http(data: bytes, message: str) -> None:
    with pytest.raises(ConnectionLost) as raised:
        fed([data])

    assert str(raised.value) == message


@pytest.mark.parametrize("size", [framing.HEAD_LIMIT_BYTES, framing.HEAD_LIMIT_BYTES + 1])
def test_the_limit_of_the_head_does_not_depend_on_how_it_arrives(size: int) -> None:
    frame = b"HTTP/1.1 200 OK\r\nX: \r\n\r\n"
    head = frame.replace(b"X: ", b"X: " + b"x" * (size - len(frame)))
    assert len(head) == size

    whole = outcome([head])

    assert outcome([head[:-1], head[-1:]]) == whole
    assert (whole == "malformed") == (size > framing.HEAD_LIMIT_BYTES)


def test_a_head_without_end_is_refused() -> None:
    with pytest.raises(ConnectionLost, match=r"^the head of a response is longer than 65536 bytes$"):
        fed([b"HTTP/1.1 200 OK\r\nX: " + b"x" * framing.HEAD_LIMIT_BYTES])


def test_a_body_that_arrives_in_one_piece_is_not_copied() -> None:
    parser, body = ResponseParser(), bytes(100_000)

    assert not parser.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    assert parser.feed(body)
    assert parser.body == body


def test_started_says_whether_any_byte_has_arrived() -> None:
    parser = ResponseParser()
    assert not parser.started

    parser.feed(b"H")

    assert parser.started


class _Received:
    """The part of a socket that http.client uses."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _: str) -> BytesIO:
        return BytesIO(self._data)


MEASURED = [(data, result) for data, result in RESPONSES if b"-Length: " in data or b"-Encoding: " in data]


@pytest.mark.parametrize(("data", "result"), MEASURED, ids=range(len(MEASURED)))
def test_the_standard_library_reads_the_same_response(data: bytes, result: Result) -> None:
    response = HTTPResponse(cast("socket", _Received(data)))
    response.begin()

    assert (response.status, response.read()) == (result[0], result[2])
