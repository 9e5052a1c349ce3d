"""A container as the processes of a sandbox: a `docker run` stays in the foreground for as long as the runtime lives.

Its output is the container's, it passes SIGTERM on, and it ends with the container's exit code. Everything else is a
further command of the engine. Such a command takes a while, so it runs in the background, and `wait` and `end_output`
wait for what matters.
"""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, STDOUT
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING
from uuid import uuid4

from ..processes.groups import group_of, start_in_group
from ..processes.output import Output
from ..template.images import Image
from .engine import Engine, client_environment
from .pausing import Pausing

if TYPE_CHECKING:
    from asyncio.subprocess import Process

    from ..processes.reaper import Reaper

LABEL = "lambda-streamify"
COMMAND_TIMEOUT_S = 10  # of a command that ends a container; an engine that takes longer is broken
# A program that a signal has ended has this exit code, plus the signal's number, in a container and in a shell.
_SIGNALLED = 128
_KILLED = -signal.SIGKILL
ENDS_WITHIN_S = 2  # the container whose end has killed a program; its exit code arrives later than the program's
START_CHECK_INTERVAL_S = 0.02
# Ends the containers of an emulator, after all of its `docker run`.
_SWEEP = 'found=$("$0" ps --all --quiet --filter "label=$1") && [ -z "$found" ] || "$0" rm --force $found'


class Container:
    """The container of one sandbox. `memory` is its limit in MB if the engine has to enforce it, else None."""

    def __init__(self, engine: Engine, function: str, image: Image, reaper: "Reaper", memory: int | None) -> None:
        self.id = 0
        """The process group of `docker run`; 0 before the start."""
        self._engine = engine
        self._name = f"streamify-{function}-{uuid4().hex[:12]}"
        self._label = f"{LABEL}={reaper.name}"
        self._image = image
        self._reaper = reaper
        self._memory = memory
        self._client: Process | None = None
        self._output: Output | None = None
        self._pausing = Pausing(lambda command: self._command(command, self._name))
        self._first_process: int | None = None  # of the container, as the engine's machine numbers it
        self._looking: asyncio.Task[None] | None = None
        self._killing: asyncio.Task[None] | None = None

    async def start_runtime(
        self, environment: Mapping[str, str], log: Callable[[str], None], say: Callable[[str], None]
    ) -> int:
        """Start the container, and return the process group of `docker run`. Raises OSError.

        `log` is called with each line that it prints, and with the engine's messages.
        """
        script = ["/bin/sh", "-c", _SWEEP, self._engine.program, self._label]
        self._reaper.run_at_end(script, client_environment())
        output = Output(log)
        # A file for the environment has one line for each variable; `docker` takes the others from its own environment.
        inherited = {name: value for name, value in environment.items() if "\n" in value or "\r" in value}
        try:
            with TemporaryFile() as file:
                _write_variables(file, {name: environment[name] for name in environment.keys() - inherited.keys()})
                self._client = await start_in_group(
                    0,
                    *self._run_command(list(inherited)),
                    env={**inherited, **client_environment()},
                    stdin=file,
                    stdout=output.write_end,
                    stderr=STDOUT,
                )
        except BaseException:
            output.close()
            raise
        finally:
            os.close(output.write_end)
        self._output = output
        self.id = group_of(self._client.pid, self._client.pid)
        return self.id

    def _run_command(self, inherited: list[str]) -> list[str]:
        """Return the command. Lambda runs a program of its own as the first process of an environment; so does --init.

        As on Lambda, only /tmp is writable.
        """
        image = self._image
        entry_point = list(image.entry_point or ())
        options = [
            *("--rm", "--init", "--pull", "never", "--name", self._name, "--label", self._label),
            *("--read-only", "--tmpfs", "/tmp:exec,mode=1777", "--env-file", "/dev/stdin"),  # noqa: S108
        ]
        for name in inherited:
            options += ["--env", name]
        if self._memory is not None:
            options += ["--memory", f"{self._memory}m", "--memory-swap", f"{self._memory}m"]
        if image.working_directory is not None:
            options += ["--workdir", image.working_directory]
        if entry_point:
            options += ["--entrypoint", entry_point[0]]
        return [self._engine.program, "run", *options, image.uri, *entry_point[1:], *(image.command or ())]

    # --- the runtime -------------------------------------------------------------------------------------------------

    @property
    def has_started(self) -> bool:
        """Whether the runtime was started."""
        return self._client is not None

    @property
    def has_runtime_ended(self) -> bool:
        """Whether the runtime was started and has ended."""
        return self._client is not None and self._client.returncode is not None

    @property
    def runtime_ids(self) -> list[int]:
        """The process id of the container's first process, once it is known; never that of another machine's."""
        if not self._engine.is_here:
            return []
        if self._first_process is not None:
            return [self._first_process]
        if (self._looking is None or self._looking.done()) and not self.has_runtime_ended:
            self._looking = asyncio.create_task(self._look())
        return []

    async def wait(self) -> int:
        """Wait for the end of the container; return its exit code, negative for a signal."""
        if self._client is None:
            return 0
        return _exit_code(await self._client.wait())

    def drain(self) -> None:
        """Log everything that has come from the engine before this call."""
        if self._output is not None:
            self._output.drain()

    async def end_output(self, timeout: float) -> None:
        """Read the rest of the output for at most `timeout` seconds, and wait until the container is gone."""
        if self._output is not None:
            await self._output.end(timeout)
        await self._pausing.end()
        for task in (self._looking, self._killing):
            if task is not None:
                await task

    # --- other programs in the container ------------------------------------------------------------------------------

    async def started(self) -> bool:
        """Wait until the container has started; return False if it has ended."""
        while self._first_process is None and not self.has_runtime_ended:
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look())
            await asyncio.wait([self._looking])
            if self._first_process is None:
                await asyncio.sleep(START_CHECK_INTERVAL_S)
        return not self.has_runtime_ended

    async def start_program(self, program: str, folder: str, hidden: Sequence[str], output: int) -> "Process":
        """Run a program of the image in this folder of the container; return the `docker exec`. Raises OSError.

        It has the container's variables, without the `hidden` ones. `output` is a file descriptor.
        """
        options = ["--workdir", folder]
        for name in hidden:
            options += ["--env", name]  # a variable without a value, which `docker` does not have either, is taken away
        return await start_in_group(
            self.id,
            *(self._engine.program, "exec", *options, self._name, program),
            env=client_environment(),
            stdin=DEVNULL,
            stdout=output,
            stderr=STDOUT,
        )

    async def wait_for_program(self, process: "Process") -> int | None:
        """Wait for the end of a program; return its exit code, negative for a signal, or None if the container ends.

        The end of a container kills what runs in it.
        """
        code = _exit_code(await process.wait())
        if code == _KILLED and self._client is not None:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._client.wait(), ENDS_WITHIN_S)
                return None
        return code

    # --- signals -----------------------------------------------------------------------------------------------------

    def freeze(self) -> bool:
        """Pause the container; return whether it is, or will be, paused."""
        self._pausing.set(paused=True)
        return True

    def thaw(self) -> None:
        """Continue the container."""
        self._pausing.set(paused=False)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the container."""
        if number == signal.SIGKILL:
            self.kill()
        elif self._client is not None:
            with suppress(ProcessLookupError):
                self._client.send_signal(number)

    signal_runtime = signal

    def kill(self) -> None:
        """Kill the container, unless it has ended by itself."""
        ended = self._client is None or (self._client.returncode is not None and self._client.returncode >= 0)
        if not ended and self._killing is None:
            self._killing = asyncio.create_task(self._kill())

    async def _kill(self) -> None:
        """Kill the container; `docker run` reads the rest of its output, and is killed if there is no container yet."""
        assert self._client is not None
        killed, _ = await self._command("kill", self._name)
        if killed and self._client.returncode is None:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._client.wait(), COMMAND_TIMEOUT_S)
        if self._client.returncode is None or self._client.returncode < 0:
            with suppress(ProcessLookupError):
                self._client.kill()
            await self._command("rm", "--force", self._name)

    async def _look(self) -> None:
        _, printed = await self._command("inspect", "--format", "{{.State.Pid}}", self._name)
        process = printed.decode().strip()
        if process.isdecimal() and process != "0":
            self._first_process = int(process)

    async def _command(self, *arguments: str) -> tuple[bool, bytes]:
        """Run a command of the engine; return whether it has succeeded, and what it has printed."""
        process = await start_in_group(
            0,
            self._engine.program,
            *arguments,
            env=client_environment(),
            stdin=DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=DEVNULL,
        )
        try:
            printed, _ = await asyncio.wait_for(process.communicate(), COMMAND_TIMEOUT_S)
        except asyncio.TimeoutError:
            process.kill()
            await process.wait()
            return False, b""
        return process.returncode == 0, printed


def _exit_code(code: int) -> int:
    """Return the exit code of a program in a container, negative for a signal."""
    return _SIGNALLED - code if code > _SIGNALLED else code


def _write_variables(file: IO[bytes], variables: Mapping[str, str]) -> None:
    file.writelines(f"{name}={value}\n".encode() for name, value in variables.items())
    file.flush()
    file.seek(0)
