"""The process group of a sandbox: its runtime, its external extensions, and the processes that they started."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from signal import SIGKILL, Signals
from typing import TYPE_CHECKING

from ..processes.groups import group_of
from ..processes.log_socket import LOG_SOCKET, LogSocket
from ..processes.output import Output
from .freezer import freeze, send_signal, thaw
from .function_package import Package
from .runtime_process import start_runtime

if TYPE_CHECKING:
    from asyncio.subprocess import Process


class ProcessGroup:
    """The runtime of a package, once it has been started, and its group."""

    def __init__(self, package: Package, *, has_log_socket: bool = False) -> None:
        self._package = package
        self._has_log_socket = has_log_socket
        self.id = 0
        """The process group; 0 while there is none."""
        self._runtime: Process | None = None
        self._output: Output | None = None
        self._log_socket: LogSocket | None = None

    async def start_runtime(
        self, environment: Mapping[str, str], log: Callable[[str], None], say: Callable[[str], None]
    ) -> int:
        """Start the runtime, and return its process group. Raises OSError.

        `log` is called with each line that it prints, `say` with messages for the developer.
        """
        output = Output(log)
        if self._has_log_socket:
            self._log_socket = LogSocket(log)
            path = self._log_socket.open(self._package.folders.runtime)
            environment = environment if path is None else {**environment, LOG_SOCKET: path}
        try:
            self._runtime = await start_runtime(self._package, environment, output, self.id, say)
        except BaseException:
            if self._log_socket is not None:
                self._log_socket.close()
            raise
        self._output = output
        return group_of(self._runtime.pid, self.id or self._runtime.pid)

    @property
    def has_started(self) -> bool:
        """Whether the runtime was started."""
        return self._runtime is not None

    @property
    def runtime_ids(self) -> list[int]:
        """The process id of the runtime, if it has been started."""
        return [] if self._runtime is None else [self._runtime.pid]

    @property
    def has_runtime_ended(self) -> bool:
        """Whether the runtime was started and has ended."""
        return self._runtime is not None and self._runtime.returncode is not None

    async def wait(self) -> int:
        """Wait for the end of the runtime, if it was started; return its exit code."""
        return 0 if self._runtime is None else await self._runtime.wait()

    def drain(self) -> None:
        """Log everything that the runtime has printed before this call."""
        if self._output is not None:
            self._output.drain()
        if self._log_socket is not None:
            self._log_socket.drain()

    async def end_output(self, timeout: float) -> None:
        """Read the rest of the output for at most `timeout` seconds.

        A process that left the group may keep the pipe open.
        """
        if self._output is not None:
            await self._output.end(timeout)
        if self._log_socket is not None:
            self._log_socket.close()

    def freeze(self) -> bool:
        """Stop all processes; return whether they are stopped."""
        return freeze(self.id, *self.runtime_ids)

    def thaw(self) -> None:
        """Continue all processes."""
        thaw(self.id)

    def kill(self) -> None:
        """Kill all processes."""
        self.signal(SIGKILL)

    def signal(self, number: Signals) -> None:
        """Send a signal to all processes."""
        if self.id:
            send_signal(self.id, number)

    def signal_runtime(self, number: Signals) -> None:
        """Send a signal to the runtime alone."""
        if self._runtime is not None:
            with suppress(ProcessLookupError):
                self._runtime.send_signal(number)
