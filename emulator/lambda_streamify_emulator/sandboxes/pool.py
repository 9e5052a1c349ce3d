"""The sandboxes of one function: an idle one is used again, and when none is idle another starts, as on Lambda.

One that has answered but not asked for the next event yet is waited for, a moment: whoever has read a response to its
end and asks again at once would otherwise find it busy.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

from ..building.task_root import newest_change
from ..errors import BuildError
from ..invocations.invocation import Invocation
from ..invocations.limits import Limits
from ..invocations.watched_channel import WatchedChannel
from ..settings import DEFAULTS, Settings
from ..template.reader import Function
from .reaper import Reaper
from .sandbox import Package, Sandbox

BUILDS = 3  # for one invocation: some builds write into the folder that they are made from
MOMENT = 0.25  # seconds in which a sandbox that has answered may become idle

# AWS Lambda API Reference, "Invoke", TooManyRequestsException: what has been exceeded.
RESERVED, UNRESERVED = "ReservedFunctionConcurrentInvocationLimitExceeded", "ConcurrentInvocationLimitExceeded"


class Throttled(Exception):
    """All the sandboxes that the function may have are busy."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SandboxPool:
    """Runs the invocations of one function. `log` gets each line that one of its sandboxes prints."""

    def __init__(
        self, package: Package, reaper: Reaper, log: Callable[[str], None], settings: Settings = DEFAULTS
    ) -> None:
        self._package = package
        self._settings = settings
        self._reaper = reaper
        self._log = log
        # Each with the timer that ends it.
        self._idle: dict[Sandbox, asyncio.TimerHandle] = {}
        # With the newest change of the code that each one runs.
        self._all: dict[Sandbox, int] = {}
        self._waiting: deque[asyncio.Future[Sandbox | None]] = deque()
        self._ending: dict[asyncio.Task[None], Sandbox] = {}
        self._stopped = False
        self._prepared: int | None = None  # the newest change of the code that the package is made from

    @property
    def function(self) -> Function:
        """The function that runs here."""
        return self._package.function

    @property
    def limits(self) -> Limits:
        """How much it may be asked and may answer."""
        return self._settings.limits

    async def invoke(self, invocation: Invocation, *, patient: bool = False) -> None:
        """Start `invocation`; what becomes of it comes through its channel.

        Raises Throttled if no sandbox can be had, unless it is `patient`: then it waits for one.
        """
        for attempt in count():
            ready = await self._make_ready(invocation)
            if ready is None:
                return
            change = ready
            if self._stopped:
                invocation.fail("Sandbox.Failure", "The emulator has stopped")
                invocation.tail.end()
                return
            self._end_outdated(change)
            sandbox = self._take_idle()
            if sandbox is None and (self._is_worth_waiting(attempt) or (patient and self._is_full)):
                sandbox = await self._wait(None if patient and self._is_full else MOMENT)
                if sandbox is None:
                    continue
            if sandbox is None:
                break
            if not sandbox.ended and self._all[sandbox] == change:
                self._show(invocation)
                sandbox.invoke(invocation)
                return
            self._keep(sandbox)  # to be ended, or forgotten
        if self._is_full:
            raise Throttled(UNRESERVED if self.function.reserved_concurrency is None else RESERVED)
        self._show(invocation)
        await self._start(invocation, change)

    def _show(self, invocation: Invocation) -> None:
        """Let the response be seen by those who want to; not before it is certain that there will be one."""
        sources = (self._settings.recordings, self._settings.activity)
        watchers = [source.watch(self.function.name, invocation.request_id) for source in sources if source is not None]
        present = [watcher for watcher in watchers if watcher is not None]
        if present:
            invocation.channel = WatchedChannel(present)

    async def stop(self) -> None:
        """End all sandboxes; from now on invocations fail."""
        self._stopped = True
        for timer in self._idle.values():
            timer.cancel()
        while self._waiting:
            self._wake(None)
        if self._package.task_root is not None:
            await self._package.task_root.stop()
        await asyncio.gather(*self._ending, *(sandbox.stop() for sandbox in list(self._all)))

    async def _make_ready(self, invocation: Invocation) -> int | None:
        """Returns the newest change of the code that is ready to run; None if the invocation has failed."""
        change = newest_change(self.function.code)
        # There is time for more changes, and for the end, while something is installed.
        for _ in range(BUILDS):
            if self._prepared == change or self._stopped:
                return change
            if not await self._prepare(invocation, change):
                return None
            change = newest_change(self.function.code)
        if self._prepared != change:
            self._log(f"{self.function.code} changes whenever it is built, and is run as it is: write elsewhere")
            self._prepared = change
        return change

    async def _prepare(self, invocation: Invocation, change: int) -> bool:
        """Have the code made ready to run; if that fails the invocation has."""
        if self._package.task_root is not None:
            try:
                task, change = await self._package.task_root.current()
            except (BuildError, OSError) as error:
                self._show(invocation)
                self._fail(invocation, "Sandbox.Failure", str(error))
                return False
            self._package = replace(self._package, folders=replace(self._package.folders, task=task))
        self._prepared = change
        return True

    def _fail(self, invocation: Invocation, error_type: str, message: str) -> None:
        """End the invocation, for which there is no sandbox."""
        self._log(message)
        invocation.fail(error_type, message)
        invocation.tail.add(message)
        invocation.tail.end()

    async def _start(self, invocation: Invocation, change: int) -> None:
        sandbox = Sandbox(
            self._package, self._reaper, self._log, self._became_idle, self._forget, settings=self._settings
        )
        self._all[sandbox] = change
        try:
            await sandbox.start(invocation)
        except BaseException as error:
            self._forget(sandbox)
            if not isinstance(error, OSError):
                raise
            self._fail(invocation, "Runtime.InvalidEntrypoint", self._entrypoint_message(error))

    def _entrypoint_message(self, error: OSError) -> str:
        program = Path(str(error.filename))
        opt = self._package.folders.opt
        if program.is_relative_to(opt) and not program.exists():
            return f"/opt/{program.relative_to(opt)} does not start: no layer of the function has it"
        return f"{program} does not start: {error.strerror}"

    # --- which sandbox -----------------------------------------------------------------------------------------------

    @property
    def _is_full(self) -> bool:
        """Whether no other sandbox may start. Those that are on their way out do not count."""
        reserved = self.function.reserved_concurrency
        bound = self._settings.max_sandboxes if reserved is None else reserved
        ending = set(self._ending.values())
        return sum(not sandbox.ended and sandbox not in ending for sandbox in self._all) >= bound

    def _is_worth_waiting(self, attempt: int) -> bool:
        """Whether a sandbox that nobody waits for yet is about to become idle."""
        return attempt == 0 and sum(sandbox.finishing for sandbox in self._all) > len(self._waiting)

    def _take_idle(self) -> Sandbox | None:
        while self._idle:
            sandbox, timer = self._idle.popitem()  # the last one used: the others age and are ended
            timer.cancel()
            if not sandbox.ended:
                return sandbox
        return None

    async def _wait(self, seconds: float | None) -> Sandbox | None:
        """The next sandbox that becomes idle; None if it is time to look again, or after so many seconds."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[Sandbox | None] = loop.create_future()
        self._waiting.append(waiting)
        timer = None if seconds is None else loop.call_later(seconds, _give_up, waiting)
        try:
            return await waiting
        except asyncio.CancelledError:
            if not waiting.cancelled() and (sandbox := waiting.result()) is not None:
                self._became_idle(sandbox)
            raise
        finally:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            if timer is not None:
                timer.cancel()

    def _became_idle(self, sandbox: Sandbox) -> None:
        if not self._wake(sandbox):
            self._keep(sandbox)

    def _keep(self, sandbox: Sandbox) -> None:
        self._idle[sandbox] = asyncio.get_running_loop().call_later(self._settings.idle_limit, self._end, sandbox)

    def _wake(self, sandbox: Sandbox | None) -> bool:
        """Give the sandbox to whoever has waited longest, or have them look again; returns whether anybody waits."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(sandbox)
                return True
        return False

    def _end_outdated(self, change: int) -> None:
        """End those that are idle and run code that has been edited since; those at work are left to finish."""
        for sandbox in [sandbox for sandbox in self._idle if self._all[sandbox] != change]:
            self._end(sandbox)

    def _end(self, sandbox: Sandbox) -> None:
        self._idle.pop(sandbox).cancel()
        ending = asyncio.create_task(sandbox.stop())
        self._ending[ending] = sandbox  # the event loop alone would not keep it
        ending.add_done_callback(self._ending.pop)

    def _forget(self, sandbox: Sandbox) -> None:
        self._all.pop(sandbox, None)
        if sandbox in self._idle:
            self._idle.pop(sandbox).cancel()
        self._wake(None)


def _give_up(waiting: "asyncio.Future[Sandbox | None]") -> None:
    if not waiting.done():
        waiting.set_result(None)
