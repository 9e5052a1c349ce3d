"""What `resumable` adds to the way of an event to the writer's own client, counted and not timed.

The limits stand for the share of a core that the live stream may give up, 5 %: benchmarks/resumable.py measures about
2.5 µs for these calls with Python 3.11, so that share is reached at 20,000 events a second. A model sends about 100.
"""

import asyncio
import gc
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from threading import current_thread
from typing import Any

from held_store import HeldStore
from lambda_streamify import resumable, sse
from lambda_streamify.resume import MemoryStore
from waiting import TIMEOUT_S

EVENTS = 200
# For each event, beside those of `sse.events`. The async form also asks for its task and that task's cancellations.
CALLS, ASYNC_CALLS = 12, 18
# What C functions these may be: none takes a lock, and none reads or writes.
CHEAP = {
    "find",
    "startswith",
    "len",
    "append",
    "next",
    "anext",
    "current_task",
    "get_running_loop",
    "get",
    "cancelling",
}


class Calls:
    """Counts the calls of this thread: of Python functions, and of C functions by name."""

    def __init__(self) -> None:
        self.python = 0
        self.c: Counter[str] = Counter()

    def __enter__(self) -> "Calls":
        gc.disable()  # a collection runs other code, such as finalizers and the callbacks of Hypothesis
        sys.setprofile(self._count)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        gc.enable()

    def _count(self, _frame: object, event: str, function: Any) -> None:
        if event == "call":
            self.python += 1
        elif event == "c_call":
            self.c[function.__name__] += 1


def tokens() -> Iterator[dict[str, str]]:
    for _ in range(EVENTS + 2):
        yield {"token": " word"}


async def async_tokens() -> AsyncIterator[dict[str, str]]:
    for token in tokens():
        yield token


def counted(body: Any, store: HeldStore | None = None) -> Calls:
    """Return the calls of EVENTS events, while the store's thread stands still."""
    calls = Calls()
    next(body)
    if store is not None:
        assert store.waits.wait(TIMEOUT_S)
    next(body)
    with calls:
        for _ in range(EVENTS):
            next(body)
    if store is not None:
        store.release()
    body.close()
    return calls


async def counted_async(body: Any, store: HeldStore | None = None) -> Calls:
    calls = Calls()
    await anext(body)
    if store is not None:
        assert store.waits.wait(TIMEOUT_S)
    await anext(body)
    with calls:
        for _ in range(EVENTS):
            await anext(body)
    if store is not None:
        store.release()
    await body.aclose()
    return calls


def assert_cheap(kept: Calls, plain: Calls, limit: int) -> None:
    more = kept.c - plain.c
    assert 0 < kept.python - plain.python + sum(more.values()) <= limit * EVENTS
    assert {"append", "find"} <= set(more)
    assert set(more) - CHEAP == set()


def test_an_event_costs_a_few_calls_and_no_lock_and_no_input_or_output() -> None:
    store = HeldStore("append")
    kept = counted(resumable(sse.events(tokens()), store, key="k", after=""), store)

    assert_cheap(kept, counted(sse.events(tokens())), CALLS)


def test_an_event_of_an_async_body_costs_little_more() -> None:
    store = HeldStore("append")
    kept = asyncio.run(counted_async(resumable(sse.events(async_tokens()), store, key="k", after=""), store))

    assert_cheap(kept, asyncio.run(counted_async(sse.events(async_tokens()))), ASYNC_CALLS)


def test_the_events_of_a_batch_take_one_lock_to_wake_the_stores_thread() -> None:
    store = MemoryStore()
    store.batch_seconds = 3600.0
    body = resumable(sse.events(tokens()), store, key="k", after="")
    next(body)

    with Calls() as calls:
        for _ in range(EVENTS):
            next(body)

    body.close()
    assert calls.c["__enter__"] <= 1


class NotingStore(MemoryStore):
    """Notes in which threads its methods are called."""

    def __init__(self) -> None:
        super().__init__()
        self._threads: dict[str, set[str]] = {}

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_"):
            self._threads.setdefault(name, set()).add(current_thread().name)
        return super().__getattribute__(name)


def assert_all_beside_the_stream(store: NotingStore) -> None:
    threads = store._threads  # noqa: SLF001 - a name that the store does not note
    assert {"begin", "append", "end"} <= set(threads)
    assert set().union(*threads.values()) == {"streamify-resumable"}


def test_every_call_of_the_store_is_made_beside_the_stream() -> None:
    store = NotingStore()

    assert len(list(resumable(sse.events(tokens()), store, key="k", after=""))) == EVENTS + 2

    assert_all_beside_the_stream(store)


def test_every_call_of_the_store_is_made_beside_the_event_loop() -> None:
    store = NotingStore()

    async def read() -> int:
        return len([event async for event in resumable(sse.events(async_tokens()), store, key="k", after="")])

    assert asyncio.run(read()) == EVENTS + 2
    assert_all_beside_the_stream(store)
