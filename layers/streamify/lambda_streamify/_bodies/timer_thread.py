"""A thread that calls a function at a given time, while the handler's own thread waits for its next chunk."""

from threading import TIMEOUT_MAX, Condition, Thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# The thread releases the lock for this time after each call, even if the next call is due earlier: a thread that
# reacquires a lock at once leaves other threads no time to acquire it.
REACQUIRE_DELAY_S = 0.0001


class TimerThread:
    """Calls `callback` each time that `seconds_left()` falls to 0. If it is None, there is nothing to wait for.

    The thread calls both functions, and holds `lock` during the calls. Other code must hold `lock` and call `check`
    before it changes what the functions read. An exception of `callback` ends the thread; `check` and the end of the
    `with` block raise it. The thread lives from `start` to the end of the block.
    """

    def __init__(
        self, name: str, seconds_left: "Callable[[], float | None]", callback: "Callable[[], object]", lock: Condition
    ) -> None:
        self.lock = lock
        self.failure: BaseException | None = None
        self._name = name
        self._seconds_left = seconds_left
        self._callback = callback
        self._thread: Thread | None = None
        self._is_idle = False
        self._is_stopped = False

    def start(self) -> None:
        """Start the thread, or wake it if it has nothing to wait for. The caller must hold the lock."""
        if self._thread is None:
            thread = Thread(target=self._run, name=self._name, daemon=True)
            thread.start()
            self._thread = thread
        elif self._is_idle:
            self.lock.notify_all()

    def check(self) -> None:
        """Raise the exception of `callback`, if there is one. The caller must hold the lock."""
        if self.failure is not None:
            raise self.failure

    def __enter__(self) -> "TimerThread":
        return self

    def __exit__(self, _: object, error: "BaseException | None", __: object) -> None:
        with self.lock:
            self._is_stopped = True
            self.lock.notify_all()
        if self._thread is not None:
            self._thread.join()
        if error is None:
            self.check()
        elif error is not self.failure and error.__context__ is None:
            error.__context__ = self.failure  # so that a traceback shows both

    def _run(self) -> None:
        with self.lock:
            try:
                while not self._is_stopped:
                    self._wait_or_call()
            except BaseException as failure:  # noqa: BLE001 - the handler's thread raises it
                self.failure = failure

    def _wait_or_call(self) -> None:
        left = self._seconds_left()
        if left is None:
            self._is_idle = True
            self.lock.wait()
            self._is_idle = False
        elif left > 0:
            self.lock.wait(min(left, TIMEOUT_MAX))
        else:
            self._callback()
            self.lock.wait(REACQUIRE_DELAY_S)
