"""A signal whose handler raises, as a function's own timeout does."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType
from weakref import WeakSet


@contextmanager
def alarm_raises(error: BaseException) -> Iterator[Callable[[], None]]:
    """Have SIGALRM raise `error` in the main thread; the block gets what sends it, for another thread to call.

    It is sent until it has come through: one that arrives just before the main thread begins to wait does not wake it.
    """
    raised = Event()

    def raise_it(_number: int, frame: FrameType | None) -> None:
        # Python only prints an error that is raised in the callback of a weak reference (weakref, `ref`).
        in_callback = frame is not None and frame.f_code.co_filename == WeakSet.__init__.__code__.co_filename
        if not raised.is_set() and not in_callback:
            raised.set()
            raise error

    main = threading.main_thread().ident
    assert main is not None

    def send() -> None:
        signal.pthread_kill(main, signal.SIGALRM)
        while not raised.wait(0.1):
            signal.pthread_kill(main, signal.SIGALRM)

    before = signal.signal(signal.SIGALRM, raise_it)
    try:
        yield send
    finally:
        signal.signal(signal.SIGALRM, before)
