import json
from base64 import b64decode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoking import HTTP_API, LOAD_BALANCER, REST_API, invoke
from lambda_streamify._core.iteration import as_bytes
from lambda_streamify._response.proxy_response import proxy_dict
from lambda_streamify._response.response import StreamingResponse
from lambda_streamify._response.sources import ALL_REPEATED, COOKIES, REPEATED, SINGLE
from lambda_streamify.errors import ResponseError


@given(st.lists(st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.binary())))
def test_the_body_is_all_chunks_as_text_or_base64(chunks: list[str | bytes]) -> None:
    sent = proxy_dict(StreamingResponse(()), chunks, COOKIES)

    body = b64decode(sent["body"], validate=True) if sent["isBase64Encoded"] else sent["body"].encode()
    assert body == b"".join(map(as_bytes, chunks))
    assert json.loads(json.dumps(sent)) == sent


def test_a_character_may_be_cut_by_a_chunk() -> None:
    assert proxy_dict(StreamingResponse(()), [b"\xc3", b"\xa9"], COOKIES) == {
        "statusCode": 200,
        "headers": {"content-type": "application/octet-stream"},
        "body": "é",
        "isBase64Encoded": False,
    }


def repeated() -> StreamingResponse:
    answer = StreamingResponse((), headers={"x": "1", "Set-Cookie": "b=2"}, cookies=["a=1"], content_type="text/html")
    answer.multi_value_headers = {"y": ["1", 2], "set-cookie": ("c=3", "d=4")}
    return answer


ALL_COOKIES = ["a=1", "b=2", "c=3", "d=4"]


def headers_of(style: str) -> dict[str, Any]:
    sent = proxy_dict(repeated(), ["x"], style)
    assert (sent.pop("statusCode"), sent.pop("body"), sent.pop("isBase64Encoded")) == (200, "x", False)
    return sent


def test_payload_format_2_has_a_list_of_cookies() -> None:
    assert headers_of(COOKIES) == {
        "headers": {"x": "1", "y": "1, 2", "content-type": "text/html"},
        "cookies": ALL_COOKIES,
    }


def test_payload_format_1_has_repeated_headers_beside_the_others() -> None:
    assert headers_of(REPEATED) == {
        "headers": {"x": "1", "content-type": "text/html"},
        "multiValueHeaders": {"y": ["1", "2"], "set-cookie": ALL_COOKIES},
    }


def test_a_load_balancer_with_multi_value_headers_gets_all_headers_there() -> None:
    assert headers_of(ALL_REPEATED) == {
        "multiValueHeaders": {
            "x": ["1"],
            "content-type": ["text/html"],
            "y": ["1", "2"],
            "set-cookie": ALL_COOKIES,
        },
    }


def test_a_load_balancer_without_multi_value_headers_gets_each_cookie_under_another_spelling() -> None:
    [(name, headers)] = headers_of(SINGLE).items()

    assert name == "headers"
    assert [headers.pop(name) for name in list(headers) if name.lower() == "set-cookie"] == ALL_COOKIES
    assert headers == {"x": "1", "y": "1, 2", "content-type": "text/html"}


def test_a_load_balancer_gets_a_single_cookie_under_the_usual_spelling() -> None:
    sent = proxy_dict(StreamingResponse((), cookies=["a=1"]), [], SINGLE)

    assert sent["headers"]["set-cookie"] == "a=1"


def test_more_cookies_than_spellings_are_an_error() -> None:
    cookies = [f"c{number}=1" for number in range(512)]

    headers = proxy_dict(StreamingResponse((), cookies=cookies), [], SINGLE)["headers"]
    assert [value for name, value in headers.items() if name.lower() == "set-cookie"] == cookies
    with pytest.raises(ResponseError, match="513 cookies"):
        proxy_dict(StreamingResponse((), cookies=[*cookies, "one=more"]), [], SINGLE)


@pytest.mark.parametrize(
    ("event", "cookies"),
    [
        (HTTP_API, {"cookies": ["a=1", "b=2"]}),
        ({**REST_API, "version": "1.0"}, {"multiValueHeaders": {"set-cookie": ["a=1", "b=2"]}}),
        (REST_API, {"multiValueHeaders": {"set-cookie": ["a=1", "b=2"]}}),
        (
            {**LOAD_BALANCER, "multiValueHeaders": {}},
            {"multiValueHeaders": {"content-type": ["text/x"], "set-cookie": ["a=1", "b=2"]}},
        ),
        (LOAD_BALANCER, {"headers": {"content-type": "text/x", "set-cookie": "a=1", "Set-cookie": "b=2"}}),
    ],
)
def test_each_caller_gets_its_cookies_in_the_place_that_it_reads(event: Any, cookies: dict[str, Any]) -> None:
    def handler(event: Any, _context: Any) -> StreamingResponse:
        event.clear()  # the handler may change its event; it has been read
        return StreamingResponse(["x"], cookies=["a=1", "b=2"], content_type="text/x")

    sent = invoke(handler, event, mode="buffered").sent.json

    assert {**sent, **cookies} == sent
