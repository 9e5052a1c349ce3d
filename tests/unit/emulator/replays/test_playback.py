from collections.abc import Iterator

import pytest

from lambda_streamify_emulator.errors import EmulatorError
from lambda_streamify_emulator.recordings.recording import HIDDEN, Event, chunk_event
from lambda_streamify_emulator.replays.clocks import VirtualClock
from lambda_streamify_emulator.replays.playback import Outcome, at_their_times, without_hidden

END = Event(601_000_000, "x", {"reason": "end", "bytes": 6, "chunks": 2})
STREAM = [chunk_event(1_000_000, b"one"), chunk_event(600_000_000, b"two"), END]


def test_each_event_comes_at_its_time_since_the_first_next() -> None:
    clock = VirtualClock()
    events = at_their_times(STREAM, clock)
    clock.advance(100)

    assert [clock.now() for _ in events] == [101.0, 700.0, 701.0]


def test_a_late_event_does_not_delay_the_others() -> None:
    clock = VirtualClock()

    def times() -> Iterator[float]:
        for event in at_their_times(STREAM, clock):
            yield clock.now()
            if event is STREAM[0]:
                clock.advance(30)

    assert list(times()) == [1.0, 600.0, 601.0]


def outcome(*events: Event) -> EmulatorError | None:
    found = Outcome()
    for event in events:
        found.add(event)
    return found.failure


ERROR = Event(0, "e", {"type": "A", "message": ""})


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([Event(0, "x", {"reason": "timeout", "chunks": 1})], "Sandbox.Timedout: the function timed out"),
        ([Event(0, "x", {"reason": "error", "chunks": 1})], "Unknown: the recording does not say which error"),
        ([Event(0, "x", {"reason": "disconnect", "chunks": 1})], "the connection breaks after 1 chunk"),
        ([ERROR], "A"),
        ([ERROR, Event(0, "x", {"reason": "error", "chunks": 1})], "A"),
        ([ERROR, Event(0, "x", {"reason": "disconnect", "chunks": 1})], "the connection breaks after 1 chunk"),
    ],
)
def test_each_failed_stream_has_its_error(events: list[Event], message: str) -> None:
    assert str(outcome(*events)) == message


def test_a_complete_stream_has_no_failure() -> None:
    assert outcome(*STREAM, Event(0, "z", None)) is None


def test_hidden_values_are_omitted_and_named() -> None:
    head = {
        "status_code": 201,
        "headers": {"x-a": "b", "x-api-key": HIDDEN},
        "cookies": ["a=1", f"session={HIDDEN}"],
    }

    shown, names = without_hidden(head)

    assert shown == {"status_code": 201, "headers": {"x-a": "b"}, "cookies": ["a=1"]}
    assert names == ["x-api-key", "cookie session"]
