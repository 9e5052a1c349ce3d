from typing import Any

import pytest

from asynchronous import run
from lambda_streamify_emulator.dashboard.form import FormRefused, event_of, read_form, request_of
from lambda_streamify_emulator.web.asgi import Message
from lambda_streamify_emulator.web.request import Request

URL = "http://127.0.0.1:4001/"
REQUEST = {"kind": "request", "method": "GET", "path": "/"}
OWN = [("host", "127.0.0.1:4001"), ("user-agent", "streamify-dashboard"), ("accept", "*/*")]


def test_a_request_has_the_default_headers_of_a_client() -> None:
    assert request_of(REQUEST, URL) == Request("GET", "/", "", OWN, "127.0.0.1", b"", port=4001)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"path": "/a b/ž?c=d e&f=%20"}, ("/a%20b/%C5%BE", "c=d%20e&f=%20")),
        ({"path": "//a/../b?"}, ("//a/../b", "")),
        ({"path": "/?a?b#c"}, ("/", "a?b%23c")),
    ],
)
def test_a_path_is_encoded_where_necessary(form: dict[str, str], expected: tuple[str, str]) -> None:
    request = request_of({**REQUEST, **form}, URL)

    assert (request.path, request.query) == expected


def test_own_headers_replace_the_defaults() -> None:
    headers = "HOST: mine\r\n\nX-A:  b:c \nx-a: d\nx-empty:"

    request = request_of({**REQUEST, "method": "POST", "headers": headers, "body": "grü"}, URL)

    given = [("HOST", "mine"), ("X-A", "b:c"), ("x-a", "d"), ("x-empty", "")]
    assert request.headers == [*OWN[1:], ("content-length", "4"), *given]
    assert request.body == "grü".encode()


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"method": "G T"}, "'G T' is not an HTTP method"),
        ({"method": ""}, "'' is not an HTTP method"),
        ({"path": "a"}, "the path 'a' must begin with /"),
        ({"path": None}, "path is not text"),
        ({"body": "\ud800"}, "body is not text"),
        ({"headers": "a"}, "the header 'a' must be written as NAME: VALUE"),
        ({"headers": "a b: c"}, "the header 'a b: c' must be written as NAME: VALUE"),
        ({"headers": "a: ž"}, "the header 'a: ž' contains characters that HTTP does not allow"),
        ({"headers": "a: \0b"}, "the header 'a: \\x00b' contains characters that HTTP does not allow"),
        ({"headers": "a: b\rc: d"}, "the header 'a: b\\rc: d' contains characters that HTTP does not allow"),
    ],
)
def test_a_request_that_http_does_not_allow_is_refused(form: dict[str, Any], message: str) -> None:
    with pytest.raises(FormRefused) as raised:
        request_of({**REQUEST, **form}, URL)

    assert (raised.value.status, str(raised.value)) == (400, message)


def test_an_event_is_json_and_sent_unchanged() -> None:
    assert event_of({"event": '{ "a": 1 }'}) == b'{ "a": 1 }'


@pytest.mark.parametrize("event", ["{", "", 1, "\ud800", "[" * 100_000], ids=range(5))
def test_an_invalid_event_is_refused(event: object) -> None:
    with pytest.raises(FormRefused, match=r"the event is not JSON|event is not text"):
        event_of({"event": event})


@pytest.mark.parametrize("body", [b"{", b"", b"[]", b"1", b"\xff"])
def test_an_invalid_form_is_refused(body: bytes) -> None:
    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    with pytest.raises(FormRefused, match=r"the form is not (JSON|a JSON object)"):
        run(read_form(receive))
