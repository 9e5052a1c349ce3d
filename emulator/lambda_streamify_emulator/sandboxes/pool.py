"""The sandboxes of one function. As on Lambda, an invocation uses an idle sandbox, or starts one if none is idle.

A sandbox that runs several invocations at a time gets as many as it has room for, before another one is used.

If a sandbox has answered but not yet asked for the next event, the pool waits for it a short time. A client that sends
its next request right after the end of a response would otherwise start another sandbox.
"""

import asyncio
from collections.abc import Callable
from itertools import count
from math import inf

from ..errors import BuildError
from ..invocations.invocation import Invocation
from ..invocations.limits import Limits
from ..invocations.watched_channel import WatchedChannel
from ..processes.reaper import Reaper
from ..settings import DEFAULTS, Settings
from ..template.reader import Function
from .event_queue import EventQueue
from .failures import Failures
from .function_package import Package
from .maker import SandboxMaker
from .ready_code import ReadyCode
from .sandbox import Sandbox
from .shared_ports import SharedPorts, waits
from .waiting_line import WaitingLine

IDLE_WAIT_TIMEOUT_S = 0.25  # for a sandbox that has answered to become idle

# The limit that was exceeded: AWS Lambda API Reference, "Invoke", TooManyRequestsException.
RESERVED, UNRESERVED = "ReservedFunctionConcurrentInvocationLimitExceeded", "ConcurrentInvocationLimitExceeded"


class Throttled(Exception):
    """All sandboxes that the function may have are busy. `reason` names the limit."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SandboxPool:
    """Runs the invocations of one function. `log` is called with each line that its sandboxes print."""

    def __init__(
        self,
        package: Package,
        reaper: Reaper,
        log: Callable[[str], None],
        settings: Settings = DEFAULTS,
        ports: SharedPorts | None = None,
    ) -> None:
        self._code = ReadyCode(package, log)
        self._ports = SharedPorts() if ports is None else ports
        self._settings = settings
        self._log = log
        self._maker = SandboxMaker(reaper, log, settings, idle=self._became_idle, gone=self._forget)
        self._failures = Failures(package.function.name, log)
        self._idle: dict[Sandbox, asyncio.TimerHandle] = {}  # each with the timer that ends it
        self._with_room: dict[Sandbox, None] = {}  # those that run invocations and have room for more
        self._all: dict[Sandbox, int] = {}  # each with the state of the code that it runs
        self._waiting = WaitingLine()
        self._ending: dict[asyncio.Task[None], Sandbox] = {}
        self._stopped = False
        self._is_retired = False
        self._successor: SandboxPool | None = None
        self._emptied = asyncio.Event()
        self._events = EventQueue(self.invoke, settings.async_retry_delays_s, log)

    @property
    def function(self) -> Function:
        """The function that runs here."""
        return self._code.package.function

    @property
    def limits(self) -> Limits:
        """The limits of its requests and responses."""
        return self._settings.limits

    async def invoke(self, invocation: Invocation, *, wait_if_full: bool = False) -> None:
        """Start `invocation`; its channel carries the response or the error.

        If all sandboxes are busy, raises Throttled, or waits for one with `wait_if_full`.
        """
        for attempt in count():
            change = None if self._is_retired else await self._make_ready(invocation)
            if self._is_retired and not invocation.channel.ended:
                await self._pass_on(invocation, wait_if_full=wait_if_full)
                return
            if change is None:
                return
            if self._stopped:
                invocation.fail("Sandbox.Failure", "The emulator has stopped")
                invocation.tail.end()
                return
            self._end_outdated(change)
            sandbox = self._take()
            if sandbox is None and (seconds := self._time_to_wait(attempt, wait_if_full=wait_if_full)):
                sandbox = await self._waiting.wait(seconds, self._became_idle)
                if sandbox is None:
                    continue
            if sandbox is None:
                if self._code.has_extensions and not self._ports.is_held_by(self):
                    await self._ports.acquire(self, self._log)
                    continue  # meanwhile, the code may have changed
                await self._start_another(invocation, change)
                return
            if sandbox.room and not sandbox.ended and self._all.get(sandbox) == change:
                self._show(invocation)
                sandbox.invoke(invocation)
                self._offer(sandbox)
                return
            self._keep(sandbox)  # outdated or ended: the next round handles it

    def enqueue(self, invocation: Invocation) -> None:
        """Run `invocation` asynchronously, and retry it if it fails. Raises QueueFull if the queue is full."""
        self._events.add(invocation)

    def _show(self, invocation: Invocation) -> None:
        """Attach the recordings and the dashboard to the response. Call this only when there will be a response."""
        sources = (self._settings.recordings, self._settings.activity)
        watchers = [source.watch(self.function.name, invocation) for source in sources if source is not None]
        present = [watcher for watcher in watchers if watcher is not None]
        if present:
            invocation.channel = WatchedChannel(present, invocation.channel.backlog)

    async def stop(self) -> None:
        """End all sandboxes; further invocations fail."""
        self._stopped = True
        self._emptied.set()
        self._ports.note_change()
        await self._events.stop()
        for timer in self._idle.values():
            timer.cancel()
        self._waiting.wake_all()
        await self._code.stop()
        await asyncio.gather(self._code.close(), *self._ending, *(sandbox.stop() for sandbox in list(self._all)))

    async def retire(self, successor: "SandboxPool | None") -> None:
        """Let the sandboxes finish their invocations, then end them; return when all is over.

        Other invocations go to `successor`, or fail if there is none.
        """
        self._is_retired, self._successor = True, successor
        self._waiting.wake_all()
        self.end_idle()
        self._ports.note_change()
        while self._all and not self._stopped:
            self._emptied.clear()
            await self._emptied.wait()
        await self._events.finish()
        await self.stop()

    async def _pass_on(self, invocation: Invocation, *, wait_if_full: bool) -> None:
        if self._successor is None:
            return self._failures.fail(invocation, f"{self.name} is no longer in the template")
        return await self._successor.invoke(invocation, wait_if_full=wait_if_full)

    async def _make_ready(self, invocation: Invocation) -> int | None:
        """Build the code if it has changed; return its state, or None if the invocation has failed."""
        try:
            return await self._code.current()
        except (BuildError, OSError) as error:
            self._show(invocation)
            if isinstance(error, OSError):
                self._failures.fail_for_shortage([invocation], error)
            else:
                self._failures.fail(invocation, str(error))
            self._waiting.wake(None)  # this one may have been woken, and has not used it
            return None

    async def _start_another(self, invocation: Invocation, change: int) -> None:
        if self._is_full:
            raise Throttled(UNRESERVED if self.function.reserved_concurrency is None else RESERVED)
        self._show(invocation)
        sandbox = self._maker.make(self._code.package)
        self._all[sandbox] = change
        if sandbox.room > 1:  # others may use it while it starts
            self._with_room[sandbox] = None
            self._waiting.wake(sandbox)
        try:
            await sandbox.start(invocation)
        except BaseException as error:
            self._forget(sandbox)
            if not isinstance(error, OSError):
                raise
            self._failures.fail_start(sandbox.invocations, error)

    # --- the ports that sandboxes with external extensions share -----------------------------------------------------

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.name

    @property
    def is_stopped(self) -> bool:
        """Whether it starts no further sandbox."""
        return self._stopped or self._is_retired

    @property
    def is_occupied(self) -> bool:
        """Whether it has a sandbox, also one that is idle or ending."""
        return bool(self._all)

    @property
    def is_busy(self) -> bool:
        """Whether one of its sandboxes runs an invocation."""
        ending = set(self._ending.values())
        return any(sandbox not in self._idle and sandbox not in ending for sandbox in self._all)

    def end_idle(self) -> None:
        """End the sandboxes that are idle."""
        for sandbox in list(self._idle):
            self._end(sandbox)

    # --- the choice of a sandbox -------------------------------------------------------------------------------------

    @property
    def _is_full(self) -> bool:
        """Whether no other sandbox may start. Sandboxes that are ending do not count."""
        reserved = self.function.reserved_concurrency
        bound = self._settings.max_sandboxes if reserved is None else reserved
        ending = set(self._ending.values())
        return sum(not sandbox.ended and sandbox not in ending for sandbox in self._all) >= bound

    def _time_to_wait(self, attempt: int, *, wait_if_full: bool) -> float:
        """Return for how many seconds to wait for a sandbox; 0 if another one should be started, or may not be."""
        if wait_if_full and self._is_full:
            return inf
        if self._code.has_extensions and self.is_occupied and not self._is_full:
            if self.is_busy:
                self._log(waits(self.name))
            return inf
        # Is a sandbox about to become idle for which no other invocation waits?
        is_worth_it = attempt == 0 and sum(sandbox.finishing for sandbox in self._all) > len(self._waiting)
        return IDLE_WAIT_TIMEOUT_S if is_worth_it else 0.0

    def _take(self) -> Sandbox | None:
        """Return a sandbox with room, if there is one: the most recently used, so that the others reach their limit."""
        for found in (self._with_room, self._idle):
            for sandbox in reversed(list(found)):
                if sandbox.room and not sandbox.ended:
                    self._remove(sandbox)
                    return sandbox
        return None

    def _became_idle(self, sandbox: Sandbox) -> None:
        """Use a sandbox that has finished an invocation."""
        if not (self._stopped or sandbox in self._ending.values()):
            if not self._offer(sandbox) and self._is_retired and sandbox in self._idle:
                self._end(sandbox)
            self._ports.note_change()

    def _offer(self, sandbox: Sandbox) -> bool:
        """Give a sandbox with room to the next waiting invocation, and say so, or keep it."""
        if sandbox.room and self._waiting.wake(sandbox):
            return True
        self._keep(sandbox)
        return False

    def _keep(self, sandbox: Sandbox) -> None:
        """Keep a sandbox for further invocations, if it has room for any and has not ended."""
        self._remove(sandbox)
        if sandbox not in self._all:
            return
        if not sandbox.invocations:
            self._idle[sandbox] = asyncio.get_running_loop().call_later(self._settings.idle_limit, self._end, sandbox)
        elif sandbox.room:
            self._with_room[sandbox] = None

    def _remove(self, sandbox: Sandbox) -> None:
        self._with_room.pop(sandbox, None)
        if sandbox in self._idle:
            self._idle.pop(sandbox).cancel()

    def _end_outdated(self, change: int) -> None:
        """End idle sandboxes whose code has been edited since their start. Busy ones finish their invocations."""
        for sandbox in [sandbox for sandbox in self._idle if self._all[sandbox] != change]:
            self._end(sandbox)
        for sandbox in [sandbox for sandbox in self._with_room if self._all[sandbox] != change]:
            self._remove(sandbox)

    def _end(self, sandbox: Sandbox) -> None:
        self._remove(sandbox)
        ending = asyncio.create_task(sandbox.stop())
        self._ending[ending] = sandbox  # the event loop keeps only a weak reference
        ending.add_done_callback(self._ending.pop)

    def _forget(self, sandbox: Sandbox) -> None:
        self._all.pop(sandbox, None)
        self._remove(sandbox)
        self._maker.forget(sandbox)
        self._waiting.wake(None)
        self._ports.note_change()
        if not self._all:
            self._emptied.set()
