from typing import Any

import pytest

from asynchronous import run
from lambda_streamify_emulator.dashboard.form import FormRefused, event_of, read_form, request_of
from lambda_streamify_emulator.urls.event import Request
from lambda_streamify_emulator.web.asgi import Message

URL = "http://127.0.0.1:4001/"
REQUEST = {"kind": "request", "method": "GET", "path": "/"}
OWN = [("host", "127.0.0.1:4001"), ("user-agent", "streamify-dashboard"), ("accept", "*/*")]


def test_a_request_has_what_every_client_adds() -> None:
    assert request_of(REQUEST, URL) == Request("GET", "/", "", OWN, "127.0.0.1", b"")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"path": "/a b/ž?c=d e&f=%20"}, ("/a%20b/%C5%BE", "c=d%20e&f=%20")),
        ({"path": "//a/../b?"}, ("//a/../b", "")),
        ({"path": "/?a?b#c"}, ("/", "a?b%23c")),
    ],
)
def test_a_path_is_encoded_as_far_as_it_has_to_be(form: dict[str, str], expected: tuple[str, str]) -> None:
    request = request_of({**REQUEST, **form}, URL)

    assert (request.path, request.query) == expected


def test_headers_of_ones_own_replace_what_is_added() -> None:
    headers = "HOST: mine\r\n\nX-A:  b:c \nx-a: d\nx-empty:"

    request = request_of({**REQUEST, "method": "POST", "headers": headers, "body": "grü"}, URL)

    given = [("HOST", "mine"), ("X-A", "b:c"), ("x-a", "d"), ("x-empty", "")]
    assert request.headers == [*OWN[1:], ("content-length", "4"), *given]
    assert request.body == "grü".encode()


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"method": "G T"}, "'G T' is no method"),
        ({"method": ""}, "'' is no method"),
        ({"path": "a"}, "the path 'a' does not begin with /"),
        ({"path": None}, "path is not text"),
        ({"body": "\ud800"}, "body is not text"),
        ({"headers": "a"}, "the header 'a' is not of the form NAME: VALUE"),
        ({"headers": "a b: c"}, "the header 'a b: c' is not of the form NAME: VALUE"),
        ({"headers": "a: ž"}, "the header 'a: ž' has characters that HTTP does not carry"),
        ({"headers": "a: \0b"}, "the header 'a: \\x00b' has characters that HTTP does not carry"),
        ({"headers": "a: b\rc: d"}, "the header 'a: b\\rc: d' has characters that HTTP does not carry"),
    ],
)
def test_what_http_has_not_is_refused(form: dict[str, Any], message: str) -> None:
    with pytest.raises(FormRefused) as raised:
        request_of({**REQUEST, **form}, URL)

    assert (raised.value.status, str(raised.value)) == (400, message)


def test_an_event_is_json_as_it_stands() -> None:
    assert event_of({"event": '{ "a": 1 }'}) == b'{ "a": 1 }'


@pytest.mark.parametrize("event", ["{", "", 1, "\ud800", "[" * 100_000], ids=range(5))
def test_what_is_no_event_is_refused(event: object) -> None:
    with pytest.raises(FormRefused, match=r"the event is not JSON|event is not text"):
        event_of({"event": event})


@pytest.mark.parametrize("body", [b"{", b"", b"[]", b"1", b"\xff"])
def test_what_is_no_form_is_refused(body: bytes) -> None:
    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    with pytest.raises(FormRefused, match=r"what is sent is not (JSON|a JSON object)"):
        run(read_form(receive))
