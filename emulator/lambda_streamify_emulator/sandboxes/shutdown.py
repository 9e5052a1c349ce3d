"""Ends the processes of a sandbox in Lambda's order, as far as a container permits it.

A container ends with its runtime, and its extensions with it. So these get SHUTDOWN before the runtime is ended.
"""

import asyncio
import signal
from collections.abc import Callable

from ..extensions.host import ExtensionHost
from .processes import Processes
from .timers import Timers


class Shutdown:
    """Ends the runtime of one sandbox. `reason` returns the reason that extensions get."""

    def __init__(
        self, processes: Processes, extensions: ExtensionHost, timers: Timers, reason: Callable[[], str]
    ) -> None:
        self._processes = processes
        self._extensions = extensions
        self._timers = timers
        self._reason = reason
        self._first: asyncio.Task[None] | None = None  # the end of the extensions in a container

    def end_runtime(self) -> None:
        """End the runtime: with SIGTERM first if there are extensions, which then get SHUTDOWN."""
        if not self._extensions.shutdown_timeout:
            self.kill()
            return
        self._extensions.begin_shutdown()
        if not self._extensions.are_in_container:
            self._terminate_runtime()
        elif self._first is None:
            self._timers.cancel_all()
            self._first = asyncio.create_task(self._end_extensions_first())

    def kill(self) -> None:
        """Kill the runtime, and all other processes if none is an extension's."""
        if self._extensions.group:
            self._processes.signal_runtime(signal.SIGKILL)
        else:
            self._processes.kill()

    async def end_extensions(self) -> None:
        """Shut the extensions down after the end of the runtime."""
        if self._first is not None:
            await self._first
        if self._extensions.group:
            self._processes.thaw()  # frozen ones could not end by themselves
        await self._extensions.shut_down(self._reason())

    async def _end_extensions_first(self) -> None:
        self._processes.thaw()
        await self._extensions.shut_down(self._reason())
        self._terminate_runtime()

    def _terminate_runtime(self) -> None:
        self._processes.signal_runtime(signal.SIGTERM)
        self._timers.replace_all(self._extensions.runtime_shutdown_timeout, self.kill)
