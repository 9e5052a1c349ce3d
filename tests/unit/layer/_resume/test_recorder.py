from collections.abc import Callable, Iterator
from typing import Any

import pytest

from held_store import HeldStore
from lambda_streamify._resume import recorder
from lambda_streamify._resume.recorder import BEGUN, TAKEN, UNKEPT, Recorder
from lambda_streamify.resume import ENDED, FAILED, LOST, RUNNING, MemoryStore, stop
from store_contract import EVENTS, found, read_all
from waiting import wait_until

GIVEN_UP = "the store of a resumable stream is given up, and the stream goes on"


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes one of the limits so short that a store which is held has exceeded it."""
    return lambda limit: monkeypatch.setattr(recorder, limit, 0.001)


@pytest.fixture
def record() -> Iterator[Callable[..., Recorder]]:
    """Begins a run. What is left of it ends with the test."""
    made: list[tuple[Any, Recorder]] = []

    def begin(store: MemoryStore, outcome: str = BEGUN) -> Recorder:
        writer = Recorder(store, "key")
        made.append((store, writer))
        assert writer.begin() == outcome
        return writer

    yield begin
    for store, writer in made:
        getattr(store, "release", int)()
        writer.close(FAILED)


def test_events_are_kept_in_order_and_the_run_ends_when_all_are(record: Callable[..., Recorder]) -> None:
    store = MemoryStore()
    writer = record(store)

    for event in EVENTS:
        assert writer.put(event)
    writer.close(ENDED)

    assert read_all(store, "key") == EVENTS
    assert found(store, "key").state == ENDED


def test_an_event_is_kept_while_the_run_goes_on(record: Callable[..., Recorder]) -> None:
    store = MemoryStore()
    writer = record(store)

    for number, event in enumerate(EVENTS, 1):
        writer.put(event)
        wait_until(lambda number=number: found(store, "key").last == number, "the event to be kept")  # type: ignore[misc]

    assert found(store, "key").state == RUNNING


def test_a_key_that_has_a_run_is_taken(record: Callable[..., Recorder]) -> None:
    store = MemoryStore()
    store.begin("key", "other")

    record(store, TAKEN)


def test_a_silent_writer_says_that_it_lives(record: Callable[..., Recorder], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "BEAT_S", 0.001)
    store = MemoryStore()
    record(store)

    wait_until(lambda: found(store, "key").beats > 3, "the fourth heartbeat")


def test_the_writer_learns_that_it_shall_stop_also_while_it_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "BEAT_S", 0.001)
    store, told = MemoryStore(), []
    writer = Recorder(store, "key", lambda: told.append(True))
    writer.begin()
    assert not writer.stop_requested

    assert stop(store, "key")

    wait_until(lambda: told, "the writer to be told")
    assert writer.stop_requested
    writer.close(ENDED)
    assert told == [True]


def test_a_store_that_does_not_answer_is_given_up_before_the_first_event(
    record: Callable[..., Recorder], hasty: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    hasty("BEGIN_LIMIT_S")
    store = HeldStore("begin")
    writer = record(store, UNKEPT)

    assert writer.put(EVENTS[0])
    store.release()
    writer.close(ENDED)

    assert [message.partition(":")[0] for message in caplog.messages] == [GIVEN_UP]
    wait_until(lambda: found(store, "key").state == LOST, "the run to be given up in the store too")


def test_a_store_that_fails_is_given_up_and_the_log_says_so_once(
    record: Callable[..., Recorder], caplog: pytest.LogCaptureFixture
) -> None:
    record(HeldStore(failing=("begin",)), UNKEPT)

    assert caplog.messages == [f"{GIVEN_UP}: ConnectionError: the store is down"]


def test_a_store_that_fails_later_loses_the_run_for_its_readers_only(
    record: Callable[..., Recorder], caplog: pytest.LogCaptureFixture
) -> None:
    store = HeldStore()
    writer = record(store)
    store.failing = {"append"}

    for event in EVENTS:
        assert writer.put(event)
    wait_until(lambda: not writer.is_kept, "the store to be given up")
    assert writer.put(EVENTS[0])
    writer.close(ENDED)

    assert found(store, "key").state == LOST
    assert caplog.messages == [f"{GIVEN_UP}: ConnectionError: the store is down"]


def test_events_wait_for_a_slow_store_up_to_a_limit_and_the_stream_then_waits_for_room(
    record: Callable[..., Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "QUEUE_LIMIT_BYTES", 3 * len(EVENTS[0]))
    monkeypatch.setattr(recorder, "QUEUE_WAIT_LIMIT_S", 60)
    store = HeldStore("append")
    writer = record(store)
    writer.put(EVENTS[0])
    store.waits.wait()

    assert [writer.put(event) for event in EVENTS[1:4]] == [True, True, False]
    store.release()
    writer.wait_for_room()

    writer.put(EVENTS[4])
    writer.close(ENDED)
    assert read_all(store, "key") == EVENTS


def test_a_stream_waits_for_a_slow_store_no_longer_than_the_limit(
    record: Callable[..., Recorder],
    hasty: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    hasty("QUEUE_WAIT_LIMIT_S")
    monkeypatch.setattr(recorder, "QUEUE_LIMIT_BYTES", 1)
    store = HeldStore("append")
    writer = record(store)

    assert not writer.put(EVENTS[0])
    writer.wait_for_room()

    assert not writer.is_kept
    assert "the stream has waited 0.001 seconds for it" in caplog.text
    assert writer.put(EVENTS[1])
    store.release()


def test_the_end_waits_for_a_slow_store_no_longer_than_the_limit(
    record: Callable[..., Recorder], hasty: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    hasty("END_LIMIT_S")
    store = HeldStore("end")
    writer = record(store)

    writer.close(ENDED)

    assert "it has not kept the end within 0.001 seconds" in caplog.text


def test_a_run_that_a_reader_has_taken_for_lost_is_given_up(
    record: Callable[..., Recorder], caplog: pytest.LogCaptureFixture
) -> None:
    store = MemoryStore()
    writer = record(store)
    store.end("key", writer.run_id, LOST)

    writer.put(EVENTS[0])

    wait_until(lambda: not writer.is_kept, "the store to be given up")
    assert "a reader has taken the run for lost" in caplog.text
