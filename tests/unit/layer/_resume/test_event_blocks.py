from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_stream_parser import EventSource
from lambda_streamify._resume.event_blocks import EventSplitter, split_events, with_id
from lambda_streamify.errors import ResponseError


def split(*chunks: bytes) -> list[bytes]:
    splitter = EventSplitter()
    return [event for chunk in chunks for event in splitter.split(chunk)]


@pytest.mark.parametrize(
    ("chunks", "events"),
    [
        ([b"data: 1\n\n"], [b"data: 1\n\n"]),
        ([b"data: 1\n\ndata: 2\n\n"], [b"data: 1\n\n", b"data: 2\n\n"]),
        ([b"data: 1", b"\n", b"\nda", b"ta: 2\n\n"], [b"data: 1\n\n", b"data: 2\n\n"]),
        ([b"data: 1\r\n\r\n", b"data: 2\r\r"], [b"data: 1\n\n", b"data: 2\n\n"]),
        ([b"data: 1\r", b"\n\r", b"\ndata: 2\r\n\r", b"", b"\n"], [b"data: 1\n\n", b"data: 2\n\n"]),
        ([b"\n\n\ndata: 1\n\n\n\n"], [b"data: 1\n\n"]),
        ([b": comment\n\n", b"data: the rest is no event"], [b": comment\n\n"]),
        ([bytearray(b"data: 1\r\n\r\n"), memoryview(b"data: 2\n\n")], [b"data: 1\n\n", b"data: 2\n\n"]),
        ([b"\n\n", b"\n", b"data: 1\n\n"], [b"data: 1\n\n"]),
        ([b"\ndata: 1\n\n"], [b"data: 1\n\n"]),
        ([b"data: id: 3\n\n"], [b"data: id: 3\n\n"]),
    ],
)
def test_chunks_are_cut_into_whole_events(chunks: list[bytes], events: list[bytes]) -> None:
    assert split(*chunks) == events


STREAM = st.lists(st.sampled_from([b"data: 1", b"event: e", b": c", b"\n", b"\r", b"\r\n", b"\n\n"])).map(b"".join)


@given(STREAM, st.lists(st.integers(0, 40)))
def test_a_browser_gets_the_same_events_however_the_chunks_were_cut(stream: bytes, cuts: list[int]) -> None:
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    chunks = [stream[start:end] for start, end in pairwise(edges)]

    events = split(*chunks)

    assert EventSource().read(b"".join(events)).messages == EventSource().read(stream).messages
    assert split_events(b"".join(events)) == events


@given(STREAM | st.sampled_from([b"data: 1\n\n", b"data: id: 3\n\n"]))
def test_what_is_one_event_would_not_be_split(chunk: bytes) -> None:
    is_one_event = EventSplitter().is_one_event(chunk)

    assert not is_one_event or split(chunk) == [chunk]


def test_a_chunk_is_not_one_event_inside_another_or_with_an_id() -> None:
    splitter = EventSplitter()
    assert splitter.is_one_event(b"data: 1\n\n")
    view: Any = memoryview(b"data: 1\n\n")  # of what its source may change
    assert not splitter.is_one_event(view)
    assert not splitter.is_one_event(b"id: 1\ndata: 1\n\n")
    assert not splitter.is_one_event(b"data: 1\nid: 1\n\n")
    splitter.split(b"data: 1\n")
    assert not splitter.is_one_event(b"data: 1\n\n")


@pytest.mark.parametrize(
    "event",
    [b"id: 3\ndata: 1\n\n", b"data: 1\nid:3\n\n", b"event: a\rid: 3\rdata: 1\r\r", b"id\n\n", b"data: 1\nid\n\n"],
)
def test_an_event_with_an_id_of_its_own_is_refused(event: bytes) -> None:
    with pytest.raises(ResponseError, match="an event has an id of its own; leave `id` and `ids` out"):
        split(event)


def test_an_id_is_a_line_before_the_others() -> None:
    assert with_id(b"data: 1\n\n", "run-1") == b"id: run-1\ndata: 1\n\n"
