"""The timers of a sandbox: one for each invocation, and one for the sandbox itself."""

import asyncio
from collections.abc import Callable

_SANDBOX = ""  # the key of the sandbox's own timer; the keys of the others are request ids


class Timers:
    """Calls an action for each key, a request id, after a time. A new timer replaces the one with the same key."""

    def __init__(self) -> None:
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def __len__(self) -> int:
        return len(self._timers)

    def set(self, key: str, seconds: float, action: Callable[[], None]) -> None:
        """Call `action` after `seconds`."""
        self.cancel(key)
        self._timers[key] = asyncio.get_running_loop().call_later(seconds, action)

    def cancel(self, key: str) -> None:
        """Cancel the timer with this key, if there is one."""
        if timer := self._timers.pop(key, None):
            timer.cancel()

    def cancel_all(self) -> None:
        """Cancel all timers."""
        for key in list(self._timers):
            self.cancel(key)

    def replace_all(self, seconds: float, action: Callable[[], None]) -> None:
        """Cancel all timers, and call `action` after `seconds`, for the whole sandbox."""
        self.cancel_all()
        self.set(_SANDBOX, seconds, action)
