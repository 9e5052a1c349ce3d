"""What a sandbox is made of, where that depends on how many invocations it runs at a time."""

from collections.abc import Callable
from typing import Protocol

from ..extensions.host import ExtensionHost
from ..extensions.host import Hooks as ExtensionHooks
from ..extensions.programs import Programs
from ..invocations.invocation_log import InvocationLog, LogTail
from ..processes.reaper import Reaper
from ..runtime_api.server import Hooks, RuntimeApi
from ..settings import Settings
from .environment import INITIALIZATION_TYPE, sandbox_environment
from .function_package import Package
from .memory_watch import MemoryWatch
from .processes import Processes, make_processes


class SandboxLog(Protocol):
    """The log of a sandbox."""

    def begin(self, request_id: str, tail: LogTail) -> None:
        """Take lines for an invocation from now on."""

    def of(self, request_id: str) -> InvocationLog:
        """Return the log of an invocation that runs."""

    def line(self, text: str) -> None:
        """Log a line that a process of the sandbox printed."""


class Parts:
    """Makes the parts of a sandbox that runs one invocation at a time."""

    max_concurrency: int | None = None

    def __init__(self, package: Package, settings: Settings) -> None:
        self._package = package
        self._settings = settings

    def environment(self, log_stream: str, api_address: str) -> dict[str, str]:
        """Return the variables of the runtime."""
        package = self._package
        return sandbox_environment(
            package.function,
            package.folders,
            package.interpreter,
            log_stream,
            api_address,
            with_credentials=self._settings.with_credentials,
            max_concurrency=self.max_concurrency,
        )

    def log(self, log: Callable[[str], None]) -> SandboxLog:
        """Return the log, whose lines go to `log`."""
        return InvocationLog(log, self._package.function.memory)

    def api(self, hooks: Hooks) -> RuntimeApi:
        """Return the Runtime API."""
        function, settings = self._package.function, self._settings
        snapstart = function.environment.get(INITIALIZATION_TYPE) == "snap-start"
        return RuntimeApi(function, hooks, snapstart=snapstart, limits=settings.limits, names=settings.allowed_hosts)

    def processes(self, reaper: Reaper) -> Processes:
        """Return the runtime's processes, which have not started."""
        return make_processes(self._package, reaper, self._settings, has_log_socket=self.max_concurrency is not None)

    def extensions(self, programs: Programs, hooks: ExtensionHooks) -> ExtensionHost:
        """Return the extensions, which have not started."""
        is_concurrent = self.max_concurrency is not None
        function, limits = self._package.function, self._settings.limits
        return ExtensionHost(function, programs, hooks, limits, is_concurrent=is_concurrent)

    def memory_watch(self, processes: Callable[[], list[int]], exceeded: Callable[[], None]) -> MemoryWatch:
        """Return the watch of the memory that these processes use. `exceeded` is called where the limit applies."""
        return MemoryWatch(self._package.function.memory * 1024**2, processes, self._if_limited(exceeded))

    def _if_limited(self, exceeded: Callable[[], None]) -> Callable[[], None]:
        is_debugged = self._settings.debug == self._package.function.name
        return exceeded if self._settings.limits.memory and not is_debugged else lambda: None
