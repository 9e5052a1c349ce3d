"""HTTP/1.1 responses out of bytes: whole, split anywhere, cut anywhere. h11 is the judge."""

from contextlib import suppress

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify.client._http1 import ResponseParser
from lambda_streamify.errors import NoResponse, StreamCut, StreamFailed
from raw_server import chunk, chunked_head, response

CHUNKED = chunked_head() + chunk(b"one") + b"0c;name=value\r\n" + b"two and more\r\n" + b"0\r\nx-trailer: 1\r\n\r\n"
KNOWN_LENGTH = response(b"one, two")
EMPTY = response(b"", status="404 Not Found")


def parsed(*pieces: bytes, method: str = "GET") -> ResponseParser:
    return fed(*pieces, method=method)[0]


def fed(*pieces: bytes, method: str = "GET") -> tuple[ResponseParser, bytes]:
    parser = ResponseParser(method)
    return parser, b"".join(part for piece in pieces for part in parser.feed(piece))


@pytest.mark.parametrize(
    ("stream", "status", "body"),
    [
        (CHUNKED, 200, b"onetwo and more"),
        (KNOWN_LENGTH, 200, b"one, two"),
        (EMPTY, 404, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + KNOWN_LENGTH, 200, b"one, two"),
        (chunked_head() + chunk(b""), 200, b""),
        (b"HTTP/1.1 204 \r\n\r\n", 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", 304, b""),
        (b"HTTP/1.1 200\r\ncontent-length: 1, 1\r\ncontent-length: 1\r\n\r\nx", 200, b"x"),
    ],
)
def test_a_response_is_read_whole_byte_by_byte_and_with_bytes_behind_it(
    stream: bytes, status: int, body: bytes
) -> None:
    for pieces in ([stream], [stream[index : index + 1] for index in range(len(stream))], [stream + b"HTTP/1.1 500"]):
        parser, received = fed(*pieces)
        assert parser.head is not None
        assert (parser.head.status, received, parser.is_complete) == (status, body, True)
        parser.end()


@pytest.mark.parametrize("stream", [CHUNKED, KNOWN_LENGTH])
def test_a_response_that_is_cut_at_any_byte_is_an_error(stream: bytes) -> None:
    head = stream.index(b"\r\n\r\n") + 4
    for end in range(len(stream)):
        with pytest.raises(NoResponse if end < head else StreamCut):
            parsed(stream[:end]).end()


def test_a_part_of_the_body_is_given_before_its_chunk_is_complete() -> None:
    parser = ResponseParser("GET")

    assert parser.feed(chunked_head() + b"5\r\non") == [b"on"]
    assert parser.feed(b"e") == [b"e"]


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (b"", "the server closed the connection without an answer"),
        (b"HTTP/1.1 200 OK\r\n", "the server closed the connection after its first bytes"),
        (response(b"one, two")[:-3], "the response was cut after 5 of 8 bytes"),
        (chunked_head() + chunk(b"one"), "the response was cut after 3 bytes, before its last chunk"),
        (chunked_head() + chunk(b"one") + b"0", "the response was cut after 3 bytes, before its last chunk"),
    ],
)
def test_the_error_says_how_much_came(stream: bytes, message: str) -> None:
    with pytest.raises(StreamFailed) as caught:
        parsed(stream).end()

    assert str(caught.value) == message


def test_a_response_without_a_length_ends_with_its_connection() -> None:
    parser, body = fed(b"HTTP/1.0 200 OK\r\n\r\none", b"two")
    assert (body, parser.is_complete) == (b"onetwo", False)

    parser.end()

    assert parser.is_complete


def test_the_answer_to_head_has_no_body() -> None:
    assert parsed(KNOWN_LENGTH[: KNOWN_LENGTH.index(b"\r\n\r\n") + 4], method="HEAD").is_complete


def test_the_headers_keep_their_order_and_their_repetitions() -> None:
    head = parsed(response(b"", headers="Set-Cookie: a=1\r\nSET-COOKIE:b=2 \r\nx: \xe4\r\n")).head

    assert head is not None
    assert head.values("set-cookie") == ["a=1", "b=2"]
    assert head.headers[-1] == ("x", "ä".encode().decode("latin-1"))


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (b"SSH-2.0-OpenSSH\r\n\r\n", "is not HTTP/1.1: it begins with b'SSH"),
        (b"HTTP/2 200\r\n\r\n", "is not HTTP/1.1"),
        (b"HTTP/1.1 20\r\n\r\n", "is not HTTP/1.1"),
        (b"HTTP/1.1 2000\r\n\r\n", "is not HTTP/1.1"),
        (b"HTTP/1.1 +20 \r\n\r\n", "is not HTTP/1.1"),
        (b"HTTP/1.1 099 Low\r\n\r\n", "its status is 099"),
        (b"HTTP/1.1 200 OK\r\nname\r\n\r\n", "b'name' is not a header"),
        (b"HTTP/1.1 200 OK\r\nname : x\r\n\r\n", "is not a header"),
        (b"HTTP/1.1 200 OK\r\na: b\r\n folded\r\n\r\n", "is not a header"),
        (b"HTTP/1.1 200 OK\r\na: b\0\r\n\r\n", "is not a header"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n", "the transfer coding gzip, chunked"),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
            "Content-Length of the response is '1, 2'",
        ),
        (b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", "Content-Length of the response is '-1'"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: %b\r\n\r\n" % (b"1" * 5000), "Content-Length of the response is "),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 20_000, "exceed 65536 bytes"),
    ],
)
def test_what_is_not_http_is_named(stream: bytes, message: str) -> None:
    with pytest.raises(NoResponse, match=message):
        parsed(stream)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"\r\n", "breaks off in b'', no size of a chunk"),
        (b"x\r\n", "breaks off in b'x', no size of a chunk"),
        (b"+1\r\n", "no size of a chunk"),
        (b"0x1\r\n", "no size of a chunk"),
        (b"1" * 17 + b"\r\n", "no size of a chunk"),
        (b"1\r\nabc", "a chunk is longer than its size says"),
        (b"1;" + b"x" * 5000, "in a line over 4096 bytes"),
    ],
)
def test_a_body_that_is_not_in_chunks_as_announced_is_cut(body: bytes, message: str) -> None:
    with pytest.raises(StreamCut, match=message):
        parsed(chunked_head() + body).check()


def test_what_came_before_a_wrong_chunk_is_given_first() -> None:
    parser = ResponseParser("GET")

    assert parser.feed(chunked_head() + chunk(b"one") + b"x\r\n") == [b"one"]
    for call in (parser.check, parser.end, lambda: parser.feed(b"")):
        with pytest.raises(StreamCut, match="no size of a chunk"):
            call()


@given(st.lists(st.binary(min_size=1)), st.booleans(), st.data())
def test_what_h11_writes_is_read_however_it_is_split(
    pieces: list[bytes], has_length: object, data: st.DataObject
) -> None:
    server = h11.Connection(h11.SERVER)
    server.receive_data(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    server.next_event()
    framing = ("content-length", str(sum(map(len, pieces)))) if has_length else ("transfer-encoding", "chunked")
    stream = server.send(h11.Response(status_code=200, headers=[framing])) or b""
    for piece in pieces:
        stream += server.send(h11.Data(data=piece)) or b""
    stream += server.send(h11.EndOfMessage()) or b""
    cut = data.draw(st.integers(0, len(stream)))

    parser, body = fed(stream[:cut], stream[cut:])

    assert (body, parser.is_complete) == (b"".join(pieces), True)


@given(st.binary())
def test_no_bytes_raise_anything_but_the_errors_of_a_stream(stream: bytes) -> None:
    for start in (b"", b"HTTP/1.1 ", chunked_head()):
        with suppress(StreamFailed):
            parsed(start + stream).end()
