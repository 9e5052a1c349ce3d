"""Keeps functions with external extensions from taking each other's ports.

On Lambda each execution environment has a network of its own, so extensions and web servers listen on fixed ports.
Here all sandboxes share this machine's network. A second sandbox could not listen on such a port, or would get its
answers from the first one's processes. So only one sandbox with external extensions runs at a time.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol


class Holder(Protocol):
    """The sandboxes of one function, which may hold the ports."""

    @property
    def name(self) -> str:
        """The function's name."""

    @property
    def is_occupied(self) -> bool:
        """Whether it has a sandbox, also one that is idle or ending."""

    @property
    def is_stopped(self) -> bool:
        """Whether it starts no further sandbox."""

    @property
    def is_busy(self) -> bool:
        """Whether one of its sandboxes runs an invocation."""

    def end_idle(self) -> None:
        """End the sandboxes that are idle."""


class SharedPorts:
    """Decides which function of one emulator may start a sandbox with external extensions."""

    def __init__(self) -> None:
        self._holder: Holder | None = None
        self._changed = asyncio.Event()

    def is_held_by(self, holder: Holder) -> bool:
        """Whether this function may start a sandbox."""
        return self._holder is holder

    async def acquire(self, holder: Holder, say: Callable[[str], None]) -> None:
        """Wait until the function may start a sandbox, or is stopped. `say` is called if another one is busy."""
        said = False
        while not holder.is_stopped and self._holder not in (None, holder):
            assert self._holder is not None
            if not self._holder.is_occupied:
                break
            self._holder.end_idle()
            if self._holder.is_busy and not said:
                said = True
                say(waits(holder.name, f", and {self._holder.name} is busy"))
            self._changed.clear()
            await self._changed.wait()
        if not holder.is_stopped:
            self._holder = holder

    def note_change(self) -> None:
        """Wake the waiting functions: a sandbox has become idle or has ended, or a function has stopped."""
        self._changed.set()


def waits(name: str, why: str = "") -> str:
    """Return the line for a request that has to wait."""
    return f"{name} waits: functions with extensions run one at a time, since they share this machine's ports{why}"
