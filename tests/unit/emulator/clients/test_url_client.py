from threading import Event as Gate
from typing import Any

import pytest

from lambda_streamify_emulator.clients.url_client import ask, is_url
from lambda_streamify_emulator.errors import EndpointError
from lambda_streamify_emulator.recordings.recording import Event
from scripted_api import Peer, Script, ScriptedApi, reply
from waiting import TIMEOUT_S

HEAD = b"HTTP/1.1 201 Created\r\nX-A: b\r\nX-A: c\r\nSet-Cookie: d=e\r\nTransfer-Encoding: chunked\r\n\r\n"
FIELDS: dict[str, Any] = {
    "status_code": 201,
    "headers": {"X-A": "b, c", "Transfer-Encoding": "chunked"},
    "cookies": ["d=e"],
}


def ask_scripted(script: Script, path: str = "/", **arguments: Any) -> tuple[list[Event], bytes]:
    ticks = iter(range(1000))
    with ScriptedApi(script) as api:
        events = list(ask(f"http://{api.address}{path}", clock=lambda: next(ticks), **arguments))
        return events, api.requests[0]


def test_status_headers_cookies_and_each_chunk_are_events_with_their_times() -> None:
    body = b"3\r\none\r\n1\r\n\xff\r\n0\r\n\r\n"

    events, request = ask_scripted(lambda peer: peer.answer(HEAD + body), "/a?b=c")

    assert events == [
        (1_000_000, "h", FIELDS),
        (2_000_000, "o", "one"),
        (3_000_000, "b", "/w=="),
        (4_000_000, "x", {"reason": "end", "bytes": 4, "chunks": 2}),
    ]
    assert request.startswith(b"GET /a?b=c HTTP/1.1\r\n")


def test_a_chunk_is_yielded_before_the_next_one_is_sent() -> None:
    seen = Gate()

    def script(peer: Peer) -> None:
        peer.answer(HEAD + b"3\r\none\r\n")
        assert seen.wait(TIMEOUT_S)
        peer.send(b"3\r\ntwo\r\n0\r\n\r\n")

    with ScriptedApi(script) as api:
        events = ask(f"http://{api.address}/")
        assert next(events).code == "h"
        assert next(events).chunk == b"one"
        seen.set()
        assert [event.chunk for event in events] == [b"two", None]


def test_a_body_is_posted_with_its_headers() -> None:
    _, request = ask_scripted(
        lambda peer: peer.answer(reply(200, b"")), body=b"{}", headers={"content-type": "application/json"}
    )

    assert request.startswith(b"POST / HTTP/1.1\r\n")
    assert request.endswith(b"\r\n\r\n{}")


def test_a_body_that_is_cut_off_is_an_error_after_its_chunks() -> None:
    events, _ = ask_scripted(lambda peer: peer.answer(HEAD + b"3\r\none\r\n5\r\ntw"))

    codes = [event.code for event in events]
    assert codes[:2] == ["h", "o"]
    assert codes[-2:] == ["e", "x"]
    assert "cut off" in events[-2].data["message"]
    assert events[-1].data["reason"] == "disconnect"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://127.0.0.1:port/", "https:///x", "http://a b/"])
def test_an_unreachable_url_is_an_error_of_one_line(url: str) -> None:
    with pytest.raises(EndpointError) as raised:
        list(ask(url))

    assert str(raised.value).startswith(url)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("target", "is_one"), [("http://x/", True), ("https://x", True), ("hello", False), ("arn:aws:lambda:x", False)]
)
def test_a_url_is_distinguished_from_a_name(target: str, is_one: bool) -> None:  # noqa: FBT001
    assert is_url(target) is is_one
