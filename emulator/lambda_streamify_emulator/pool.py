"""The sandboxes of one function: an idle one is used again, and when none is idle another starts, as on Lambda."""

import asyncio
from collections.abc import Callable

from .invocation import Invocation
from .limits import Limits
from .reaper import Reaper
from .sandbox import Package, Sandbox
from .settings import DEFAULTS, Settings
from .task_root import newest_change
from .template import Function


class SandboxPool:
    """Runs the invocations of one function. `log` gets each line that one of its sandboxes prints."""

    def __init__(
        self, package: Package, reaper: Reaper, log: Callable[[str], None], settings: Settings = DEFAULTS
    ) -> None:
        self._package = package
        self._settings = settings
        self._reaper = reaper
        self._log = log
        self._idle: list[Sandbox] = []
        # With the newest change of the code that each one runs.
        self._all: dict[Sandbox, int] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._stopped = False

    @property
    def function(self) -> Function:
        """The function that runs here."""
        return self._package.function

    @property
    def limits(self) -> Limits:
        """How much it may be asked and may answer."""
        return self._settings.limits

    async def invoke(self, invocation: Invocation) -> None:
        """Start `invocation`; what becomes of it comes through its channel."""
        if self._stopped:
            invocation.fail("Sandbox.Failure", "The emulator has stopped")
            invocation.tail.end()
            return
        change = newest_change(self.function.code)
        self._end_outdated(change)
        while self._idle:
            sandbox = self._idle.pop()  # the last one used: the others age and could be ended
            if not sandbox.ended:
                sandbox.invoke(invocation)
                return
        sandbox = Sandbox(
            self._package, self._reaper, self._log, self._idle.append, self._forget, settings=self._settings
        )
        self._all[sandbox] = change
        try:
            await sandbox.start(invocation)
        except BaseException as error:
            self._all.pop(sandbox, None)
            if not isinstance(error, OSError):
                raise
            message = f"{error.filename} does not start: {error.strerror}"
            self._log(message)
            invocation.fail("Runtime.InvalidEntrypoint", message)
            invocation.tail.add(message)
            invocation.tail.end()

    async def stop(self) -> None:
        """End all sandboxes; from now on invocations fail."""
        self._stopped = True
        await asyncio.gather(*self._ending, *(sandbox.stop() for sandbox in list(self._all)))

    def _end_outdated(self, change: int) -> None:
        """End those that are idle and run code that has been edited since; those at work are left to finish."""
        for sandbox in [sandbox for sandbox in self._idle if self._all[sandbox] != change]:
            self._idle.remove(sandbox)
            ending = asyncio.create_task(sandbox.stop())
            self._ending.add(ending)  # the event loop alone would not keep it
            ending.add_done_callback(self._ending.discard)

    def _forget(self, sandbox: Sandbox) -> None:
        self._all.pop(sandbox, None)
        if sandbox in self._idle:
            self._idle.remove(sandbox)
