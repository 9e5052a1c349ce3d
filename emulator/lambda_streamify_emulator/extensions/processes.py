"""The processes of a sandbox's external extensions.

Sources: AWS Lambda Developer Guide, "Lambda Extensions API"; `agents/agent.go` of AWS's Runtime Interface Emulator,
which starts each file of the folder, without arguments.
"""

import asyncio
import os
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping
from contextlib import suppress

from ..processes.groups import group_of
from ..processes.output import Output
from .programs import Programs
from .registrations import SHUTDOWN, Extension


class ExtensionProcesses:
    """External extensions as processes of one process group.

    `ended` is called with an extension whose process has ended and its exit code, `log` with each line that one prints.
    """

    def __init__(self, programs: Programs, ended: Callable[[Extension, int], None], log: Callable[[str], None]) -> None:
        self._programs = programs
        self.group = 0
        """The process group; 0 while there is none."""
        self._ended = ended
        self._log = log
        self._processes: dict[str, tuple[Extension, Process]] = {}
        self._watchers: dict[str, asyncio.Task[None]] = {}
        self._output: Output | None = None

    @property
    def ids(self) -> list[int]:
        """The ids of the processes that run on this machine; those in containers are not known."""
        if self._programs.in_container:
            return []
        return [process.pid for _, process in self._processes.values() if process.returncode is None]

    async def start(self, extension: Extension, environment: Mapping[str, str], sandbox: str) -> None:
        """Start the program of an extension. Raises OSError.

        `environment` is the runtime's, `sandbox` the sandbox's own name.
        """
        if self._output is None:
            self._output = Output(self._log)
        output = self._output.write_end
        process = await self._programs.start(extension.name, environment, sandbox, self.group, output)
        self.group = group_of(process.pid, self.group or process.pid)
        self._processes[extension.identifier] = extension, process
        self._watchers[extension.identifier] = asyncio.create_task(self._watch(extension, process))

    def all_started(self) -> None:
        """Close this process's end of the pipe for the output: no further process is started."""
        if self._output is not None:
            os.close(self._output.write_end)

    def drain(self) -> None:
        """Log everything that they have printed before this call."""
        if self._output is not None:
            self._output.drain()

    def kill_others(self, event: str = SHUTDOWN) -> None:
        """Kill those that have not registered for the event."""
        for extension, process in self._processes.values():
            if event not in extension.events:
                _kill(process)

    async def wait(self, timeout: float) -> None:
        """Wait until all have ended; kill those that have not after `timeout` seconds."""
        if self._watchers:
            await asyncio.wait(self._watchers.values(), timeout=timeout)
            for _, process in self._processes.values():
                _kill(process)
            await asyncio.wait(self._watchers.values())

    async def close(self, timeout: float) -> None:
        """Read the rest of the output, for at most `timeout` seconds."""
        if self._output is not None:
            await self._output.end(timeout)

    async def _watch(self, extension: Extension, process: Process) -> None:
        code = await self._programs.wait(process)
        if code is not None:
            self._ended(extension, code)


def _kill(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
