"""A thread that does something when it is time, while the handler's own thread waits for its next chunk."""

from threading import TIMEOUT_MAX, Condition, Thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Seconds. For so long the lock is let go after each call, however little time is left until the next one: a thread that
# takes a lock back at once leaves nobody else the time to get it.
BREATH = 0.0001


class Alarm:
    """Calls `ring` once `seconds_left()` has come down to 0; None is nothing to wait for.

    Both are called in the alarm's thread, which holds `lock`. Whoever changes what they look at holds it, too, and
    calls `check` first. What `ring` raises ends the thread; `check` raises it, and so does the end of the block. The
    thread exists from `start` to the end of the block, whatever ends it.
    """

    def __init__(
        self, name: str, seconds_left: "Callable[[], float | None]", ring: "Callable[[], object]", lock: Condition
    ) -> None:
        self.lock = lock
        self.failure: BaseException | None = None
        self._name = name
        self._seconds_left = seconds_left
        self._ring = ring
        self._thread: Thread | None = None
        self._waits_for_nothing = False
        self._over = False

    def start(self) -> None:
        """Take note that there is something to wait for. Hold the lock."""
        if self._thread is None:
            thread = Thread(target=self._run, name=self._name, daemon=True)
            thread.start()
            self._thread = thread
        elif self._waits_for_nothing:
            self.lock.notify_all()

    def check(self) -> None:
        """Raise what `ring` has raised. Hold the lock."""
        if self.failure is not None:
            raise self.failure

    def __enter__(self) -> "Alarm":
        return self

    def __exit__(self, _: object, error: "BaseException | None", __: object) -> None:
        with self.lock:
            self._over = True
            self.lock.notify_all()
        if self._thread is not None:
            self._thread.join()
        if error is None:
            self.check()
        elif error is not self.failure and error.__context__ is None:
            error.__context__ = self.failure  # so that a traceback tells of both

    def _run(self) -> None:
        with self.lock:
            try:
                while not self._over:
                    self._wait_or_ring()
            except BaseException as failure:  # noqa: BLE001 - the handler's thread raises it
                self.failure = failure

    def _wait_or_ring(self) -> None:
        left = self._seconds_left()
        if left is None:
            self._waits_for_nothing = True
            self.lock.wait()
            self._waits_for_nothing = False
        elif left > 0:
            self.lock.wait(min(left, TIMEOUT_MAX))
        else:
            self._ring()
            self.lock.wait(BREATH)
