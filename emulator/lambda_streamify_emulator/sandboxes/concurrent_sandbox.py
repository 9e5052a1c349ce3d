"""A sandbox that runs several invocations at a time, as on managed instances.

An invocation that times out, or whose response is cut off, ends alone. All of them fail with the end of the runtime's
first process; the end of another process is the runtime's own affair. Source: `internal/lambda-managed-instances` of
AWS's Runtime Interface Emulator. The processes are not stopped between invocations.
"""

from collections.abc import Callable

from ..invocations.concurrent_log import ConcurrentLog
from ..invocations.invocation import Invocation
from ..processes.reaper import Reaper
from ..runtime_api.concurrent import ConcurrentRuntimeApi
from ..runtime_api.server import Hooks
from ..settings import DEFAULTS, Settings
from .endings import Ending
from .function_package import Package
from .memory_watch import MemoryWatch, SharedMemoryWatch
from .parts import Parts
from .sandbox import Sandbox


class _ConcurrentParts(Parts):
    """The parts of a sandbox that runs several invocations at a time."""

    def __init__(
        self, package: Package, settings: Settings, max_concurrency: int, measured: Callable[[int, int], None]
    ) -> None:
        super().__init__(package, settings)
        self.max_concurrency = max_concurrency
        self.concurrent_log: ConcurrentLog
        self.concurrent_api: ConcurrentRuntimeApi
        self._measured = measured

    def log(self, log: Callable[[str], None]) -> ConcurrentLog:
        """Return the log, whose lines go to `log`."""
        self.concurrent_log = ConcurrentLog(log, self._package.function.memory)
        return self.concurrent_log

    def api(self, hooks: Hooks) -> ConcurrentRuntimeApi:
        """Return the Runtime API."""
        assert self.max_concurrency is not None
        limits, names = self._settings.limits, self._settings.allowed_hosts
        self.concurrent_api = ConcurrentRuntimeApi(
            self._package.function, hooks, capacity=self.max_concurrency, limits=limits, names=names
        )
        return self.concurrent_api

    def memory_watch(self, processes: Callable[[], list[int]], exceeded: Callable[[], None]) -> MemoryWatch:
        """Return the watch of the memory that these processes use together."""
        limit = self._package.function.memory * 1024**2
        return SharedMemoryWatch(limit, processes, self._if_limited(exceeded), self._measured)


class ConcurrentSandbox(Sandbox):
    """Runs up to `max_concurrency` invocations of one function at a time.

    `idle` is called with the sandbox after each invocation, and whenever it has room for one more. `show` is called
    after each change of what `as_dict` returns.
    """

    def __init__(
        self,
        package: Package,
        reaper: Reaper,
        log: Callable[[str], None],
        idle: "Callable[[Sandbox], None]",
        gone: "Callable[[Sandbox], None]",
        *,
        max_concurrency: int,
        settings: Settings = DEFAULTS,
        show: Callable[[], None] = lambda: None,
    ) -> None:
        self.function = package.function
        self.max_concurrency = max_concurrency
        self.memory: int | None = None
        """The bytes that its processes use together; None until they have been measured."""
        self.processes = 0
        """The number of its processes at that time."""
        self._show = show
        parts = _ConcurrentParts(package, settings, max_concurrency, self._on_measured)
        super().__init__(package, reaper, log, idle, gone, settings=settings, parts=parts)
        self._concurrent_log = parts.concurrent_log
        self._concurrent_api = parts.concurrent_api
        self._init_timed_out = False

    def as_dict(self) -> dict[str, int | None]:
        """Return, for JSON, what it does now. The memory is in bytes."""
        return {
            "running": len(self._invocations),
            "max_concurrency": self.max_concurrency,
            "memory": self.memory,
            "processes": self.processes,
        }

    def invoke(self, invocation: Invocation) -> None:
        """Run `invocation` beside the others. The sandbox must have room."""
        super().invoke(invocation)
        self._show()

    @property
    def room(self) -> int:
        """How many further invocations it can run now."""
        if self._is_ending:
            return 0
        return max(self.max_concurrency - len(self._invocations) - self._concurrent_api.away, 0)

    @property
    def finishing(self) -> bool:
        """Whether an invocation is answered and not over. It is over at once."""
        return False

    def _on_idle(self, invocation: Invocation | None) -> None:
        if not self._is_initialized:
            super()._on_idle(None)
        elif invocation is not None:
            self._extensions.lifecycle.runtime_done(only=invocation)
            self._finish(invocation)
        elif not self._is_ending:
            self._call_idle(self)

    def _finish(self, invocation: Invocation) -> None:
        if invocation.request_id in self._invocations:
            super()._finish(invocation)
            self._concurrent_log.forget(invocation.request_id)
            self._show()

    def _rest(self) -> None:
        """Stop measuring when nothing runs. Its processes go on."""
        if not self._invocations:
            self._memory.stop()

    def _on_measured(self, used: int, processes: int) -> None:
        self.memory, self.processes = used, processes
        self._show()

    def _time_out(self, invocation: Invocation) -> None:
        """End one invocation; or all of them, if the runtime has not finished init."""
        if not self._is_initialized:
            self._init_timed_out = True
            super()._time_out(invocation)
            return
        self._drain()
        ending = Ending(self._package.function.timeout, None, None, 0, out_of_memory=False)
        report = ending.end(invocation, self._log.of(invocation.request_id), self._memory.peak)
        self._extensions.lifecycle.runtime_done(ending.error_type, timed_out=True, only=invocation)
        self._extensions.lifecycle.ended(report, has_extensions=False)
        self._concurrent_api.time_out(invocation)
        del self._invocations[invocation.request_id]
        self._concurrent_log.forget(invocation.request_id)
        self._rest()
        self._show()
        self._call_idle(self)

    def _ending(self, code: int, invocation: Invocation | None) -> Ending:
        if self._init_timed_out:
            invocation = self._timed_out
        return super()._ending(code, invocation)
