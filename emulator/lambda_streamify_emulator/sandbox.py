"""A sandbox: one runtime process in a process group of its own, one invocation at a time, cold at first, then warm."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from .endings import exit_message, timeout_message
from .environment import INITIALIZATION_TYPE, Folders, sandbox_environment
from .invocation import Invocation
from .reaper import OWN_GROUP, Reaper
from .runtime_api import Hooks, RuntimeApi
from .template import Function

INIT_LIMIT = 10  # seconds for the init phase: AWS Lambda Developer Guide, "Lambda execution environment lifecycle"
GRACE = 2  # seconds from SIGTERM, or from a report that the runtime cannot start, to SIGKILL
LINE_LIMIT = 256 * 1024  # bytes of a log line, beyond which it is shown in parts


@dataclass(frozen=True)
class Package:
    """A function that is ready to run: its interpreter, and the folders that stand for Lambda's."""

    function: Function
    python: Path
    folders: Folders


class Sandbox:
    """Runs one function. `idle` and `gone` are called with it; `log` gets each line that it prints."""

    def __init__(
        self,
        package: Package,
        reaper: Reaper,
        log: Callable[[str], None],
        idle: "Callable[[Sandbox], None]",
        gone: "Callable[[Sandbox], None]",
    ) -> None:
        self._package = package
        self._reaper = reaper
        self._log = log
        self._became_idle = idle
        self._gone = gone
        hooks = Hooks(self._handed_over, self._over, self._failed, log)
        snapstart = package.function.environment.get(INITIALIZATION_TYPE) == "snap-start"
        self._api = RuntimeApi(package.function, hooks, snapstart=snapstart)
        self._invocation: Invocation | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timed_out = False
        self._watcher: asyncio.Task[None] | None = None
        self._stopped = False

    async def start(self, invocation: Invocation) -> None:
        """Start the process, cold, for `invocation`. Raises OSError if the wrapper or the interpreter does not run."""
        self.invoke(invocation)  # before the process can ask for it: one that finds nothing to do is idle
        address = await self._api.start()
        try:
            await self._start_process(address)
        except BaseException:
            await self._api.close()
            raise
        self._reaper.add(self._process.pid)
        if self._timer is None:
            self._set_timer(INIT_LIMIT + self._package.function.timeout, self._time_out)
        self._watcher = asyncio.create_task(self._watch())
        if self._stopped:
            await self.stop()

    async def _start_process(self, address: str) -> None:
        package = self._package
        environment = sandbox_environment(
            package.function, package.folders, package.python, f"local/{uuid4().hex}", address
        )
        # As Lambda's own bootstrap does: through the wrapper, if one is set.
        wrapper = environment.get("AWS_LAMBDA_EXEC_WRAPPER")
        command = [*filter(None, [wrapper]), str(package.python), str(package.folders.runtime / "bootstrap.py")]
        # Not asyncio's own pipe: with it a process has not ended while a child that left its group holds the other end.
        read_end, write_end = os.pipe()
        output, loop = asyncio.StreamReader(LINE_LIMIT), asyncio.get_running_loop()
        self._pipe, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(output), os.fdopen(read_end, "rb", 0)
        )
        try:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                env=environment,
                cwd=package.folders.task,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=write_end,
                stderr=asyncio.subprocess.STDOUT,
                **OWN_GROUP,
            )
        except BaseException:
            self._pipe.close()
            raise
        finally:
            os.close(write_end)
        self._output = output

    @property
    def ended(self) -> bool:
        """Whether its process has ended; it is gone later, when what the process printed has been read."""
        return self._process.returncode is not None

    def invoke(self, invocation: Invocation) -> None:
        """Run `invocation` next. The sandbox must be idle, or new."""
        self._invocation = invocation
        self._api.invoke(invocation)

    async def stop(self) -> None:
        """End the process and all that it started: asked first, then forced."""
        self._stopped = True
        if self._watcher is None:  # its start, which is under way, sees to it
            return
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGTERM)
        await asyncio.wait([self._watcher], timeout=GRACE)
        self._signal(signal.SIGKILL)
        self._api.abort()
        await self._watcher

    def _handed_over(self) -> None:
        self._set_timer(self._package.function.timeout, self._time_out)

    def _over(self) -> None:
        self._invocation = None
        if self._timer:
            self._timer.cancel()
        self._became_idle(self)

    def _failed(self) -> None:
        self._set_timer(GRACE, self._kill)  # it should end by itself

    def _set_timer(self, seconds: float, action: Callable[[], None]) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, action)

    def _time_out(self) -> None:
        self._timed_out = True
        self._api.expire()
        self._kill()

    def _kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):  # gone already; macOS says so with EPERM
            os.killpg(self._process.pid, number)

    async def _watch(self) -> None:
        """Pass on what the process prints, and tell how it ended."""
        printing = asyncio.create_task(self._print(self._output))
        code = await self._process.wait()
        self._signal(signal.SIGKILL)  # what it started does not outlive it
        await asyncio.wait([printing], timeout=GRACE)  # but for what has left its group, which may hold the pipe
        printing.cancel()
        self._pipe.close()
        await self._api.close()  # a response that was sent whole is delivered whole
        if self._timer:
            self._timer.cancel()
        self._reaper.remove(self._process.pid)
        self._end_invocation(code)
        self._gone(self)

    async def _print(self, output: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await output.readuntil(b"\n")
            except asyncio.IncompleteReadError as end:
                if end.partial:
                    self._log(end.partial.decode("utf-8", "replace"))
                return
            except asyncio.LimitOverrunError as long:
                line = await output.readexactly(long.consumed)
            # A record of several lines has carriage returns inside.
            for part in line.decode("utf-8", "replace").rstrip("\r\n").split("\r"):
                self._log(part)

    def _end_invocation(self, code: int) -> None:
        invocation = self._invocation
        if invocation is None:
            return
        if self._timed_out:
            message = timeout_message(self._package.function.timeout)
            self._log(message)
            invocation.fail("Sandbox.Timedout", message)
        elif self._api.start_error is not None:
            invocation.channel.end(self._api.start_error)
        elif not invocation.channel.ended:
            message = exit_message(code)
            self._log(message)
            invocation.fail("Runtime.ExitError", message)
