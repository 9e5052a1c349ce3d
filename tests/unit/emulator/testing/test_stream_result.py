from pathlib import Path

import pytest

from lambda_streamify_emulator.recordings.recording import HIDDEN, Event
from lambda_streamify_emulator.recordings.recording_file import reading
from lambda_streamify_emulator.testing.assertions import StreamError
from lambda_streamify_emulator.testing.events import ServerSentEvent
from lambda_streamify_emulator.testing.result import StreamResult, Times, end_event

HEAD = Event(500_000, "h", {"status_code": 201, "headers": {"Content-Type": "text/event-stream"}, "cookies": ["a=b"]})


def make(*events: Event) -> StreamResult:
    return StreamResult("chat", list(events), "runtime")


def test_status_headers_cookies_and_body_are_those_of_the_events() -> None:
    result = make(HEAD, Event(600_000, "o", "data: "), Event(900_000, "b", "MQoK"), end_event(950_000, "end", [b"x"]))

    assert (result.status_code, result.cookies) == (201, ["a=b"])
    assert result.headers == {"content-type": "text/event-stream"}
    assert result.chunks == [b"data: ", b"1\n\n"]
    assert (result.body, result.text) == (b"data: 1\n\n", "data: 1\n\n")
    assert result.events == result.server_sent_events() == [ServerSentEvent("1")]
    assert result.error is None
    assert repr(result) == "<StreamResult 201, 2 chunks, 9 bytes>"


def test_times_are_seconds() -> None:
    chunks = [Event(at, "o", "a") for at in (600_000, 900_000, 1_000_000)]

    assert make(HEAD, *chunks, end_event(1_500_000, "end", [])).timeline == Times(0.5, [0.3, 0.1], 1.5)
    assert make(end_event(1_500_000, "end", [])).timeline == Times(None, [], 1.5)


def test_an_error_has_its_type_and_message() -> None:
    error = Event(1, "e", {"type": "Function.KeyError", "message": "'time'"})

    result = make(Event(0, "o", "a"), error, end_event(1, "error", [b"a"]))

    assert result.error == StreamError("Function.KeyError", "'time'")
    assert repr(result) == "<StreamResult 200, 1 chunk, 1 byte, Function.KeyError>"


def test_a_direct_invocation_has_no_head() -> None:
    result = make(Event(0, "o", "1\n"), end_event(1, "end", [b"1\n"]))

    assert (result.status_code, result.headers, result.cookies) == (200, {}, [])
    assert result.json() == 1
    assert result.records() == [1]
    with pytest.raises(ValueError, match="the content type is 'not known'"):
        _ = result.events


def test_a_saved_recording_can_be_read_and_hides_secrets(tmp_path: Path) -> None:
    result = make(HEAD, Event(600_000, "o", "data: "), end_event(600_000, "end", [b"data: "]))

    result.save(tmp_path / "hidden.ndjson")
    result.save(tmp_path / "all.ndjson", secrets=True)

    with reading(tmp_path / "all.ndjson") as reader:
        assert reader.header.layer == "client"
        assert reader.header.more["function"] == "chat"
        assert list(reader) == result.recording()
    with reading(tmp_path / "hidden.ndjson") as reader:
        assert next(iter(reader)).data["cookies"] == [f"a={HIDDEN}"]
