"""A sandbox: one runtime process in a process group of its own, one invocation at a time, cold at first, then warm."""

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from ..building.task_root import TaskRoot
from ..invocations.channel import FunctionError
from ..invocations.invocation import Invocation
from ..invocations.invocation_log import InvocationLog, Outcome
from ..runtime_api.server import Hooks, RuntimeApi
from ..settings import DEFAULTS, Settings
from ..template.reader import Function
from .debugger import debugged, make_interpreter
from .endings import exit_message, exit_type, timeout_message
from .environment import INITIALIZATION_TYPE, Folders, sandbox_environment
from .freezer import freeze, tell, thaw
from .memory import memory_used
from .output import Output
from .reaper import OWN_GROUP, Reaper

INIT_LIMIT = 10  # seconds for the init phase: AWS Lambda Developer Guide, "Lambda execution environment lifecycle"
LOOK = 0.2  # seconds between looks at how much memory is used: one costs 0.1 ms, and hundreds of sandboxes may run
NO_CREDENTIALS = "NoCredentialsError"  # botocore's
GRACE = 2  # seconds from SIGTERM, or from a report that the runtime cannot start, to SIGKILL


@dataclass(frozen=True)
class Package:
    """A function that is ready to run: its interpreter, and the folders that stand for Lambda's."""

    function: Function
    python: Path
    folders: Folders
    debugpy: Path | None = None
    """The folder with debugpy, if a debugger is to attach to the function."""
    task_root: TaskRoot | None = None
    """What makes the folder of its code when it is needed; None if that is there."""


class Sandbox:
    """Runs one function. `idle` and `gone` are called with it; `log` gets each line that it prints."""

    def __init__(
        self,
        package: Package,
        reaper: Reaper,
        log: Callable[[str], None],
        idle: "Callable[[Sandbox], None]",
        gone: "Callable[[Sandbox], None]",
        *,
        settings: Settings = DEFAULTS,
    ) -> None:
        if settings.debug == package.function.name:
            package = replace(package, function=debugged(package.function))
        self._package = package
        self._reaper = reaper
        self._log = InvocationLog(log, package.function.memory)
        self._memory: int | None = None  # bytes: the most that was seen
        self._became_idle = idle
        self._gone = gone
        hooks = Hooks(self._handed_over, self._over, self._failed, log)
        snapstart = package.function.environment.get(INITIALIZATION_TYPE) == "snap-start"
        self._api = RuntimeApi(package.function, hooks, snapstart=snapstart, limits=settings.limits)
        self._invocation: Invocation | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timed_out = False
        self._frozen = False
        self._out_of_memory = False
        self._looking: asyncio.TimerHandle | None = None
        self._settings = settings
        self._is_debugged = settings.debug == package.function.name
        self._memory_size = package.function.memory * 1024**2  # bytes
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
        if self._looking is None:
            self._look()
        if self._stopped:
            await self.stop()

    async def _start_process(self, address: str) -> None:
        package = self._package
        environment = sandbox_environment(
            package.function,
            package.folders,
            package.python,
            f"local/{uuid4().hex}",
            address,
            with_credentials=self._settings.with_credentials,
        )
        # As Lambda's own bootstrap does: through the wrapper, if one is set.
        wrapper = environment.get("AWS_LAMBDA_EXEC_WRAPPER")
        python = package.python
        if package.debugpy is not None:
            python, port = make_interpreter(python, package.debugpy, package.folders.runtime)
            self._log.line(f"a debugger can attach to 127.0.0.1:{port}")
        command = [*filter(None, [wrapper]), str(python), str(package.folders.runtime / "bootstrap.py")]
        self._output = Output(self._log.line)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                env=environment,
                cwd=package.folders.task,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=self._output.write_end,
                stderr=asyncio.subprocess.STDOUT,
                **OWN_GROUP,
            )
        except BaseException:
            self._output.close()
            raise
        finally:
            os.close(self._output.write_end)

    @property
    def ended(self) -> bool:
        """Whether its process has ended; it is gone later, when what the process printed has been read."""
        return self._watcher is not None and self._process.returncode is not None

    @property
    def finishing(self) -> bool:
        """Whether it has answered, and the runtime will soon ask for the next event, as far as can be known."""
        return self._invocation is not None and self._invocation.channel.ended and not (self.ended or self._timed_out)

    def invoke(self, invocation: Invocation) -> None:
        """Run `invocation` next. The sandbox must be idle, or new."""
        self._invocation = invocation
        if self._frozen:
            self._frozen = False
            thaw(self._process.pid)
        self._log.begin(invocation.request_id, invocation.tail)
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
        self._output.drain()
        if self._looking is None:  # a cold one is looked at since its start
            self._looking = asyncio.get_running_loop().call_later(LOOK, self._look)
        self._log.start()
        self._set_timer(self._package.function.timeout, self._time_out)

    def _over(self) -> None:
        if self._timer:
            self._timer.cancel()
        if self._invocation is not None:
            error, self._invocation = self._invocation.channel.error, None
            self._look_no_more()
            self._frozen = not self._is_debugged and freeze(self._process.pid)
            self._output.drain()  # the runtime has printed all that it had to, and asks for the next event
            if error and _misses_credentials(error) and not self._settings.with_credentials:
                self._log.line("functions get no AWS credentials of yours unless you say --with-credentials")
            self._measure()
            self._log.end(Outcome(self._memory))
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
        tell(self._process.pid, number)

    async def _watch(self) -> None:
        """Pass on what the process prints, and tell how it ended."""
        code = await self._process.wait()
        self._signal(signal.SIGKILL)  # what it started does not outlive it
        await self._output.end(GRACE)  # what has left its group may hold the pipe
        await self._api.close()  # a response that was sent whole is delivered whole
        if self._timer:
            self._timer.cancel()
        self._look_no_more()
        self._reaper.remove(self._process.pid)
        self._end_invocation(code)
        self._gone(self)

    def _look(self) -> None:
        """Look how much memory is used, now and again until the invocation is over; too much ends the process."""
        held = self._measure()
        if self._settings.limits.memory and not self._is_debugged and held > self._memory_size:
            self._out_of_memory = True
            self._kill()
        self._looking = asyncio.get_running_loop().call_later(LOOK, self._look)

    def _look_no_more(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    def _measure(self) -> int:
        used = memory_used(self._process.pid, self._memory_size)
        if used is None:
            return 0
        self._memory = max(used.peak, self._memory or 0)
        return used.now

    def _end_invocation(self, code: int) -> None:
        """Tell the invocation that the process has ended, and how."""
        invocation, self._invocation = self._invocation, None
        if invocation is None:
            return
        outcome = Outcome(self._memory)
        if self._timed_out:
            message = timeout_message(self._package.function.timeout)
            self._log.line(message)
            invocation.fail("Sandbox.Timedout", message)
            outcome = Outcome(self._memory, duration=self._package.function.timeout, timed_out=True)
        elif self._api.start_error is not None:
            invocation.channel.end(self._api.start_error)
            outcome = Outcome(self._memory, error_type=self._api.start_error.error_type)
        elif not invocation.channel.ended:
            message, error_type = exit_message(code), exit_type(out_of_memory=self._out_of_memory)
            self._log.line(message)
            invocation.fail(error_type, message)
            outcome = Outcome(self._memory, error_type=error_type)
        self._log.end(outcome)


def _misses_credentials(error: FunctionError) -> bool:
    """Behind a response's first byte the type says it; before it the report alone, for the platform hides the type."""
    return error.error_type == f"Function.{NO_CREDENTIALS}" or f'"{NO_CREDENTIALS}"'.encode() in error.details
