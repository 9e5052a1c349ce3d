"""Reports the steps of a build that take long: when each begins, that it still runs, and when it has ended."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

REPORT_INTERVAL_S = 20  # between the messages that a step still runs


class Steps:
    """Reports steps to `say`.

    `note` is called with what is being done, such as "installing requirements", and with None when it is over.

    `clock` returns monotonic seconds.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        note: Callable[[str | None], None] = lambda _: None,
        *,
        clock: Callable[[], float] = time.monotonic,
        interval_s: float = REPORT_INTERVAL_S,
    ) -> None:
        self.say = say
        self._note = note
        self._clock = clock
        self._interval_s = interval_s

    @contextmanager
    def installing(self, what: str, state: str, hint: str = "") -> Iterator[None]:
        """Report that `what` is being installed for as long as the block runs.

        `state` is a short form of that. `hint` follows the first message.
        """
        began, over = self._clock(), Event()

        def report() -> None:
            while not over.wait(self._interval_s):
                self.say(f"still installing {what}: {self._clock() - began:.0f} s")

        reporter = Thread(target=report, name="streamify-steps", daemon=True)
        self.say(f"installing {what} …{hint}")
        self._note(state)
        reporter.start()
        try:
            yield
        finally:
            over.set()
            reporter.join()
            self._note(None)
        self.say(f"installed {what} in {self._clock() - began:.1f} s")
