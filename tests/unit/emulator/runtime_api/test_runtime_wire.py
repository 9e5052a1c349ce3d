from base64 import b64encode
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_streamify_emulator.runtime_api.wire import (
    ACCEPTED,
    CHUNK_END,
    HEAD_LIMIT_BYTES,
    LINE_LIMIT_BYTES,
    TRAILER_LIMIT_BYTES,
    TRAILERS_TOO_LARGE,
    Answer,
    End,
    Event,
    Fault,
    Head,
    RequestReader,
    error_answer,
    plain_answer,
    render,
)
from runtime_peer import END, NEXT, chunk, request, response

TRAILERS = "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"
FAILURE = b"".join(
    (
        b"Lambda-Runtime-Function-Error-Type: Function.ValueError\r\n",
        b"Lambda-Runtime-Function-Error-Body: " + b64encode(b'{"errorMessage": "no"}') + b"\r\n",
    )
)
BAD_REQUEST = plain_answer(400, "400 Bad Request")


def feed(*pieces: bytes) -> list[Event]:
    """Return the events of the pieces; the pieces of a body are joined."""
    reader, events = RequestReader(), list[Event]()
    for piece in pieces:
        for event in reader.feed(piece):
            if isinstance(event, bytes) and events and isinstance(events[-1], bytes):
                events[-1] += event
            else:
                events.append(event)
    return events


def split(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def head(method: str, path: str, **headers: str) -> Head:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return Head(method, f"/2018-06-01/runtime/{path}", {"host": "localhost", **fields}, "1.1", keep_alive=True)


CONVERSATION = b"".join(
    (
        NEXT,
        response("abc", TRAILERS, "Content-Type: text/plain"),
        chunk(b"one"),
        chunk(bytes(range(256)) * 5),
        chunk(b"") + FAILURE + b"\r\n",
        request("POST", "init/error", body=b'{"errorMessage": "no"}'),
        request("POST", "init/error", body=b""),
        request("POST", "init/error", "Connection: Upgrade", "Upgrade: h2c", body=b"{}"),
        request("GET", "invocation/next", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"),
        response("abc", "Connection: Upgrade", "Upgrade: h2c"),
        chunk(b"two") + chunk(b"") + FAILURE + b"\r\n",
        response("%C3%A9"),
        END,
    )
)
MODE = {"transfer_encoding": "chunked", "lambda_runtime_function_response_mode": "streaming"}
UPGRADE = {"connection": "Upgrade", "upgrade": "h2c"}
FAILED = End(
    {
        "lambda-runtime-function-error-type": "Function.ValueError",
        "lambda-runtime-function-error-body": "eyJlcnJvck1lc3NhZ2UiOiAibm8ifQ==",
    }
)
READ: list[Event] = [
    head("GET", "invocation/next"),
    End({}),
    head("POST", "invocation/abc/response", **MODE, trailer=TRAILERS[9:], content_type="text/plain"),
    b"one" + bytes(range(256)) * 5,
    FAILED,
    head("POST", "init/error", content_length="22"),
    b'{"errorMessage": "no"}',
    End({}),
    head("POST", "init/error", content_length="0"),
    End({}),
    head("POST", "init/error", **UPGRADE, content_length="2"),
    b"{}",
    End({}),
    head("GET", "invocation/next", connection="Upgrade, HTTP2-Settings", upgrade="h2c"),
    End({}),
    head("POST", "invocation/abc/response", **MODE, **UPGRADE),
    b"two",
    FAILED,
    head("POST", "invocation/%C3%A9/response", **MODE),
    End({}),
]


# --- reading ---------------------------------------------------------------------------------------------------------


def test_requests_are_read_whole() -> None:
    assert feed(CONVERSATION) == READ


def test_requests_are_read_byte_by_byte() -> None:
    assert feed(*split(CONVERSATION, 1)) == READ


@given(st.sets(st.integers(0, len(CONVERSATION))))
@settings(deadline=None)
def test_requests_are_read_however_they_are_split(cuts: set[int]) -> None:
    edges = sorted({0, *cuts, len(CONVERSATION)})

    assert feed(*(CONVERSATION[start:end] for start, end in pairwise(edges))) == READ


@given(st.integers(0, len(CONVERSATION)), st.binary(min_size=1), st.integers(1, 50))
@settings(max_examples=200, deadline=None)
def test_garbage_is_a_fault_or_waited_on_but_never_raises(at: int, garbage: bytes, size: int) -> None:
    events = feed(*split(CONVERSATION[:at] + garbage + CONVERSATION[at:], size))

    faults = [event for event in events if isinstance(event, Fault)]
    assert faults in ([], events[-1:])
    for fault in faults:
        assert fault.message.startswith("a request to the Runtime API is not valid HTTP/1.1: ")
        assert fault.answer == BAD_REQUEST


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffffffff\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_no_request_is_a_fault_after_which_nothing_is_read(data: bytes) -> None:
    reader = RequestReader()

    fault = reader.feed(NEXT + data + NEXT)[-1]

    assert isinstance(fault, Fault)
    assert fault.answer == BAD_REQUEST
    assert reader.feed(NEXT) == []


def test_requests_for_another_protocol_are_requests_all_the_same() -> None:
    upgrade = b"GET /%d HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"

    events = feed(b"CONNECT a:1 HTTP/1.1\r\n\r\n" + b"".join(upgrade % number for number in range(5000)))

    assert [event.target for event in events if isinstance(event, Head)] == ["a:1", *(f"/{n}" for n in range(5000))]


def test_fields_that_come_twice_are_one_list() -> None:
    (event, _) = feed(request("GET", "invocation/next", "Trailer: A", "trailer: B, C"))

    assert event == head("GET", "invocation/next", trailer="A,B, C")


# --- limits ----------------------------------------------------------------------------------------------------------


def test_a_head_may_hold_an_x_ray_cause_of_a_mebibyte() -> None:
    cause = "Lambda-Runtime-Function-XRay-Error-Cause: " + "x" * (1024 * 1024)

    events = feed(*split(request("POST", "init/error", cause, body=b"{}"), 65536))

    assert events[1:] == [b"{}", End({})]


@pytest.mark.parametrize("size", [1000, 65536])
def test_a_head_that_does_not_end_is_a_fault_at_its_limit(size: int) -> None:
    reader, fed = RequestReader(), 0
    events = reader.feed(b"GET / HTTP/1.1\r\nX: ")
    while not events and fed < 2 * HEAD_LIMIT_BYTES:
        events = reader.feed(b"x" * size)
        fed += size

    answer = plain_answer(431, "431 Request Header Fields Too Large")
    assert events == [Fault(f"the head of a request is over {HEAD_LIMIT_BYTES} bytes", answer)]
    assert fed <= HEAD_LIMIT_BYTES + size


def trailed(size: int) -> bytes:
    """Return a response with a trailer section of this size in bytes."""
    name = b"Lambda-Runtime-Function-Error-Body: "
    return response("abc", TRAILERS) + chunk(b"body") + chunk(b"") + name + b"x" * (size - len(name) - 2) + b"\r\n\r\n"


TOO_LONG = Fault(TRAILERS_TOO_LARGE, None)


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_trailers_up_to_the_limit_are_read(size: int) -> None:
    last = feed(*split(trailed(TRAILER_LIMIT_BYTES), size))[-1]

    assert isinstance(last, End)
    assert len(last.trailers["lambda-runtime-function-error-body"]) > TRAILER_LIMIT_BYTES - 100


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_trailers_over_the_limit_are_a_fault_without_an_answer(size: int) -> None:
    assert feed(*split(trailed(TRAILER_LIMIT_BYTES + 1) + NEXT, size))[1:] == [b"body", TOO_LONG]


@pytest.mark.parametrize("size", [1000, 100_000])
def test_many_small_trailers_are_counted_together_and_told_once(size: int) -> None:
    many = b"".join(b"X-%d: %b\r\n" % (number, b"x" * 100) for number in range(200))

    assert feed(*split(response("abc") + chunk(b"") + many + b"\r\n" + NEXT, size))[1:] == [TOO_LONG]


@pytest.mark.parametrize("line", [chunk(b"") + b"X: ", b"5;extension="])
def test_a_line_that_does_not_end_is_not_kept_for_ever(line: bytes) -> None:
    events = feed(response("abc"), chunk(b"body"), line, *[b"x" * 1024] * (LINE_LIMIT_BYTES // 1024 + 1))

    assert events[-1] == TOO_LONG


def test_bodies_are_not_counted_as_lines() -> None:
    data = response("abc") + chunk(b"x" * 100_000) * 2 + b"".join(chunk(b"y") for _ in range(10_000)) + END

    assert feed(*split(data, 997))[-1] == End({})


# --- what a head asks for --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "version", "expected"),
    [
        ({"content-length": "3"}, "1.1", False),
        ({"expect": "100-continue"}, "1.1", False),
        ({"expect": "100-continue", "content-length": "0"}, "1.1", False),
        ({"expect": "100-continue", "content-length": "3"}, "1.1", True),
        ({"expect": "100-Continue", "transfer-encoding": "chunked"}, "1.1", True),
        ({"expect": "100-continue", "content-length": "3"}, "1.0", False),
    ],
)
def test_a_head_may_ask_for_100_continue(fields: dict[str, str], version: str, expected: bool) -> None:  # noqa: FBT001
    assert Head("POST", "/", {"host": "x", **fields}, version, keep_alive=True).awaits_continue == expected


@pytest.mark.parametrize(
    ("fields", "version", "status"),
    [
        ({"host": ""}, "1.1", None),
        ({}, "1.0", None),
        ({}, "1.1", 400),
        ({"host": "x", "expect": "100-continue"}, "1.1", None),
        ({"host": "x", "expect": "something"}, "1.1", 417),
    ],
)
def test_some_heads_are_refused_whatever_they_ask_for(fields: dict[str, str], version: str, status: int | None) -> None:
    problem = Head("POST", "/", fields, version, keep_alive=True).problem

    assert (problem and problem.status) == status


@pytest.mark.parametrize(
    ("version", "fields", "keep_alive"),
    [
        ("1.1", "", True),
        ("1.1", "Connection: close\r\n", False),
        ("1.0", "", False),
        ("1.0", "Connection: keep-alive\r\n", True),
    ],
)
def test_the_version_and_the_connection_field_say_whether_more_may_follow(
    version: str, fields: str, *, keep_alive: bool
) -> None:
    (event, _) = feed(f"GET / HTTP/{version}\r\n{fields}\r\n".encode())

    assert isinstance(event, Head)
    assert (event.version, event.keep_alive) == (version, keep_alive)


# --- answers ---------------------------------------------------------------------------------------------------------


def test_a_refusal_is_worded_as_the_runtime_api_words_it() -> None:
    assert error_answer(403, "InvalidStateTransition", 'a "b"').body == (
        b'{"errorMessage":"a \\"b\\"","errorType":"InvalidStateTransition"}\n'
    )


OK_AND_NOTHING = Answer(200, headers={})


@pytest.mark.parametrize(
    ("answer", "options", "expected"),
    [
        (ACCEPTED, {}, b'1.1 202 Accepted|Content-Type: application/json|Content-Length: 16||{"status":"OK"}\n'),
        (
            plain_answer(404, "no"),
            {"keep_alive": False},
            b"1.1 404 Not Found|Content-Type: text/plain; charset=utf-8|Content-Length: 2|Connection: close||no",
        ),
        (OK_AND_NOTHING, {"version": "1.0", "keep_alive": False}, b"1.0 200 OK|Content-Length: 0|Connection: close||"),
        (OK_AND_NOTHING, {"version": "1.0"}, b"1.0 200 OK|Content-Length: 0|Connection: keep-alive||"),
        (Answer(200, headers={"X": "1\r\n2 \u00e9\udc00"}), {}, b"1.1 200 OK|X: 1  2 \xc3\xa9?|Content-Length: 0||"),
    ],
)
def test_answers_as_bytes(answer: Answer, options: dict[str, object], expected: bytes) -> None:
    assert render(answer, **options) == b"HTTP/" + expected.replace(b"|", b"\r\n")  # type: ignore[arg-type]


def test_a_reader_reports_chunk_ends_if_asked_to() -> None:
    reader = RequestReader(chunk_ends=True)
    body = b"3\r\nabc\r\n2\r\nde"

    first = reader.feed(request("POST", "x", "Transfer-Encoding: chunked") + body)
    second = reader.feed(b"\r\n0\r\n\r\n")

    assert first[1:] == [b"abc", CHUNK_END, b"de"]
    assert second == [CHUNK_END, CHUNK_END, End({})]  # the second one ends the empty chunk
