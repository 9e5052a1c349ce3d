import json
from array import array
from base64 import b64encode
from collections import UserList
from collections.abc import AsyncIterator, Callable, Iterator
from http import HTTPStatus
from typing import Any

import pytest

from lambda_streamify._core.iteration import as_bytes
from lambda_streamify._response import response
from lambda_streamify._response.response import StreamingResponse
from lambda_streamify.errors import ChunkTypeError, ResponseError


def generator() -> Iterator[str]:
    yield "chunk"


async def async_generator() -> AsyncIterator[str]:
    yield "chunk"


def to_json(value: object) -> bytes:
    return json.dumps(value).encode()


def fields_of(answer: StreamingResponse, first: object = "", *, fold: bool = True) -> dict[str, Any]:
    return response.prelude_fields(answer, first, fold=fold)


# --- what streams ----------------------------------------------------------------------------------------------------


class OnlyNext:
    def __next__(self) -> str:
        raise StopIteration


@pytest.mark.parametrize("body", [generator(), iter([]), map(str, []), OnlyNext(), async_generator()])
def test_what_is_produced_piece_by_piece_is_a_stream_bare_and_as_a_body(body: Any) -> None:
    bare = response.as_stream(body)
    assert bare is not None
    assert (bare.body, bare.status_code, bare.headers) == (body, 200, {})

    wrapped = response.as_stream({"statusCode": 201, "headers": {"x": "y"}, "cookies": ["a=b"], "body": body})
    assert wrapped is not None
    assert (wrapped.body, wrapped.status_code, wrapped.headers) == (body, 201, {"x": "y"})
    assert (wrapped.cookies, wrapped.eager) == (["a=b"], False)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "text",
        b"bytes",
        5,
        [],
        (),
        ["a"],
        {},
        {"body": "text"},
        {"body": ["a"]},
        UserList(["a"]),
        generator,
        object(),
    ],
)
def test_everything_else_is_a_plain_value(value: object) -> None:
    assert response.as_stream(value) is None


def test_a_streaming_response_is_taken_as_it_is() -> None:
    answer = StreamingResponse(["a"])

    assert response.as_stream(answer) is answer


def test_a_stream_needs_no_status() -> None:
    answer = response.as_stream({"body": generator(), "headers": None, "cookies": None, "multiValueHeaders": None})

    assert answer is not None
    assert fields_of(answer) == {"statusCode": 200, "headers": {"content-type": "text/plain; charset=utf-8"}}


def test_base64_and_a_stream_exclude_each_other() -> None:
    with pytest.raises(ResponseError) as raised:
        response.as_stream({"body": generator(), "isBase64Encoded": True})

    assert str(raised.value) == (
        "isBase64Encoded is set on a body that streams: yield the bytes themselves and leave the flag out"
    )
    assert response.as_stream({"body": generator(), "isBase64Encoded": False}) is not None


# --- plain values as HTTP --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "body"),
    [
        ({"message": "hi"}, b'{"message": "hi"}'),
        ("text é", "text é".encode()),
        (b"bytes", b"bytes"),
        ([1, 2], b"[1, 2]"),
        (None, b"null"),
        ({}, b"{}"),
        ("", b""),
        ({"body": "no status, so no response"}, b'{"body": "no status, so no response"}'),
    ],
)
def test_a_value_without_a_status_is_itself_the_body(value: object, body: bytes) -> None:
    answer = response.as_http(value, to_json)

    assert b"".join(answer.body) == body  # type: ignore[arg-type]
    assert fields_of(answer, body) == {"statusCode": 200, "headers": {"content-type": "application/json"}}


@pytest.mark.parametrize(
    ("value", "body"),
    [
        ({"body": "text é"}, "text é".encode()),
        ({"body": b"bytes"}, b"bytes"),
        ({"body": {"a": 1}}, b'{"a": 1}'),
        ({"body": None}, b""),
        ({}, b""),
        ({"body": b64encode(b"\xff").decode(), "isBase64Encoded": True}, b"\xff"),
        ({"body": b64encode(b"\xff"), "isBase64Encoded": True}, b"\xff"),
        ({"body": None, "isBase64Encoded": True}, b""),
        ({"body": "a+b=", "isBase64Encoded": False}, b"a+b="),
    ],
)
def test_a_value_with_a_status_is_a_response(value: dict[str, Any], body: bytes) -> None:
    answer = response.as_http({"statusCode": "404", **value}, to_json)

    assert b"".join(answer.body) == body  # type: ignore[arg-type]
    assert fields_of(answer, body) == {"statusCode": 404, "headers": {"content-type": "application/json"}}


def test_an_empty_body_has_no_chunk() -> None:
    assert list(response.as_http("", to_json).body) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "headers",
    [{"headers": {"Content-Type": "text/html"}}, {"multiValueHeaders": {"CONTENT-TYPE": ["text/html"]}}],
)
def test_a_content_type_is_kept_however_it_is_spelled(headers: dict[str, Any]) -> None:
    fields = fields_of(response.as_http({"statusCode": 200, **headers}, to_json))

    assert [(name.lower(), value) for name, value in fields["headers"].items()] == [("content-type", "text/html")]


@pytest.mark.parametrize("body", ["é", "a", {"a": 1}, 5])
def test_a_body_that_is_not_base64_is_an_error(body: object) -> None:
    with pytest.raises(ResponseError, match=r"^isBase64Encoded is set, but the body is not base64: "):
        response.as_http({"statusCode": 200, "body": body, "isBase64Encoded": True}, to_json)


# --- chunks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chunk", "data"),
    [
        ("é", b"\xc3\xa9"),
        ("", b""),
        (b"a", b"a"),
        (bytearray(b"a"), b"a"),
        (memoryview(b"abc")[1:], b"bc"),
        (array("H", [1, 2]), array("H", [1, 2]).tobytes()),
        (array("H"), b""),
        (memoryview(b"abcd").cast("B", (2, 2)), b"abcd"),
    ],
)
def test_a_chunk_is_text_or_anything_that_holds_bytes(chunk: object, data: bytes) -> None:
    assert as_bytes(chunk) == data
    assert len(as_bytes(chunk)) == len(data)
    assert response.keepable(chunk) in (data, chunk)


@pytest.mark.parametrize("chunk", [None, 5, {"a": 1}, ["a"], 1.5])
def test_any_other_chunk_is_an_error_that_names_the_remedy(chunk: object) -> None:
    with pytest.raises(ChunkTypeError) as raised:
        as_bytes(chunk)

    assert str(raised.value) == (
        f"the body yielded {type(chunk).__name__}; yield str or bytes, for example json.dumps(chunk)"
    )


def test_memory_that_does_not_lie_in_one_piece_is_put_together() -> None:
    assert as_bytes(memoryview(b"abcd")[::2]) == b"ac"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"headers": ["a"]}, "headers is a list; it must be an object of names and values"),
        ({"headers": "a"}, "headers is a str; it must be an object of names and values"),
        ({"cookies": 5}, "cookies is a int; it must be a list of strings"),
        ({"multiValueHeaders": ["a"]}, "multiValueHeaders is a list; it must be an object of names and values"),
    ],
)
def test_fields_of_another_type_are_named_with_the_type_they_must_have(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ResponseError) as raised:
        response.as_stream({"body": iter(()), **fields})

    assert str(raised.value) == message


def test_bytes_are_sent_without_a_copy() -> None:
    data, buffer = bytes(10), bytearray(10)

    assert as_bytes(data) is data
    view = as_bytes(buffer)
    assert isinstance(view, memoryview)
    assert view.obj is buffer


def test_a_chunk_to_keep_does_not_change_with_its_buffer() -> None:
    buffer = bytearray(b"one")
    kept = response.keepable(buffer)

    buffer[:] = b"two, and longer"

    assert kept == b"one"


# --- status, headers and cookies -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "number"), [(200, 200), ("404", 404), (100, 100), (599, 599), (HTTPStatus.CREATED, 201), ("٢٠٠", 200)]
)
def test_a_status_is_a_number_from_100_to_599(status: Any, number: int) -> None:
    fields = fields_of(StreamingResponse((), status))

    assert fields["statusCode"] == number
    assert type(fields["statusCode"]) is int


@pytest.mark.parametrize(
    "status", [99, 600, 0, -200, True, None, 200.0, "", "OK", "200 OK", "-200", "²", "9" * 5000, [200]]
)
def test_any_other_status_is_an_error(status: Any) -> None:
    with pytest.raises(ResponseError) as raised:
        fields_of(StreamingResponse((), status))

    assert str(raised.value) == f"the status code is {status!r}; it must be a number from 100 to 599"


@pytest.mark.parametrize("status", [204, 304, "204"])
def test_http_forbids_some_responses_a_body(status: Any) -> None:
    assert response.has_no_body(StreamingResponse((), status), "GET")
    assert response.has_no_body(StreamingResponse(()), "HEAD")
    assert not response.has_no_body(StreamingResponse(()), "GET")


@pytest.mark.parametrize("status", [204, 304, "304"])
def test_a_response_that_has_no_body_gets_no_content_type_either(status: Any) -> None:
    assert fields_of(StreamingResponse((), status))["headers"] == {}
    assert fields_of(response.as_http({"statusCode": status, "headers": {"etag": "1"}}, to_json))["headers"] == {
        "etag": "1"
    }
    assert fields_of(StreamingResponse((), status, content_type="text/css"))["headers"] == {"content-type": "text/css"}


@pytest.mark.parametrize(
    ("first", "content_type"),
    [
        ("", "text/plain; charset=utf-8"),
        ("text", "text/plain; charset=utf-8"),
        (b"", "application/octet-stream"),
        (bytearray(b"x"), "application/octet-stream"),
    ],
)
def test_the_first_chunk_decides_the_content_type_that_nobody_named(first: object, content_type: str) -> None:
    assert fields_of(StreamingResponse(()), first)["headers"] == {"content-type": content_type}


@pytest.mark.parametrize("name", ["content-type", "Content-Type"])
def test_a_content_type_of_its_own_replaces_the_one_among_the_headers(name: str) -> None:
    answer = StreamingResponse((), headers={name: "text/html", "x": "y"}, content_type="text/event-stream")

    assert fields_of(answer)["headers"] == {"x": "y", "content-type": "text/event-stream"}


def test_headers_of_the_connection_and_the_length_are_dropped() -> None:
    dropped = (
        "Connection",
        "content-length",
        "Keep-Alive",
        "Proxy-Authenticate",
        "proxy-authorization",
        "Proxy-Connection",
        "TE",
        "trailer",
        "Transfer-Encoding",
        "upgrade",
        "x-amzn-remapped-date",
        "X-Amzn-Remapped-Connection",
    )
    answer = StreamingResponse((), headers=dict.fromkeys(dropped, "x") | {"X-Kept": "y"})
    answer.multi_value_headers = {name: ["x"] for name in dropped}

    assert fields_of(answer, b"") == {
        "statusCode": 200,
        "headers": {"X-Kept": "y", "content-type": "application/octet-stream"},
    }


@pytest.mark.parametrize(("value", "text"), [("é ", "é "), (5, "5"), (1.5, "1.5"), (True, "true"), (False, "false")])
def test_a_header_value_is_text_or_a_number(value: object, text: str) -> None:
    assert fields_of(StreamingResponse((), headers={"x": value}))["headers"]["x"] == text  # type: ignore[dict-item]


@pytest.mark.parametrize("value", [None, b"x", ["x"], {}])
def test_any_other_header_value_is_an_error(value: object) -> None:
    with pytest.raises(ResponseError) as raised:
        fields_of(StreamingResponse((), headers={"x": value}))  # type: ignore[dict-item]

    assert str(raised.value) == f"the value of header x is a {type(value).__name__}; it must be a string"


@pytest.mark.parametrize("bad", ["\r", "\n", "\0"])
@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("x", lambda value: StreamingResponse((), headers={"x": value})),
        ("cookie", lambda value: StreamingResponse((), cookies=["a=b", value])),
        ("x", lambda value: response.as_stream({"body": generator(), "multiValueHeaders": {"x": ["y", value]}})),
    ],
)
def test_no_value_can_end_its_header(bad: str, name: str, place: Callable[[str], StreamingResponse]) -> None:
    with pytest.raises(ResponseError) as raised:
        fields_of(place(f"a{bad}b: c"))

    assert str(raised.value) == (f"the value of header {name} holds a line break or NUL, which would end the header")


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nb", "é", 5, None])
@pytest.mark.parametrize(
    "make",
    [
        lambda headers: StreamingResponse((), headers=headers, content_type="text/html"),
        lambda headers: response.as_http({"statusCode": 200, "headers": headers}, to_json),
    ],
)
def test_what_is_no_header_name_is_an_error(name: Any, make: Callable[[dict[Any, str]], StreamingResponse]) -> None:
    answer = make({name: "x"})

    with pytest.raises(ResponseError) as raised:
        fields_of(answer)

    assert str(raised.value) == (f"{name!r} is not a header name: letters, digits and !#$%&'*+-.^_`|~ are allowed")


def test_repeated_headers_must_be_lists() -> None:
    answer = StreamingResponse(())
    answer.multi_value_headers = {"x": "y"}

    with pytest.raises(ResponseError, match=r"^multiValueHeaders: x is a str; it must be a list of strings$"):
        fields_of(answer)


def repeated() -> StreamingResponse:
    answer = StreamingResponse((), headers={"x": "1", "Set-Cookie": "b=2"}, cookies=["a=1"])
    answer.multi_value_headers = {"y": ["1", 2], "set-cookie": ("c=3", "d=4"), "Content-Type": ["text/html"]}
    return answer


def test_repeated_headers_fold_into_one_and_every_cookie_is_a_cookie() -> None:
    assert fields_of(repeated()) == {
        "statusCode": 200,
        "headers": {"x": "1", "y": "1, 2", "Content-Type": "text/html"},
        "cookies": ["a=1", "b=2", "c=3", "d=4"],
    }


def test_without_folding_repeated_headers_stay_repeated() -> None:
    assert fields_of(repeated(), fold=False) == {
        "statusCode": 200,
        "headers": {"x": "1"},
        "multiValueHeaders": {"y": ["1", "2"], "Content-Type": ["text/html"]},
        "cookies": ["a=1", "b=2", "c=3", "d=4"],
    }


def test_nothing_of_the_handlers_own_objects_is_changed() -> None:
    headers = {"Set-Cookie": "a=1"}
    answer = StreamingResponse((), headers=headers, cookies=(cookies := ["b=2"]), content_type="text/html")

    fields_of(answer)

    assert (headers, cookies) == ({"Set-Cookie": "a=1"}, ["b=2"])


# --- proxy dicts -----------------------------------------------------------------------------------------------------
