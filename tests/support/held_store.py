"""A store whose calls a test holds or lets fail."""

from collections.abc import Callable
from threading import Event
from typing import Any

from lambda_streamify.resume import MemoryStore
from waiting import TIMEOUT_S


class HeldStore(MemoryStore):
    """A `MemoryStore`. Calls of the operations in `held` wait for `release`; those in `failing` raise an error."""

    def __init__(self, *held: str, failing: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.held = set(held)
        self.failing = set(failing)
        self.waits = Event()
        self._released = Event()

    def release(self) -> None:
        """Let all calls through, also those to come."""
        self._released.set()

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in ("begin", "find", "append", "read", "end"):
            return found
        return self._guarded(name, found)

    def _guarded(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            if name in self.failing:
                raise ConnectionError("the store is down")
            if name in self.held:
                self.waits.set()
                assert self._released.wait(TIMEOUT_S)
            return function(*arguments, **keywords)

        return call
