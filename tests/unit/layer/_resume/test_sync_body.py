"""The sync form alone; test_resumable.py tests both."""

from collections.abc import Iterator
from threading import Event, Thread, active_count

from lambda_streamify import resumable, sse
from lambda_streamify.resume import ENDED, RUNNING, MemoryStore
from store_contract import found
from waiting import TIMEOUT_S, wait_until


def test_a_reader_follows_a_run_that_goes_on_and_outlives_the_one_that_began_it() -> None:
    store, going_on = MemoryStore(), Event()
    seen: list[object] = []

    def source() -> Iterator[str]:
        yield "1"
        assert going_on.wait(TIMEOUT_S)
        yield "2"

    writer = resumable(sse.events(source()), store, key="k", after="")
    first = next(writer)
    wait_until(lambda: found(store, "k").last == 1, "the event to be kept")
    reader = resumable(None, store, key="k", after="")
    assert next(reader) == first
    assert found(store, "k").state == RUNNING

    follower = Thread(target=lambda: seen.extend(reader))
    follower.start()
    going_on.set()
    rest = list(writer)
    follower.join(TIMEOUT_S)

    assert seen == rest
    assert found(store, "k").state == ENDED


def test_a_run_leaves_no_thread_over_nor_does_a_body_that_nobody_iterates() -> None:
    before, closed = active_count(), []

    class Source:
        def __iter__(self) -> Iterator[str]:
            return iter(["data: 1\n\n"])

        def close(self) -> None:
            closed.append(True)

    list(resumable(Source(), MemoryStore(), key="k", after=""))
    resumable(Source(), MemoryStore(), key="k", after="").close()

    wait_until(lambda: active_count() <= before, "the threads to end")
    assert len(closed) >= 2
