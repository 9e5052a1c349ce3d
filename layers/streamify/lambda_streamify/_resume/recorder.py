"""Keeps the events of a run in a store, in a thread beside the live stream.

The live stream waits for the store in three places, each for a bounded time: BEGIN_LIMIT_S before the first event,
QUEUE_WAIT_LIMIT_S in total while the queue is full, and END_LIMIT_S after the last event. If a store fails, or takes
longer, the log says so once and the live stream goes on. The run is then lost for its other readers.
"""

from collections import deque
from os import urandom
from threading import Condition, Thread
from time import monotonic

from .run import LOST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .store import Store

BEAT_S = 1.0  # at least so often the writer tells the store that it lives, and asks whether it shall stop
BEGIN_LIMIT_S = 3.0
QUEUE_LIMIT_BYTES = 1024 * 1024  # of events that wait for the store
QUEUE_WAIT_LIMIT_S = 1.0
END_LIMIT_S = 5.0

# What became of `begin`.
BEGUN = "begun"
TAKEN = "taken"  # the key has a run already
UNKEPT = "unkept"  # the store failed, so only its own client gets the run


class Recorder:
    """The writer's connection to the store.

    `stop_requested` is true when somebody has asked the run to stop. Then the thread calls `on_stop`, once.
    """

    def __init__(
        self,
        store: "Store",
        key: str,
        on_stop: "Callable[[], object]" = lambda: None,
        clock: "Callable[[], float]" = monotonic,
    ) -> None:
        self.run_id = urandom(6).hex()
        self.is_kept = True  # whether the store still takes events
        self.stop_requested = False
        self._store = store
        self._key = key
        self._on_stop = on_stop
        self._clock = clock
        self._changed = Condition()
        self._outcome: str | None = None
        # The live stream appends without a lock, since a lock for each event costs as much as the event. One thread
        # appends and one removes, and each has a counter of its own.
        self._queue: deque[bytes] = deque()
        self._put_bytes = 0
        self._taken_bytes = 0  # kept, or given up
        # Whether the thread waits for an event. It sets this before it looks into the queue; the event that wakes it
        # clears it, so that the events behind that one take no lock.
        self._is_idle = False
        self._kept = 0  # the number of the last event that is kept
        self._end: str | None = None  # the state to end in, once that is known
        self._wait_left = QUEUE_WAIT_LIMIT_S
        self._thread = Thread(target=self._run, name="streamify-resumable", daemon=True)

    # --- for the live stream -----------------------------------------------------------------------------------------

    def begin(self) -> str:
        """Try to create the run. Returns BEGUN, TAKEN or UNKEPT."""
        self._thread.start()
        with self._changed:
            if not self._changed.wait_for(lambda: self._outcome is not None, BEGIN_LIMIT_S):
                self._give_up(f"it has not answered within {BEGIN_LIMIT_S:g} seconds")
                self._outcome = UNKEPT
            assert self._outcome is not None  # noqa: S101 - for the type checker
            return self._outcome

    def put(self, event: bytes) -> bool:
        """Queue one event. Returns whether the queue has room for another; if not, call `wait_for_room`."""
        if not self.is_kept:
            return True
        self._queue.append(event)
        self._put_bytes += len(event)
        has_room = self._put_bytes - self._taken_bytes <= QUEUE_LIMIT_BYTES
        if self._is_idle or not has_room:
            with self._changed:
                self._is_idle = False
                self._changed.notify_all()
        return has_room

    def wait_for_room(self) -> None:
        """Wait until the queue has room, or the time for that is used up: the store then gets no more events."""
        with self._changed:
            began = self._clock()
            if not self._changed.wait_for(self._has_room, max(self._wait_left, 0)):
                self._give_up(f"the stream has waited {QUEUE_WAIT_LIMIT_S:g} seconds for it")
            self._wait_left -= self._clock() - began

    def close(self, state: str) -> None:
        """End the run in this state, and wait until all of its events are kept."""
        self.end_soon(state)
        self._thread.join(END_LIMIT_S)
        if self._thread.is_alive():
            with self._changed:
                self._give_up(f"it has not kept the end within {END_LIMIT_S:g} seconds")

    def end_soon(self, state: str) -> None:
        """Do the same as `close` without waiting."""
        with self._changed:
            self._end = state
            self._changed.notify_all()

    def _has_room(self) -> bool:
        return not self.is_kept or self._put_bytes - self._taken_bytes <= QUEUE_LIMIT_BYTES

    def _give_up(self, reason: str) -> None:
        """Log why the store gets no more events. The caller holds the lock."""
        if not self.is_kept:
            return
        from logging import getLogger

        self.is_kept = False
        self._queue.clear()
        self._changed.notify_all()
        warn = getLogger(__name__).warning
        warn(f"the store of a resumable stream is given up, and the stream goes on: {reason}")

    # --- the thread --------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            outcome = BEGUN if self._store.begin(self._key, self.run_id) else TAKEN
        except Exception as error:  # noqa: BLE001 - a store may raise anything
            outcome = UNKEPT
            with self._changed:
                self._give_up(f"{type(error).__name__}: {error}")
        with self._changed:
            if self._outcome is None:
                self._outcome = outcome
            self._changed.notify_all()
        if outcome != BEGUN:
            return
        try:
            while self.is_kept and self._keep_next():
                pass
        except Exception as error:  # noqa: BLE001 - as above
            with self._changed:
                self._give_up(f"{type(error).__name__}: {error}")
        if not self.is_kept:
            try:  # tell other readers now, so that they need not wait for the timeout
                self._store.end(self._key, self.run_id, LOST)
            except Exception:  # noqa: BLE001, S110 - they notice later
                pass

    def _keep_next(self) -> bool:
        """Keep a batch of events, or say that the writer lives. Returns False after the end of the run."""
        with self._changed:
            self._wait_for_batch()
            end = self._end  # before the events: none follows the end
            events = [self._queue.popleft() for _ in range(len(self._queue))]
        if end is not None and not events:
            self._store.end(self._key, self.run_id, end)
            return False
        run = self._store.append(self._key, self.run_id, self._kept + 1, events)
        with self._changed:
            self._kept += len(events)
            self._taken_bytes += sum(map(len, events))
            self._changed.notify_all()
            if run is None and self.is_kept:
                self._give_up("a reader has taken the run for lost, or it is no longer kept")
                return False
        if run is not None and run.stop_requested and not self.stop_requested:
            self.stop_requested = True
            self._on_stop()
        return True

    def _wait_for_batch(self) -> None:
        """Wait for an event, then for those that follow soon; for BEAT_S at most, and not at all at the end."""
        due = self._clock() + BEAT_S
        self._is_idle = True
        while not (self._queue or self._end or not self.is_kept) and (left := due - self._clock()) > 0:
            self._changed.wait(left)
        self._is_idle = False
        if self._queue and self._store.batch_seconds:
            due = self._clock() + self._store.batch_seconds
            while not (self._end or not self._has_room()) and self.is_kept and (left := due - self._clock()) > 0:
                self._changed.wait(left)
