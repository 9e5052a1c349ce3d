import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify._bodies.records import CHUNKS, EVENTS, LINES, Format, Position, format_of


@pytest.mark.parametrize("content_type", ["text/event-stream", "Text/Event-Stream; charset=utf-8"])
def test_the_content_type_identifies_event_streams(content_type: str) -> None:
    assert format_of(content_type) is EVENTS


@pytest.mark.parametrize(
    "content_type", ["application/x-ndjson", "application/NDJSON; charset=utf-8", "application/jsonl"]
)
def test_the_content_type_identifies_lines_of_json(content_type: str) -> None:
    assert format_of(content_type) is LINES


@pytest.mark.parametrize("content_type", [None, 5, "", "text/plain", "application/json", "text/event-stream-not"])
def test_other_content_types_are_unknown(content_type: object) -> None:
    assert format_of(content_type) is None


def is_between(kind: Format, *chunks: str | bytes | bytearray | memoryview) -> bool:
    position = Position(kind)
    for chunk in chunks:
        position.move(chunk)
    return position.is_between_records


@pytest.mark.parametrize("stream", ["", "data: 1\n\n", "data: 1\r\n\r\n", "data: 1\r\r", "\n", "\r\n", "data: 1\r\n\n"])
def test_a_blank_line_ends_an_event_in_any_line_ending(stream: str) -> None:
    assert is_between(EVENTS, stream)
    assert is_between(EVENTS, *stream)
    assert is_between(EVENTS, *(bytearray(c, "ascii") for c in stream), b"")


@pytest.mark.parametrize("stream", ["d", "data: 1\n", "data: 1\r\n", "data: 1\r", "data: 1\n\nid: 2", ":\n", "é\n"])
def test_an_event_without_a_blank_line_stays_open(stream: str) -> None:
    assert not is_between(EVENTS, stream)
    assert not is_between(EVENTS, *stream)


def test_a_line_ending_that_may_be_incomplete_ends_no_record() -> None:
    assert not is_between(EVENTS, "data: 1\r\n\r")
    assert is_between(EVENTS, "data: 1\r\n\r", "\n")


def test_a_line_feed_ends_a_line_of_json() -> None:
    assert is_between(LINES)
    assert is_between(LINES, "{}\n")
    assert is_between(LINES, "{}", b"\n")
    assert not is_between(LINES, "{}\n", "{")


def test_in_an_unknown_format_each_chunk_is_a_record() -> None:
    assert is_between(CHUNKS)
    assert is_between(CHUNKS, "anything")


def test_after_a_partly_written_chunk_the_position_is_unknown_until_the_next_end() -> None:
    position = Position(EVENTS)
    position.lose()
    assert not position.is_between_records
    position.move("\n")
    assert not position.is_between_records
    position.move("data: 1\n\n")
    assert position.is_between_records


def test_buffers_with_larger_elements_are_read_as_bytes() -> None:
    assert is_between(LINES, memoryview(b"{}\n\n").cast("H"))


@given(st.lists(st.text(alphabet="a:\r\n", max_size=4)))
def test_the_ends_of_records_do_not_depend_on_the_split_into_chunks(chunks: list[str]) -> None:
    whole = "".join(chunks)
    ends = re.search(r"(^|[\r\n])(\r\n|\n|\r)\Z", whole) or whole == ""  # a blank line, or an empty stream
    half = re.search(r"(^|\n)\r\Z", whole)

    assert is_between(EVENTS, *chunks) == is_between(EVENTS, whole)
    if not half and not re.search(r"[^\r\n]\r\n\Z", whole):  # CR LF is one line ending
        assert is_between(EVENTS, whole) == bool(ends)


def test_is_whole_is_true_only_at_the_end_of_a_record() -> None:
    assert EVENTS.is_whole("event: ping\ndata:\n\n")
    assert not EVENTS.is_whole(b": ping\n")
    assert LINES.is_whole(b"{}\n")
    assert not LINES.is_whole("{}")
