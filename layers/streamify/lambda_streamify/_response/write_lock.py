"""The lock of a response, held during each write and during its end.

A thread holds the lock while its chunk is sent. A task holds it also while it waits for a slow client, so code that
waits for the lock must let the task's event loop run. A task whose event loop has stopped would hold the lock for ever:
waiting code then gets an error, and the thread that owns the lock revokes it from the task.
"""

from _thread import allocate_lock, get_ident, start_new_thread
from itertools import repeat

from .._core.iteration import in_event_loop
from ..errors import StreamStateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future, Task
    from collections.abc import Callable, Coroutine
    from typing import Any, Protocol, TypeVar

    A = TypeVar("A")
    B = TypeVar("B")
    R = TypeVar("R")

    class LoopRunner(Protocol):
        """The task that an asynchronous invocation runs in."""

        def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
            """Run the event loop until `coroutine` ends, and return its result."""

        def runs_in(self, loop: AbstractEventLoop) -> bool:
            """Return whether this is a task of `loop`."""


# A waiting thread checks this often whether the event loop of the task that holds the lock has stopped.
_STOPPED_LOOP_CHECK_INTERVAL_S = 0.1


class WriteLock:
    """A context manager for threads and an asynchronous one for tasks. The thread that creates it owns it.

    `task` is the task of an asynchronous invocation, else None.
    """

    def __init__(self) -> None:
        self._lock = allocate_lock()
        # Each item is the result of one attempt to acquire the lock without waiting. It must not come from a call,
        # since a signal handler could lose the result (see `outgoing`).
        self._attempts = map(self._lock.acquire, repeat(False))  # noqa: FBT003 - the `blocking` of a lock
        self._owner = get_ident()
        self._holder = 0  # the id of the thread that holds the lock; 0 if a task holds it
        self._loops: list[AbstractEventLoop] = []  # of the tasks that hold the lock or wait for it
        self._loop: AbstractEventLoop | None = None  # of the task that holds it
        self._holding_task: Task[Any] | None = None
        self._is_passed_on = True  # whether the task knows that a thread has acquired the lock for it
        self._is_revoked = False  # from a task; from then on no task gets the lock
        self._is_ending = False
        self.task: LoopRunner | None = None

    @property
    def would_deadlock(self) -> bool:
        """Whether the event loop that runs in this thread has a task that holds the lock or waits for it."""
        if not self._loops or not in_event_loop():
            return False
        from asyncio import get_running_loop

        return get_running_loop() in self._loops

    def call_nowait(self, function: "Callable[[A, B], R]", first: "A", second: "B") -> "R | None":
        """Hold the lock while `function` is called, and return the result. If the lock is held already, return None.

        This is the fast way for code that neither waits nor suspends: no signal handler can keep it from releasing the
        lock.
        """
        thread = get_ident()
        for taken in self._attempts:
            if taken:
                break
            return None
        self._holder = thread
        try:
            return function(first, second)
        finally:
            self._holder = 0
            self._lock.release()

    def __enter__(self) -> None:
        thread = get_ident()
        for taken in self._attempts:
            if taken:
                self._holder = thread
                return
            break
        if self._holder == thread:
            raise StreamStateError(
                "this thread is already writing to the response, and would wait for itself: in a signal handler, only"
                " note what to write"
            )
        if self.would_deadlock:
            raise StreamStateError(
                "a task is writing to the response, and could not continue while this call waits for it: use"
                " `await writer.awrite(...)`, and await the tasks that write before you close the writer"
            )
        if self.task is None or thread != self._owner or in_event_loop() or self._is_holder_stopped():
            self._acquire()
        else:
            try:
                # A task of this event loop may hold the lock, and the loop does not run now.
                self.task.run(self._acquire_async())
            except StreamStateError:
                self._acquire()
        self._holder, self._loop, self._holding_task = thread, None, None

    def reclaim(self) -> None:
        """Make sure that this thread, which is about to end the response, can acquire the lock.

        Release the lock if this thread still holds it, because a signal handler raised before the release. From now on,
        revoking the lock from a task that cannot continue is no error, since the response is ending anyway.
        """
        self._is_ending = True
        if self._holder == get_ident():
            self.__exit__()

    def __exit__(self, *_: object) -> None:
        self._holder = 0
        self._lock.release()

    async def __aenter__(self) -> None:
        from asyncio import current_task, get_running_loop

        loop, task, loops = get_running_loop(), current_task(), self._loops
        if task is not None and self._holding_task is task:
            self._release()  # a signal handler raised before this task released it
        loops.append(loop)
        try:
            for taken in self._attempts:
                if taken:
                    self._loop, self._holding_task = loop, task
                else:
                    await self._acquire_async()
                break
            self._check_revoked()
        except BaseException:
            loops.remove(loop)
            raise

    async def __aexit__(self, *_: object) -> None:
        if self._loop is not None:  # otherwise the lock was revoked from this task
            self._loops.remove(self._loop)  # not the running loop: a task that is discarded ends without one
            self._release()

    def _check_revoked(self) -> None:
        """Raise once the lock has been revoked from any task, which may be this one."""
        if self._is_revoked:
            self._release()
            raise _stopped_loop_error()

    def _acquire(self) -> None:
        """Acquire the lock. Blocks this thread."""
        thread = get_ident()
        while self._holder != thread:
            stopped = self._is_holder_stopped()
            timeout = 0 if stopped else _STOPPED_LOOP_CHECK_INTERVAL_S
            for taken in map(self._lock.acquire, (True,), (timeout,)):  # as in `_attempts`
                if taken:
                    self._holder = thread
                elif stopped:
                    self._revoke()

    def _is_holder_stopped(self) -> bool:
        """Return whether the lock is held by a task that cannot continue: it is done, or its event loop has stopped.

        A done task still holds the lock if a signal handler raised before the release. The event loop of the
        invocation's own task never counts as stopped, because the runtime runs it again.
        """
        loop, task = self._loop, self._holding_task
        if loop is None:
            return False
        if task is not None and task.done():
            # A task that was cancelled while it waited may get the lock late. Its event loop then releases the lock.
            return self._is_passed_on or not loop.is_running()
        if self.task is not None and self.task.runs_in(loop):
            return False
        return not loop.is_running()

    def _revoke(self) -> None:
        """Revoke the lock from a task that cannot continue. Raises StreamStateError unless the response is ending."""
        if get_ident() == self._owner and self._loop is not None:
            self._is_revoked = True
            self._loops = []
            self._release()
            if self._is_ending:
                return
        raise _stopped_loop_error()

    def _release(self) -> None:
        """Release the lock for the task that holds it. If the lock was revoked, no task holds it."""
        if self._loop is not None:
            self._loop = self._holding_task = None
            self._lock.release()

    async def _acquire_async(self) -> None:
        """Acquire the lock, which a thread or another task holds, without blocking the event loop."""
        from asyncio import CancelledError, current_task, get_running_loop

        loop = get_running_loop()
        taken = loop.create_future()
        # Not in the loop's executor: Python waits for its threads when the process ends.
        start_new_thread(self._acquire_for, (loop, current_task(), taken))
        try:
            await taken
        except CancelledError:
            if not taken.cancelled() and taken.exception() is None:
                self._release()  # the lock was acquired just before the cancellation
            raise

    def _acquire_for(self, loop: "AbstractEventLoop", task: "Task[Any] | None", taken: "Future[None]") -> None:
        error: StreamStateError | None = None
        try:
            self._acquire()
            self._is_passed_on = False
            self._holder, self._loop, self._holding_task = 0, loop, task
            if self._is_revoked:
                self._release()
                raise _stopped_loop_error()
        except StreamStateError as stopped:
            error = stopped
        try:
            loop.call_soon_threadsafe(self._resolve, taken, error)
        except RuntimeError:  # the loop is closed, so nobody waits any more
            if error is None:
                self._release()

    def _resolve(self, taken: "Future[None]", error: "StreamStateError | None") -> None:
        self._is_passed_on = True
        if error is not None:
            if not taken.cancelled():
                taken.set_exception(error)
        elif taken.cancelled():
            self._release()
        else:
            taken.set_result(None)


def _stopped_loop_error() -> StreamStateError:
    return StreamStateError(
        "a task is writing to the response, but its event loop has stopped: await or cancel the tasks that write before"
        " the event loop ends"
    )
