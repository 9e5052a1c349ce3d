from collections.abc import Generator
from typing import Any

import pytest

from lambda_streamify._resume.following import WAITING, Call, Sleep, follow, open_for_reading
from lambda_streamify.errors import BadRequest, RunFailed
from lambda_streamify.resume import ENDED, FAILED, LOST, STOPPED, MemoryStore
from store_contract import EVENTS, found

LOST_EVENT = b"event: error\ndata: gone\n\n"


class Reader:
    """Runs steps by hand. `now` is the reader's clock, which only its own waits move."""

    def __init__(self, store: MemoryStore, position: int = 0, *, lost: bytes | None = LOST_EVENT) -> None:
        self.now = 0.0
        run = found(store, "key")
        self._steps = follow(store, "key", run, position, writer_timeout=10, lost=lost, clock=lambda: self.now)
        self._result: Any = None

    def read(self) -> list[bytes]:
        """Return what is sent until the reader waits, or to its end."""
        sent: list[bytes] = []
        try:
            while True:
                step = self._steps.send(self._result)
                self._result = None
                if isinstance(step, Call):
                    self._result = step.function(*step.arguments)
                elif isinstance(step, Sleep):
                    self.now += step.seconds
                    return sent
                elif step != WAITING:
                    sent.append(step)
        except StopIteration:
            return [*sent, b"end"]


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    store.begin("key", "run")
    return store


def keep(store: MemoryStore, first: int, last: int) -> None:
    store.append("key", "run", first, EVENTS[first - 1 : last])


def sent(*numbers: int) -> list[bytes]:
    return [b"id: run-%d\ndata: %d\n\n" % (number, number) for number in numbers]


def test_a_reader_gets_what_it_missed_then_what_comes_then_the_end(store: MemoryStore) -> None:
    keep(store, 1, 3)
    reader = Reader(store, 1)

    assert reader.read() == sent(2, 3)
    assert reader.read() == []
    keep(store, 4, 4)
    assert reader.read() == sent(4)
    keep(store, 5, 5)
    store.end("key", "run", ENDED)
    assert reader.read() == [*sent(5), b"end"]


def test_a_reader_that_has_to_wait_sends_a_comment_at_once(store: MemoryStore) -> None:
    keep(store, 1, 1)
    waiting, missing = (
        follow(store, "key", found(store, "key"), position, writer_timeout=10, lost=None, clock=float)
        for position in (1, 0)
    )

    assert next(waiting) == b": waiting\n\n"
    assert isinstance(next(missing), Call)


def test_two_readers_each_get_everything(store: MemoryStore) -> None:
    first, second = Reader(store), Reader(store)
    keep(store, 1, 1)
    assert first.read() == []
    assert first.read() == sent(1)
    keep(store, 2, 2)
    store.end("key", "run", ENDED)

    assert first.read() == [*sent(2), b"end"]
    assert second.read() == []
    assert second.read() == [*sent(1, 2), b"end"]


def test_a_reader_ahead_of_what_is_kept_waits_for_the_event_after_its_own(store: MemoryStore) -> None:
    keep(store, 1, 1)
    reader = Reader(store, 3)  # its client got events 2 and 3 live

    assert reader.read() == []
    keep(store, 2, 3)
    assert reader.read() == []
    keep(store, 4, 4)
    assert reader.read() == sent(4)


def test_a_run_that_was_stopped_ends_for_its_readers_too(store: MemoryStore) -> None:
    store.end("key", "run", STOPPED)

    assert Reader(store).read() == [b"end"]


def test_a_run_that_failed_fails_for_its_readers_too(store: MemoryStore) -> None:
    keep(store, 1, 1)
    reader = Reader(store)
    assert reader.read() == sent(1)
    store.end("key", "run", FAILED)

    with pytest.raises(RunFailed, match="has failed: the log of the request that began it says why"):
        reader.read()


def test_a_writer_that_gives_no_sign_for_the_writer_timeout_is_taken_for_lost(store: MemoryStore) -> None:
    keep(store, 1, 1)
    reader = Reader(store)
    assert reader.read() == sent(1)
    while reader.now < 9.99:
        assert reader.read() == []
    assert found(store, "key").state != LOST

    assert reader.read() == []
    with pytest.raises(RunFailed, match="was cut off"):
        reader.read()

    assert found(store, "key").state == LOST
    assert reader.now == pytest.approx(10)


def test_the_reader_of_a_lost_run_is_told_under_an_id_that_it_is_not_told_again(store: MemoryStore) -> None:
    keep(store, 1, 1)
    store.end("key", "run", LOST)
    steps = follow(store, "key", found(store, "key"), 1, writer_timeout=10, lost=LOST_EVENT, clock=float)

    assert next(steps) == b"id: run-lost\n" + LOST_EVENT
    with pytest.raises(RunFailed, match="was cut off"):
        next(steps)
    assert complete(open_for_reading(store, "key", "run-lost")) is None


def test_a_sign_of_the_writer_starts_the_timeout_again(store: MemoryStore) -> None:
    reader = Reader(store)
    while reader.now < 30:
        store.append("key", "run", 1, [])
        assert reader.read() == []


def test_a_writer_that_comes_back_in_the_last_moment_is_not_lost(store: MemoryStore) -> None:
    reader = Reader(store)
    while reader.now < 9.995:
        assert reader.read() == []
    store.append("key", "run", 1, EVENTS[:1])  # before the reader writes, which it does on condition

    assert reader.read() == sent(1)


def test_a_run_that_expires_is_lost(store: MemoryStore) -> None:
    reader = Reader(store, lost=None)
    assert reader.read() == []
    store._runs.clear()  # noqa: SLF001 - as a TTL does

    with pytest.raises(RunFailed, match="was cut off"):
        reader.read()


def test_a_run_whose_events_are_gone_is_lost_and_not_asked_for_for_ever(store: MemoryStore) -> None:
    keep(store, 1, 3)
    store.end("key", "run", ENDED)
    store._events["run"].clear()  # noqa: SLF001 - as a TTL does, which deletes items one by one
    steps = follow(store, "key", found(store, "key"), 1, writer_timeout=10, lost=LOST_EVENT, clock=float)

    asked = next(steps)
    assert isinstance(asked, Call)
    assert steps.send(asked.function(*asked.arguments)) == b"id: run-lost\n" + LOST_EVENT
    with pytest.raises(RunFailed, match="was cut off"):
        next(steps)


# --- which run -------------------------------------------------------------------------------------------------------


def complete(steps: Generator[Any, Any, Any]) -> Any:
    try:
        step = next(steps)
        while True:
            step = steps.send(step.function(*step.arguments))
    except StopIteration as end:
        return end.value


def test_a_reader_begins_after_the_id_that_it_names_or_at_the_beginning(store: MemoryStore) -> None:
    keep(store, 1, 3)

    assert complete(open_for_reading(store, "key", None))[1] == 0
    assert complete(open_for_reading(store, "key", "run-2"))[1] == 2


@pytest.mark.parametrize("state", [ENDED, STOPPED, FAILED])
def test_there_is_nothing_to_send_to_who_has_all_of_a_run_that_is_over(store: MemoryStore, state: str) -> None:
    keep(store, 1, 3)
    store.end("key", "run", state)

    assert complete(open_for_reading(store, "key", "run-3")) is None
    assert complete(open_for_reading(store, "key", "run-2"))[1] == 2


def test_there_is_nothing_to_send_where_no_run_is(store: MemoryStore) -> None:
    assert complete(open_for_reading(store, "other", None)) is None
    with pytest.raises(BadRequest, match="is no longer kept; begin anew without an id"):
        complete(open_for_reading(store, "other", "run-3"))


def test_a_run_that_failed_before_its_first_event_fails_for_who_asks_again(store: MemoryStore) -> None:
    store.end("key", "run", FAILED)

    with pytest.raises(RunFailed, match="has failed"):
        complete(open_for_reading(store, "key", None))
