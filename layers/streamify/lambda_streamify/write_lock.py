"""The lock of a response: held by whoever writes a chunk of it, or ends it.

A thread holds it while its chunk is sent, a task also while it waits for a slow reader. Whoever waits for such a task
has to let its event loop run.
"""

from _thread import allocate_lock, get_ident, start_new_thread

from .errors import StreamStateError
from .iteration import in_event_loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future
    from typing import Any

    from .invocation_task import InvocationTask


class WriteLock:
    """A context manager for threads, and an asynchronous one for tasks. It belongs to the thread that makes it.

    `task` is what the invocation runs in where it is asynchronous.
    """

    def __init__(self) -> None:
        self._lock = allocate_lock()
        self._owner = get_ident()
        self._holder = 0  # the thread that has it, unless a task has it
        self._loops: list[AbstractEventLoop] = []  # of the tasks that have the lock or wait for it
        self._loop: Any = None  # of the task that has had it last
        self.task: InvocationTask | None = None

    @property
    def waits_for_caller(self) -> bool:
        """Whether a task that has the lock, or is the next to have it, belongs to the event loop that runs here."""
        if not self._loops or not in_event_loop():
            return False
        from asyncio import get_running_loop

        return get_running_loop() in self._loops

    def __enter__(self) -> None:
        if self._lock.acquire(blocking=False):
            self._holder = get_ident()
            return
        if self._holder == get_ident():
            raise StreamStateError(
                "this thread is in the midst of a write, and would wait for itself: let a signal handler only note what"
                " is to be written"
            )
        if self.waits_for_caller:
            raise StreamStateError(
                "a task is in the midst of a write, and could not go on while this call waits for it: use"
                " `await writer.awrite(...)`, and await the tasks that write before you close the writer"
            )
        if self.task is None or get_ident() != self._owner or in_event_loop():
            self._lock.acquire()
        else:
            self.task.run(self._wait())  # a task may have it, and its event loop does not run
        self._holder = get_ident()

    def __exit__(self, *_: object) -> None:
        self._holder = 0
        self._lock.release()

    async def __aenter__(self) -> None:
        from asyncio import get_running_loop

        loop = get_running_loop()
        self._loops.append(loop)
        try:
            if not self._lock.acquire(blocking=False):
                await self._wait()
        except BaseException:
            self._loops.remove(loop)
            raise
        self._loop = loop

    async def __aexit__(self, *_: object) -> None:
        self._loops.remove(self._loop)  # not the one that runs: a task that is thrown away ends in none
        self._lock.release()

    async def _wait(self) -> None:
        """Take the lock without blocking the event loop; a thread or another task has it."""
        from asyncio import CancelledError, get_running_loop

        loop = get_running_loop()
        taken = loop.create_future()
        # Not the loop's executor, whose threads a process that ends would wait for.
        start_new_thread(self._take_for, (loop, taken))
        try:
            await taken
        except CancelledError:
            if not taken.cancelled():
                self._lock.release()  # it was taken a moment before
            raise

    def _take_for(self, loop: "AbstractEventLoop", taken: "Future[None]") -> None:
        self._lock.acquire()
        try:
            loop.call_soon_threadsafe(self._hand_over, taken)
        except RuntimeError:  # the loop is closed, and with it whoever has waited
            self._lock.release()

    def _hand_over(self, taken: "Future[None]") -> None:
        if taken.cancelled():
            self._lock.release()
        else:
            taken.set_result(None)
