import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify_emulator.errors import PreludeError
from lambda_streamify_emulator.invocations.prelude import CONTENT_TYPE, Prelude
from lambda_streamify_emulator.urls import buffered

JSON = ("content-type", "application/json")


def parse(value: Any) -> tuple[Prelude, bytes]:
    return buffered.parse(json.dumps(value).encode(), "application/json")


@pytest.mark.parametrize(
    ("value", "body"),
    [
        ("hello", b"hello"),
        ("", b""),
        (["hello", 3, True], b'["hello",3,true]'),
        ({"hello": "wörld"}, '{"hello":"wörld"}'.encode()),
        (7, b"7"),
        (None, b"null"),
    ],
)
def test_a_value_without_status_is_the_body(value: Any, body: bytes) -> None:
    assert parse(value) == (Prelude(200, (JSON,), ()), body)


@pytest.mark.parametrize(
    ("body", "flag", "sent"),
    [
        ("text", False, b"text"),
        (None, False, b""),
        ({"a": 1}, False, b'{"a":1}'),
        (base64.b64encode(b"\xff").decode(), True, b"\xff"),
    ],
)
def test_a_response_is_taken_apart(body: Any, flag: object, sent: bytes) -> None:
    value = {"statusCode": 200, "headers": {"Content-Type": "text/x", "n": 1}, "body": body, "isBase64Encoded": flag}

    assert parse(value) == (Prelude(200, (("Content-Type", "text/x"), ("n", "1")), ()), sent)


def test_a_status_may_be_text_and_cookies_are_their_own_list() -> None:
    value = {"statusCode": "418", "cookies": ["a=1"], "multiValueHeaders": {"x": ["unread"]}}

    assert parse(value) == (Prelude(418, (JSON,), ("a=1",)), b"")


@pytest.mark.parametrize(
    "value",
    [
        {"statusCode": 101},
        {"statusCode": "teapot"},
        {"statusCode": "2" * 5000},
        {"statusCode": 200, "headers": [1]},
        {"statusCode": 200, "headers": {"a b": "x"}},
        {"statusCode": 200, "isBase64Encoded": True, "body": "?"},
        {"statusCode": 200, "isBase64Encoded": True, "body": 7},
    ],
)
def test_what_is_no_http_response_is_refused(value: Any) -> None:
    with pytest.raises(PreludeError):
        parse(value)


def test_a_stream_is_refused_with_the_way_out() -> None:
    with pytest.raises(PreludeError, match="STREAMIFY_INVOKE_MODE=buffered"):
        buffered.parse(b"{}" + bytes(8), CONTENT_TYPE)


@given(st.binary())
def test_any_payload_is_a_response_or_a_prelude_error(payload: bytes) -> None:
    try:
        head, body = buffered.parse(payload, "application/json")
    except PreludeError:
        return
    assert 200 <= head.status <= 599
    assert isinstance(body, bytes)
