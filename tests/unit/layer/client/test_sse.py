"""Server-sent events out of bytes, as the WHATWG's standard reads them, however the bytes are split."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify import sse
from lambda_streamify.client import ServerSentEvent
from lambda_streamify.client._sse import EventParser


def parsed(*pieces: bytes) -> list[ServerSentEvent]:
    parser = EventParser()
    events = [event for piece in pieces for event in parser.feed(piece)]
    return events + parser.end()


# The examples of the standard, section 9.2.6, and what its steps say beyond them.
@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", [ServerSentEvent("YHOO\n+2\n10")]),
        (
            b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
            [ServerSentEvent("first event", id="1"), ServerSentEvent("second event"), ServerSentEvent(" third event")],
        ),
        (b"data\n\ndata\ndata\n\ndata:", [ServerSentEvent(""), ServerSentEvent("\n")]),
        (b"data:test\n\ndata: test\n\n", [ServerSentEvent("test"), ServerSentEvent("test")]),
        (b"event: add\ndata: 7\n\ndata: 8\n\n", [ServerSentEvent("7", "add"), ServerSentEvent("8")]),
        (b"event: add\n\ndata: 8\n\n", [ServerSentEvent("8")]),
        (b"id: 1\n\ndata: x\n\n", [ServerSentEvent("x", id="1")]),
        (b"id: 1\ndata: x\n\nid: a\0b\ndata: y\n\n", [ServerSentEvent("x", id="1"), ServerSentEvent("y", id="1")]),
        (b"unknown: 1\ndata: x\nData: y\n\n", [ServerSentEvent("x")]),
        (b"data: x\rdata: y\r\ndata: z\n\r\n", [ServerSentEvent("x\ny\nz")]),
        (b"data: a\r\rdata: b\r\n\r\n", [ServerSentEvent("a"), ServerSentEvent("b")]),
        (b"\xef\xbb\xbfdata: x\n\n", [ServerSentEvent("x")]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: x\n\ndata: y\n\n", [ServerSentEvent("y")]),
        (b"data: \xff\n\n", [ServerSentEvent("\N{REPLACEMENT CHARACTER}")]),
        ("data: ž\n\n".encode(), [ServerSentEvent("ž")]),
        (b"data: x\n", []),
        (b"", []),
    ],
)
def test_a_stream_is_read_as_the_standard_says_whole_and_byte_by_byte(
    stream: bytes, expected: list[ServerSentEvent]
) -> None:
    assert parsed(stream) == expected
    assert parsed(*(stream[index : index + 1] for index in range(len(stream)))) == expected
    for cut in range(len(stream)):
        assert parsed(stream[:cut], stream[cut:]) == expected


@pytest.mark.parametrize("end", [b"\n\n", b"\r\r", b"\r\n\r\n", b"\r\n\r"])
def test_an_event_is_given_as_soon_as_its_empty_line_is_there(end: bytes) -> None:
    assert EventParser().feed(b"data: x" + end) == [ServerSentEvent("x")]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"3000", 3000),
        (b" 0", 0),
        (b"1.5", None),
        (b"-1", None),
        (b"", None),
        (b"9" * 5000, None),
        ("٣".encode(), None),
    ],
)
def test_retry_is_a_whole_number_of_milliseconds_or_ignored(value: bytes, expected: int | None) -> None:
    parser = EventParser()
    parser.feed(b"retry:" + value + b"\n")

    assert parser.retry_ms == expected


def test_the_id_of_an_event_that_is_incomplete_does_not_count() -> None:
    parser = EventParser("0")
    assert parser.last_event_id == "0"
    parser.feed(b"id: 1\ndata: x\n\nid: 2\ndata: y\n")

    assert parser.last_event_id == "1"
    assert parser.rest == b"id: 2\ndata: y\n"


def test_what_is_incomplete_is_kept_byte_for_byte() -> None:
    parser = EventParser()
    parser.feed(b"data: x\n\n: comment\ndata: \xc5")

    assert parser.rest == b": comment\ndata: \xc5"


def test_an_event_knows_its_json_and_how_to_print_itself() -> None:
    event = ServerSentEvent('{"token": "Once "}', "token", "7")

    assert event.json() == {"token": "Once "}
    assert repr(event) == """ServerSentEvent('{"token": "Once "}', event='token', id='7')"""
    assert event != ServerSentEvent("")
    assert len({event, ServerSentEvent('{"token": "Once "}', "token", "7")}) == 1


line = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\r\n\0"))


@given(
    st.lists(st.tuples(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\r\0")), line)),
    st.data(),
)
def test_what_sse_writes_comes_back_however_it_is_split(written: list[tuple[str, str]], data: st.DataObject) -> None:
    stream = b"".join(sse.Event(text, event=kind).encode() for text, kind in written)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    assert parsed(*pieces) == [ServerSentEvent(text, kind or "message") for text, kind in written]


@given(st.binary())
def test_no_bytes_are_an_error(stream: bytes) -> None:
    assert parsed(stream) == parsed(*(stream[index : index + 1] for index in range(len(stream))))
