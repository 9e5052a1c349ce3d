"""What a sandbox needs of the processes in it, whether they are a process group or a container."""

from collections.abc import Callable, Mapping
from signal import Signals
from typing import Protocol

from ..containers.container import Container
from ..extensions.programs import FolderPrograms, Programs
from ..processes.reaper import Reaper
from ..settings import Settings
from .function_package import Package
from .image_programs import ImagePrograms
from .process_group import ProcessGroup


class Processes(Protocol):
    """The runtime of a sandbox, and what it has started."""

    id: int
    """A process group that must end with the emulator; 0 while there is none."""

    async def start_runtime(
        self, environment: Mapping[str, str], log: Callable[[str], None], say: Callable[[str], None]
    ) -> int:
        """Start the runtime, and return the process group. Raises OSError.

        `log` is called with each line that it prints, `say` with messages for the developer.
        """

    @property
    def has_started(self) -> bool:
        """Whether the runtime was started."""

    @property
    def has_runtime_ended(self) -> bool:
        """Whether the runtime was started and has ended."""

    @property
    def runtime_ids(self) -> list[int]:
        """The process id of the runtime on this machine, if it is known."""

    async def wait(self) -> int:
        """Wait for the end of the runtime, if it was started; return its exit code, negative for a signal."""

    def drain(self) -> None:
        """Log everything that the runtime has printed before this call, as far as it has arrived."""

    async def end_output(self, timeout: float) -> None:
        """Read the rest of the output for at most `timeout` seconds."""

    def freeze(self) -> bool:
        """Stop everything; return whether it is stopped."""

    def thaw(self) -> None:
        """Continue everything."""

    def kill(self) -> None:
        """Kill everything."""

    def signal(self, number: Signals) -> None:
        """Send a signal to all processes."""

    def signal_runtime(self, number: Signals) -> None:
        """Send a signal to the runtime alone."""


def make_processes(package: Package, reaper: Reaper, settings: Settings, *, has_log_socket: bool = False) -> Processes:
    """Return the processes of a new sandbox, which has not started yet.

    With `has_log_socket`, they can write their logs to a socket as well, unless they run in a container.
    """
    function = package.function
    if package.engine is None or function.image is None:
        return ProcessGroup(package, has_log_socket=has_log_socket)
    # The emulator measures the memory of processes that it can see.
    is_enforced = settings.limits.memory and settings.debug != function.name and not package.engine.is_here
    memory = function.memory if is_enforced else None
    return Container(package.engine, function.name, function.image, reaper, memory)


def make_programs(package: Package, processes: Processes) -> Programs:
    """Return the external extensions of a new sandbox with these processes."""
    if isinstance(processes, Container):
        return ImagePrograms(processes, package.extensions)
    return FolderPrograms(package.folders.opt)
