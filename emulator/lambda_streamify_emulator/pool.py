"""The sandboxes of one function: an idle one is used again, and when none is idle another starts, as on Lambda."""

import asyncio
from collections.abc import Callable

from .invocation import Invocation
from .reaper import Reaper
from .sandbox import Package, Sandbox
from .template import Function


class SandboxPool:
    """Runs the invocations of one function. `log` gets each line that one of its sandboxes prints."""

    def __init__(self, package: Package, reaper: Reaper, log: Callable[[str], None]) -> None:
        self._package = package
        self._reaper = reaper
        self._log = log
        self._idle: list[Sandbox] = []
        self._all: set[Sandbox] = set()
        self._stopped = False

    @property
    def function(self) -> Function:
        """The function that runs here."""
        return self._package.function

    async def invoke(self, invocation: Invocation) -> None:
        """Start `invocation`; what becomes of it comes through its channel."""
        if self._stopped:
            invocation.fail("Sandbox.Failure", "The emulator has stopped")
            return
        while self._idle:
            sandbox = self._idle.pop()  # the last one used: the others age and could be ended
            if not sandbox.ended:
                sandbox.invoke(invocation)
                return
        sandbox = Sandbox(self._package, self._reaper, self._log, self._idle.append, self._forget)
        self._all.add(sandbox)
        try:
            await sandbox.start(invocation)
        except BaseException as error:
            self._all.discard(sandbox)
            if not isinstance(error, OSError):
                raise
            message = f"{error.filename} does not start: {error.strerror}"
            self._log(message)
            invocation.fail("Runtime.InvalidEntrypoint", message)

    async def stop(self) -> None:
        """End all sandboxes; from now on invocations fail."""
        self._stopped = True
        await asyncio.gather(*(sandbox.stop() for sandbox in list(self._all)))

    def _forget(self, sandbox: Sandbox) -> None:
        self._all.discard(sandbox)
        if sandbox in self._idle:
            self._idle.remove(sandbox)
