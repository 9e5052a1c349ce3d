"""When a stream of events is asked for again. What comes over the wire is in test_response.py."""

import pytest

from lambda_streamify.client._event_reading import EventReading
from lambda_streamify.errors import StreamCut, StreamFailed

HEADERS = {"content-type": "text/event-stream"}


def reading(*chunks: bytes, reconnects: int = 1) -> EventReading:
    begun = EventReading(None, reconnects)
    begun.begin(HEADERS)
    for chunk in chunks:
        list(begun.feed(chunk))
    return begun


def test_a_cut_is_followed_by_a_request_behind_the_last_event() -> None:
    begun = reading(b"id: 7\ndata: x\n\nid: 8\ndata: y\n")
    begun.cut(StreamCut("cut"))

    assert (begun.is_cut, begun.last_event_id, begun.delay_s) == (True, "7", 3.0)


def test_the_id_and_the_retry_outlive_the_connection() -> None:
    begun = reading(b"retry: 10\nid: 7\ndata: x\n\n", reconnects=2)
    begun.cut(StreamCut("cut"))
    begun.begin(HEADERS)
    begun.cut(StreamCut("cut"))

    assert (begun.last_event_id, begun.delay_s) == ("7", 0.01)


@pytest.mark.parametrize(
    "begun", [reading(reconnects=0), reading(b"data: x\n\n"), reading(b"id: 7\ndata: x\n\nid\ndata: y\n\n")]
)
def test_a_cut_is_raised_without_reconnects_or_behind_an_event_without_id(begun: EventReading) -> None:
    failure = StreamCut("cut")
    with pytest.raises(StreamCut) as caught:
        begun.cut(failure)

    assert caught.value is failure


def test_status_204_is_the_end_only_if_no_last_event_is_waited_for() -> None:
    EventReading(None, 0).nothing_more()
    with pytest.raises(StreamFailed, match="status 204, but the last event has not come"):
        EventReading("done", 0).nothing_more()


def test_what_follows_the_last_event_is_not_read() -> None:
    begun = EventReading("done", 0)
    begun.begin(HEADERS)

    assert [event.data for event in begun.feed(b"event: done\ndata: 1\n\nevent: error\ndata: 2\n\n")] == ["1"]
    assert begun.is_over
