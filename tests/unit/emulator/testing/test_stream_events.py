import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_stream_parser import EventSource
from lambda_streamify_emulator.testing.events import ServerSentEvent, parsed, records, server_sent_events


def test_events_are_read_with_all_their_fields() -> None:
    text = ': hi\n\nevent: token\nid: 7\nretry: 500\ndata: {"a":\ndata: 1}\n\ndata: x\n\n'

    first, second = server_sent_events(text)

    assert first == ServerSentEvent('{"a":\n1}', "token", "7", 500)
    assert first.json() == {"a": 1}
    assert second == ServerSentEvent("x", "message", "7", None)


PARTS = ["data", "event", "id", "retry", ":", " ", "\n", "\n\n", "\r\n", "\r", "a", "1", "\0", "data:a\n\n"]


@given(st.lists(st.sampled_from(PARTS)).map("".join))
def test_events_are_those_of_a_browser(text: str) -> None:
    expected = EventSource().read(text.encode()).messages

    assert [(event.event, event.data, event.id) for event in server_sent_events(text)] == [
        (message.type, message.data, message.last_event_id) for message in expected
    ]


def test_an_event_without_a_blank_line_after_it_is_ignored() -> None:
    assert server_sent_events("data: a\n\ndata: b\n") == [ServerSentEvent("a")]


def test_records_are_the_values_of_the_lines() -> None:
    assert records('{"a": 1}\n\n[2]\r\n"c"') == [{"a": 1}, [2], "c"]


def test_a_line_that_is_not_json_is_an_error_with_its_number() -> None:
    with pytest.raises(ValueError, match="line 2 of the body is not JSON: "):
        records("1\n{\n")


@pytest.mark.parametrize("kind", ["application/x-ndjson", "Application/JSONL; charset=utf-8"])
def test_the_content_type_says_what_the_records_are(kind: str) -> None:
    assert parsed(kind, "1\n2\n") == [1, 2]
    assert parsed("text/event-stream; charset=utf-8", "data: 1\n\n") == [ServerSentEvent("1")]


def test_for_another_content_type_the_error_names_the_functions_to_call() -> None:
    with pytest.raises(ValueError, match=r"the content type is 'text/html', .* call server_sent_events\(\) or records"):
        parsed("text/html", "")
