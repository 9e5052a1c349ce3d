"""What every way of reading over HTTP does alike: blocking, in an event loop, and both of them by httpx."""

import json

import pytest

from lambda_streamify import client
from lambda_streamify.errors import ErrorStatus, NoResponse, StreamCut, StreamFailed, StreamStateError
from raw_server import RawServer, chunk, chunked_head, raw_server, response
from stream_clients import WAYS, receive
from waiting import TIMEOUT_S

SSE = "text/event-stream"
every_way = pytest.mark.parametrize("way", WAYS)


def event(text: str, event_id: str = "", kind: str = "") -> bytes:
    return (f"id: {event_id}\n" * bool(event_id) + f"event: {kind}\n" * bool(kind) + f"data: {text}\n\n").encode()


def events_of(*pieces: bytes) -> bytes:
    """Return the beginning of a response in chunks, whose last chunk is missing."""
    return chunked_head(SSE) + b"".join(map(chunk, pieces))


# --- chunks ----------------------------------------------------------------------------------------------------------


@every_way
def test_a_chunk_is_there_before_the_next_one_is_sent(way: str) -> None:
    with raw_server([chunked_head() + chunk(b"one"), chunk(b"two"), chunk(b"")]) as server:
        received = receive(way, server.url, on_item=server.release)

    assert (received.items, received.failure) == ([b"one", b"two"], None)


@every_way
def test_the_head_is_there_before_the_body(way: str) -> None:
    headers = "Set-Cookie: a=1; Path=/\r\nset-cookie: b=2\r\nX-Kind: brief\r\nx-kind: long\r\n"
    with raw_server([response(b"body", status="418 Teapot", headers=headers)]) as server:
        received = receive(way, server.url, "body")

    assert (received.status_code, received.items) == (418, [b"body"])
    assert (received.headers["x-kind"], received.headers["X-KIND"]) == ("brief, long", "brief, long")
    assert received.cookies == ["a=1; Path=/", "b=2"]
    assert "set-cookie" not in received.headers


@every_way
def test_the_request_is_what_was_asked_for(way: str) -> None:
    with raw_server([response(b"")]) as server:
        receive(way, f"{server.url}a/b?c=%20d", json={"q": 1}, headers={"X-Name": "1"}, last_event_id="7")
        (request,) = server.requests

    head, _, body = request.partition(b"\r\n\r\n")
    line, *fields = head.lower().split(b"\r\n")
    assert (line, json.loads(body)) == (b"post /a/b?c=%20d http/1.1", {"q": 1})
    assert {b"x-name: 1", b"last-event-id: 7", b"accept-encoding: identity", b"content-type: application/json"} <= {
        *fields
    }
    assert len([field for field in fields if field.startswith(b"host:")]) == 1


@every_way
def test_a_redirect_is_not_followed(way: str) -> None:
    with raw_server([response(b"", status="302 Found", headers="location: /there\r\n")]) as server:
        received = receive(way, server.url)
        events = receive(way, server.url, "events")

    assert (received.status_code, received.headers["location"]) == (302, "/there")
    assert isinstance(events.failure, ErrorStatus)
    assert "its Location is /there" in str(events.failure)


# --- a response that is cut ------------------------------------------------------------------------------------------


@every_way
@pytest.mark.parametrize(
    "whole", [chunked_head() + chunk(b"one") + chunk(b""), response(b"one")], ids=["chunks", "length"]
)
def test_a_response_that_is_cut_at_any_byte_is_an_error_that_holds_what_came(way: str, whole: bytes) -> None:
    head = whole.index(b"\r\n\r\n") + 4
    cuts = range(head - 3, len(whole))
    with raw_server(*([whole[:cut]] for cut in cuts), [whole]) as server:
        for cut in cuts:
            received = receive(way, server.url, "body")
            assert type(received.failure) is (NoResponse if cut < head else StreamCut), whole[:cut]
            assert received.failure.partial == b"one"[: len(received.failure.partial)]
            if cut >= whole.index(b"one") + 3:
                assert received.failure.partial == b"one"
        assert receive(way, server.url, "body").items == [b"one"]


@every_way
def test_what_came_before_a_cut_is_handed_out_first(way: str) -> None:
    with raw_server([chunked_head() + chunk(b"one\ntw")]) as server:
        chunks = receive(way, server.url)
        lines = receive(way, server.url, "lines")

    assert (chunks.items, lines.items) == ([b"one\ntw"], ["one", "tw"])
    assert isinstance(chunks.failure, StreamCut)
    assert isinstance(lines.failure, StreamCut)


@every_way
def test_what_came_before_a_wrong_chunk_is_handed_out_while_the_server_holds_the_connection(way: str) -> None:
    with raw_server([chunked_head() + chunk(b"one") + b"x\r\n", RawServer.HOLD]) as server:
        server.release()
        received = receive(way, server.url)

    assert received.items == [b"one"]
    assert isinstance(received.failure, StreamCut)


@every_way
def test_a_connection_that_is_reset_is_a_cut(way: str) -> None:
    with raw_server([chunked_head() + chunk(b"one"), RawServer.RESET]) as server:
        received = receive(way, server.url, on_item=server.release)

    assert received.items == [b"one"]
    assert isinstance(received.failure, StreamCut)
    assert received.failure.__cause__ is not None


@every_way
def test_a_server_that_is_not_there_is_no_response(way: str) -> None:
    with raw_server([]) as server:
        url = server.url

    received = receive(way, url)

    assert isinstance(received.failure, NoResponse)
    assert str(received.failure).startswith(f"{url[:-1]} did not answer: ")


@every_way
def test_a_server_that_is_silent_is_no_response_after_the_timeout(way: str) -> None:
    with raw_server([b"", RawServer.HOLD]) as server:
        server.release()
        received = receive(way, server.url, timeout=0.01)

    assert isinstance(received.failure, NoResponse)


# --- lines and rows --------------------------------------------------------------------------------------------------


@every_way
def test_lines_come_as_they_end(way: str) -> None:
    with raw_server(
        [chunked_head() + chunk("one\r\nž".encode()[:-1]), chunk(b"\xbe\n") + chunk(b"end"), chunk(b"")]
    ) as server:
        server.release()
        received = receive(way, server.url, "lines", on_item=server.release)

    assert received.items == ["one", "ž", "end"]


@every_way
def test_rows_come_as_their_lines_end(way: str) -> None:
    with raw_server(
        [chunked_head() + chunk(b'{"row": 1}\n{'), chunk(b'"row": 2}\n'), chunk(b"3"), chunk(b"")]
    ) as server:
        server.release()
        received = receive(way, server.url, "rows", on_item=server.release)

    assert (received.items, received.failure) == ([{"row": 1}, {"row": 2}, 3], None)


@every_way
def test_the_incomplete_row_of_a_response_that_is_cut_is_no_row(way: str) -> None:
    with raw_server([chunked_head() + chunk(b"1\n23")]) as server:
        received = receive(way, server.url, "rows")

    assert received.items == [1]
    assert isinstance(received.failure, StreamCut)
    assert received.failure.partial == b"23"


@every_way
@pytest.mark.parametrize(
    ("body", "items", "message"),
    [
        (b'1\n{"error": {"errorType": "E", "errorMessage": "m"}}\n2\n', [1], "reported an error in its stream: E: m"),
        (b"1\n<html>\n", [1], "line 2 of the response is not JSON"),
        (b'1\n{"done": true}\n2\n', [1, {"done": True}], ""),
        (b'1\n{"done": true}', [1, {"done": True}], ""),
        (b"1\n2\n", [1, 2], "without its last row"),
    ],
)
def test_rows_end_with_the_last_row_or_an_error(way: str, body: bytes, items: list[object], message: str) -> None:
    def is_last(row: object) -> bool:
        return isinstance(row, dict) and "done" in row

    with raw_server([response(body)]) as server:
        received = receive(way, server.url, "rows", reading={"until": is_last})

    assert received.items == items
    assert (received.failure is None) is (message == "")
    assert message in str(received.failure)


@every_way
@pytest.mark.parametrize("kind", ["rows", "events"])
def test_an_error_status_has_no_records(way: str, kind: str) -> None:
    with raw_server([response(b'{"message": "Internal Server Error"}', status="502 Bad Gateway")]) as server:
        received = receive(way, server.url, kind)

    assert received.status_code == 502
    assert received.items == []
    assert isinstance(received.failure, ErrorStatus)
    assert received.failure.status_code == 502
    assert received.failure.partial == b'{"message": "Internal Server Error"}'


@every_way
def test_the_body_of_an_error_status_may_be_long_or_cut(way: str) -> None:
    long = [chunked_head().replace(b"200 OK", b"500 E") + chunk(b"x" * 100_000), RawServer.HOLD]
    with raw_server(long, [response(b"short", status="500 E")[:-2]]) as server:
        server.release()
        first, second = receive(way, server.url, "rows").failure, receive(way, server.url, "rows").failure

    assert isinstance(first, ErrorStatus)
    assert isinstance(second, ErrorStatus)
    assert len(first.partial) >= 65_536
    assert second.partial == b"sho"


@every_way
@pytest.mark.parametrize("kind", ["lines", "rows", "events"])
def test_text_that_is_compressed_is_an_error(way: str, kind: str) -> None:
    with raw_server([response(b"\x1f\x8b", SSE, headers="content-encoding: gzip\r\n")]) as server:
        received = receive(way, server.url, kind)
        assert receive(way, server.url, "body").items == [b"\x1f\x8b"]

    assert received.items == []
    assert "the body is encoded as gzip" in str(received.failure)


# --- events ----------------------------------------------------------------------------------------------------------


@every_way
def test_events_come_as_their_empty_lines_do(way: str) -> None:
    with raw_server([events_of(event("1"), b"data: 2\n"), chunk(b"\n"), chunk(b"")]) as server:
        received = receive(way, server.url, "events", on_item=server.release)

    assert [item.data for item in received.items] == ["1", "2"]
    assert received.failure is None


@every_way
def test_the_incomplete_event_of_a_response_that_is_cut_is_no_event(way: str) -> None:
    with raw_server([events_of(event("1"), b"id: 2\ndata: 2\n")]) as server:
        received = receive(way, server.url, "events")

    assert [item.data for item in received.items] == ["1"]
    assert isinstance(received.failure, StreamCut)
    assert received.failure.partial == b"id: 2\ndata: 2\n"


@every_way
def test_an_error_event_is_raised_behind_the_events(way: str) -> None:
    error = event('{"errorType": "LookupError", "errorMessage": "no more"}', kind="error")
    with raw_server([response(event("1") + error + event("2"), SSE)]) as server:
        received = receive(way, server.url, "events", reading={"reconnects": 5})
        assert len(server.requests) == 1

    assert [item.data for item in received.items] == ["1"]
    assert received.failure is not None
    assert received.failure.error_code == "LookupError"


@every_way
def test_another_content_type_has_no_events(way: str) -> None:
    with raw_server([response(b'{"a": 1}', "application/json")]) as server:
        received = receive(way, server.url, "events")

    assert "'application/json', not 'text/event-stream'" in str(received.failure)


# --- asking again ----------------------------------------------------------------------------------------------------


@every_way
def test_a_stream_that_is_cut_is_resumed_behind_its_last_event(way: str) -> None:
    slept: list[float] = []
    dropped = [events_of(b"retry: 250\n", event("1", "a")), chunk(b"id: b\ndata: lost\n")]
    resumed = [events_of(event("2", "b")), chunk(event("", kind="done")), RawServer.HOLD]
    with raw_server(dropped, resumed) as server:
        received = receive(
            way, server.url, "events", reading={"reconnects": 1, "until": "done", "sleep": slept.append},
            on_item=server.release, headers={"x-key": "1"},
        )  # fmt: skip
        first, second = (request.lower() for request in server.requests)

    assert [(item.data, item.id) for item in received.items] == [("1", "a"), ("2", "b"), ("", "b")]
    assert received.failure is None
    assert slept == [0.25]
    assert b"last-event-id" not in first
    assert b"\r\nlast-event-id: a\r\n" in second
    assert b"\r\nx-key: 1\r\n" in first
    assert b"\r\nx-key: 1\r\n" in second


@every_way
def test_each_event_starts_the_count_of_reconnects_anew_and_after_the_last_the_cut_is_raised(way: str) -> None:
    slept: list[float] = []
    cuts = [[events_of(event(str(number), str(number)))] for number in range(3)]
    with raw_server(*cuts, [events_of(b": nothing\n")]) as server:
        received = receive(way, server.url, "events", reading={"reconnects": 2, "sleep": slept.append})
        assert len(server.requests) == 3 + 2

    assert [item.data for item in received.items] == ["0", "1", "2"]
    assert isinstance(received.failure, StreamCut)
    assert slept == [3.0] * 4


@every_way
def test_a_stream_without_ids_is_not_asked_for_again_once_an_event_has_come(way: str) -> None:
    slept: list[float] = []
    with raw_server([events_of()], [events_of(event("1"))]) as server:
        received = receive(way, server.url, "events", reading={"reconnects": 9, "sleep": slept.append})
        assert len(server.requests) == 2

    assert [item.data for item in received.items] == ["1"]
    assert isinstance(received.failure, StreamCut)


@every_way
def test_a_server_that_does_not_answer_for_a_while_is_asked_again(way: str) -> None:
    slept: list[float] = []
    with raw_server([events_of(event("1", "a"))], [b""], [response(event("2", "b"), SSE)]) as server:
        received = receive(way, server.url, "events", reading={"reconnects": 2, "sleep": slept.append})

    assert [item.data for item in received.items] == ["1", "2"]
    assert len(slept) == 2


@every_way
def test_a_response_that_is_complete_is_not_asked_for_again(way: str) -> None:
    with raw_server([response(event("1", "a"), SSE)]) as server:
        received = receive(way, server.url, "events", reading={"reconnects": 9})
        assert len(server.requests) == 1

    assert received.failure is None


@every_way
def test_a_response_that_is_complete_without_its_last_event_counts_as_cut(way: str) -> None:
    slept: list[float] = []
    with raw_server([response(event("1", "a"), SSE)], [response(event("2", "b", "done"), SSE)]) as server:
        received = receive(way, server.url, "events", reading={"reconnects": 1, "until": "done", "sleep": slept.append})
        alone = receive(way, server.url, "events", reading={"until": lambda item: item.data == "3"})

    assert [item.data for item in received.items] == ["1", "2"]
    assert received.failure is None
    assert isinstance(alone.failure, StreamCut)
    assert "without its last event" in str(alone.failure)


@every_way
@pytest.mark.parametrize(("until", "is_failure"), [(None, False), ("done", True)])
def test_status_204_says_that_there_is_nothing_more(way: str, until: str | None, is_failure: object) -> None:
    nothing = b"HTTP/1.1 204 No Content\r\n\r\n"
    with raw_server([events_of(event("1", "a"))], [nothing]) as server:
        received = receive(
            way, server.url, "events", reading={"reconnects": 9, "until": until, "sleep": lambda _: None}
        )
        assert len(server.requests) == 2

    assert [item.data for item in received.items] == ["1"]
    assert type(received.failure) is (StreamFailed if is_failure else type(None))


@every_way
def test_an_error_status_ends_the_asking(way: str) -> None:
    with raw_server([events_of(event("1", "a"))], [response(b"no", status="403 Forbidden")]) as server:
        received = receive(way, server.url, "events", reading={"reconnects": 9, "sleep": lambda _: None})
        assert len(server.requests) == 2

    assert isinstance(received.failure, ErrorStatus)


# --- what only the blocking response has -----------------------------------------------------------------------------


def test_a_response_that_is_closed_is_not_read() -> None:
    with raw_server([response(b"one")]) as server:
        with client.stream(server.url, timeout=TIMEOUT_S) as opened:
            pass
        with pytest.raises(StreamStateError, match="the response is closed"):
            next(opened)


def test_a_response_of_success_is_given_back() -> None:
    with raw_server([response(b"one")]) as server, client.stream(server.url, timeout=TIMEOUT_S) as opened:
        assert opened.raise_for_status() is opened
        assert opened.read() == b"one"
        assert opened.read() == b""
