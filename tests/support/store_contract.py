"""What every store of runs does: the tests that each of them has to pass."""

import pytest

from lambda_streamify.resume import ENDED, LOST, RUNNING, STOPPED, Run, Store

EVENTS = [b"data: %d\n\n" % number for number in range(1, 6)]


def read_all(store: Store, key: str, after: int = 0) -> list[bytes]:
    """Return all events after this number, as a reader gets them."""
    run = found(store, key)
    events: list[bytes] = []
    while after + len(events) < run.last:
        some = store.read(key, run, after + len(events))
        assert some
        events += some
    return events


def found(store: Store, key: str) -> Run:
    """Return the run of a key that has one."""
    run = store.find(key)
    assert run is not None
    return run


class StoreContract:
    """The tests. A subclass has the fixture `store`, which is empty."""

    def test_one_writer_begins_a_run(self, store: Store) -> None:
        assert store.find("key") is None
        assert store.begin("key", "a")
        assert not store.begin("key", "b")
        assert store.begin("other", "c")
        assert store.find("key") == Run("a", RUNNING, 0, 0, stop_requested=False)

    def test_events_are_read_from_any_number_on_however_they_were_batched(self, store: Store) -> None:
        store.begin("key", "a")
        assert store.append("key", "a", 1, EVENTS[:1]) == Run("a", RUNNING, 1, 1, stop_requested=False)
        store.append("key", "a", 2, EVENTS[1:4])
        store.append("key", "a", 5, EVENTS[4:])

        assert [read_all(store, "key", after) for after in range(6)] == [EVENTS[after:] for after in range(6)]

    def test_a_reader_reads_no_further_than_the_run_that_it_has_found(self, store: Store) -> None:
        store.begin("key", "a")
        store.append("key", "a", 1, EVENTS[:2])
        before = found(store, "key")
        store.append("key", "a", 3, EVENTS[2:])

        assert list(store.read("key", before, 0)) == EVENTS[:2]

    def test_an_append_without_events_is_a_sign_of_life(self, store: Store) -> None:
        store.begin("key", "a")
        store.append("key", "a", 1, EVENTS[:2])

        assert store.append("key", "a", 3, []) == Run("a", RUNNING, 2, 2, stop_requested=False)

    def test_runs_do_not_mix(self, store: Store) -> None:
        store.begin("key", "a")
        store.begin("a", "key")
        store.append("key", "a", 1, EVENTS[:1])
        store.append("a", "key", 1, EVENTS[1:2])

        assert (read_all(store, "key"), read_all(store, "a")) == (EVENTS[:1], EVENTS[1:2])

    def test_a_run_that_is_over_takes_nothing_more(self, store: Store) -> None:
        store.begin("key", "a")
        store.append("key", "a", 1, EVENTS[:1])

        assert store.end("key", "a", ENDED)
        assert not store.end("key", "a", LOST)
        assert store.append("key", "a", 2, EVENTS[1:]) is None
        assert not store.request_stop("key")
        assert not store.begin("key", "b")
        assert store.find("key") == Run("a", ENDED, 1, 1, stop_requested=False)
        assert read_all(store, "key") == EVENTS[:1]

    def test_nobody_writes_to_the_run_of_another_one(self, store: Store) -> None:
        store.begin("key", "a")

        assert not store.end("key", "b", ENDED)
        assert store.end("nothing", "b", ENDED) is False

    def test_who_takes_a_run_for_lost_does_so_only_if_its_writer_has_not_moved(self, store: Store) -> None:
        store.begin("key", "a")
        store.append("key", "a", 1, [])

        assert not store.end("key", "a", LOST, beats=0)
        assert found(store, "key").state == RUNNING
        assert store.end("key", "a", LOST, beats=1)
        assert found(store, "key").state == LOST

    def test_the_writer_is_told_to_stop(self, store: Store) -> None:
        assert not store.request_stop("key")
        store.begin("key", "a")

        assert store.request_stop("key")
        told = store.append("key", "a", 1, EVENTS[:1])

        assert told is not None
        assert told.stop_requested
        assert store.end("key", "a", STOPPED)

    @pytest.mark.parametrize("key", ["a b", "é/#?'\"", "x" * 1024])
    def test_any_text_is_a_key(self, store: Store, key: str) -> None:
        assert store.begin(key, "a")
        store.append(key, "a", 1, EVENTS)
        assert read_all(store, key) == EVENTS
