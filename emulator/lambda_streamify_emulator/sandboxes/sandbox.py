"""A sandbox: a runtime, with extensions if there are any. It runs one invocation at a time, first cold, then warm."""

import asyncio
import signal
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from uuid import uuid4

from ..extensions.environment import SANDBOX
from ..extensions.host import Hooks as ExtensionHooks
from ..invocations.invocation import Invocation
from ..invocations.invocation_log import Outcome
from ..processes.reaper import Reaper
from ..runtime_api.event import invoked_arn
from ..runtime_api.server import Hooks
from ..settings import DEFAULTS, Settings
from .credentials import HINT, misses_credentials
from .debugger import with_debug_timeout
from .endings import Ending, Fault, invalid_entrypoint
from .environment import LOG_STREAM
from .function_package import Package
from .parts import Parts
from .processes import make_programs
from .shutdown import Shutdown
from .timers import Timers

INIT_TIMEOUT_S = 10  # of the init phase: AWS Lambda Developer Guide, "Lambda execution environment lifecycle"
TERMINATION_TIMEOUT_S = 2  # from SIGTERM, or from the report that the runtime cannot start, to SIGKILL


class Sandbox:
    """Runs one function.

    `idle` is called with the sandbox when it is ready for the next invocation, `gone` when it has ended. `log` is
    called with each line that it prints.
    """

    def __init__(
        self,
        package: Package,
        reaper: Reaper,
        log: Callable[[str], None],
        idle: "Callable[[Sandbox], None]",
        gone: "Callable[[Sandbox], None]",
        *,
        settings: Settings = DEFAULTS,
        parts: Parts | None = None,
    ) -> None:
        self._is_debugged = settings.debug == package.function.name
        if self._is_debugged:
            package = replace(package, function=with_debug_timeout(package.function))
        self._package = package
        self._settings = settings
        self._reaper = reaper
        parts = Parts(package, settings) if parts is None else parts
        self._log = parts.log(log)
        self._call_idle = idle
        self._call_gone = gone
        self._api = parts.api(Hooks(self._on_event_sent, self._on_idle, self._on_start_failed, log))
        extension_hooks = ExtensionHooks(self._proceed, self._on_extension_failed, self._log.line, log)
        self._processes = parts.processes(reaper)
        self._extensions = parts.extensions(make_programs(package, self._processes), extension_hooks)
        self._api.mount(self._extensions.api)
        self._memory = parts.memory_watch(self._process_ids, self._on_out_of_memory)
        self._invocations: dict[str, Invocation] = {}  # by request id
        self._timers = Timers()
        self._shutdown = Shutdown(self._processes, self._extensions, self._timers, self._shutdown_reason)
        self._over: Invocation | None = None  # the runtime has finished it; extensions may still work
        self._is_waiting = False  # the runtime waits for an event
        self._is_initialized = False
        self._timed_out: Invocation | None = None
        self._frozen = False
        self._out_of_memory = False
        self._fault: Fault | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._stopped = False
        self._log_stream = f"local/{uuid4().hex}"
        self._make_environment = partial(parts.environment, self._log_stream)

    async def start(self, invocation: Invocation) -> None:
        """Start the processes for `invocation`. Raises OSError if the interpreter cannot be started.

        With external extensions, the interpreter is started later; an error is then the invocation's.
        """
        self.invoke(invocation)
        address = await self._api.start(*self._package.api_host)
        self._extensions.lifecycle.init_started()
        self._environment = self._make_environment(address)
        try:
            await self._extensions.start(self._environment, self._log_stream, self._join)
            if not self._extensions.hold_runtime:
                await self._start_runtime()
        except BaseException:
            await self._extensions.close(0)
            await self._api.close()
            raise
        if not self._is_initialized:
            self._limit(invocation, INIT_TIMEOUT_S + self._package.function.timeout)
        self._watcher = asyncio.create_task(self._watch())
        if self._stopped:
            await self.stop()

    async def _start_runtime(self) -> None:
        logs = (self._function_line, self._log.line)
        self._join(await self._processes.start_runtime(self._environment, *logs))
        self._memory.check()

    def _join(self, group: int) -> None:
        self._processes.id = group
        self._reaper.add(group, f"{LOG_STREAM}={self._log_stream}", f"{SANDBOX}={self._log_stream}")

    @property
    def invocations(self) -> list[Invocation]:
        """The invocations that it runs; all that it was given, if it could not be started."""
        return list(self._invocations.values())

    @property
    def room(self) -> int:
        """How many further invocations it can run now."""
        return 0 if self._invocations else 1

    @property
    def ended(self) -> bool:
        """Whether it takes no further invocation. `gone` is called later, when all output has been read."""
        return self._watcher is not None and (self._processes.has_runtime_ended or self._fault is not None)

    @property
    def finishing(self) -> bool:
        """Whether it has answered, so that the runtime will probably soon ask for the next event."""
        answered = [invocation.channel.ended for invocation in self._invocations.values()]
        return bool(answered) and all(answered) and not (self.ended or self._timed_out)

    def invoke(self, invocation: Invocation) -> None:
        """Run `invocation`. The sandbox must have room, or be new."""
        self._invocations[invocation.request_id] = invocation
        self._log.begin(invocation.request_id, invocation.tail)
        if self._is_initialized:
            self._api.invoke(invocation)
        if self._frozen:  # after the event is sent, so that the runtime wakes up once
            self._frozen = False
            self._processes.thaw()

    async def stop(self) -> None:
        """End all processes: first with SIGTERM, and SHUTDOWN for extensions, then with SIGKILL.

        Without extensions Lambda sends no SIGTERM. Here the runtime gets it anyway, so that it can end cleanly.
        """
        self._stopped = True
        if self._watcher is None:  # start() is under way, and calls this again
            return
        self._processes.thaw()
        if self._extensions.shutdown_timeout:
            self._shutdown.end_runtime()
        else:
            self._processes.signal(signal.SIGTERM)
        await asyncio.wait([self._watcher], timeout=self._extensions.shutdown_timeout or TERMINATION_TIMEOUT_S)
        self._processes.kill()
        self._api.abort()
        await self._watcher

    # --- init and invocations ----------------------------------------------------------------------------------------

    def _on_idle(self, invocation: Invocation | None) -> None:
        """Note that the runtime has asked for an event and there is none: it has finished init or an invocation."""
        self._is_waiting = True
        self._over = invocation or self._over
        if self._is_initialized:
            self._extensions.lifecycle.runtime_done()
        else:
            self._extensions.close_registration()
        self._proceed()

    def _proceed(self) -> None:
        """End init, or the invocation, once the runtime and all extensions have asked for the next event."""
        if not (self._is_waiting and self._extensions.are_ready) or self._is_ending:
            return
        if not self._is_initialized:
            self._is_initialized = True
            self._extensions.end_init()
            for invocation in self._invocations.values():
                self._api.invoke(invocation)
        elif self._over is not None:
            self._finish(self._over)

    def _on_event_sent(self, invocation: Invocation) -> None:
        self._is_waiting = False
        self._drain()
        self._memory.start()  # the checks of a cold one began at its start
        self._log.of(invocation.request_id).start()
        self._extensions.lifecycle.started(invocation)
        self._extensions.invoke(invocation, invoked_arn(self._package.function, invocation), self._api.deadline)
        self._limit(invocation, self._package.function.timeout)

    def _finish(self, invocation: Invocation) -> None:
        self._over = None
        del self._invocations[invocation.request_id]
        self._timers.cancel(invocation.request_id)
        error = invocation.channel.error
        self._rest()
        self._drain()  # everything waits for the next event, so the invocation's output is complete
        log = self._log.of(invocation.request_id)
        if error and misses_credentials(error) and not self._settings.with_credentials:
            log.line(HINT)
        self._memory.measure()
        report = log.end(Outcome(self._memory.peak))
        self._extensions.lifecycle.ended(report, has_extensions=bool(self._extensions.registrations))
        self._call_idle(self)

    def _rest(self) -> None:
        """Stop everything until the next invocation."""
        self._memory.stop()
        self._frozen = not self._is_debugged and self._processes.freeze()

    def _drain(self) -> None:
        self._extensions.drain()
        self._processes.drain()

    def _function_line(self, text: str) -> None:
        self._extensions.telemetry.line("function", text)
        self._log.line(text)

    # --- the end -----------------------------------------------------------------------------------------------------

    @property
    def _is_ending(self) -> bool:
        return self._stopped or self._timed_out is not None or self._fault is not None

    def _on_start_failed(self) -> None:
        self._timers.replace_all(TERMINATION_TIMEOUT_S, self._shutdown.kill)  # until then, it should end by itself

    def _on_extension_failed(self, error_type: str, message: str) -> None:
        if not self._is_ending:
            self._fault = Fault(error_type, message)
            self._processes.thaw()
            self._shutdown.end_runtime()

    def _limit(self, invocation: Invocation, seconds: float) -> None:
        self._timers.set(invocation.request_id, seconds, partial(self._time_out, invocation))

    def _time_out(self, invocation: Invocation) -> None:
        self._timed_out = invocation
        self._api.expire()
        self._shutdown.end_runtime()

    def _on_out_of_memory(self) -> None:
        self._out_of_memory = True
        self._shutdown.kill()

    def _process_ids(self) -> list[int]:
        return [*self._processes.runtime_ids, *self._extensions.process_ids]

    async def _watch(self) -> None:
        """Wait for the end of the runtime, end everything else, and end its invocation."""
        code = await self._run()
        await self._end_extensions(self._ending(code, self._timed_out).error_type)
        self._processes.kill()  # the processes that the others started end with them
        if self._processes.id:
            self._reaper.remove(self._processes.id)
        await self._processes.end_output(TERMINATION_TIMEOUT_S)
        await self._extensions.close(TERMINATION_TIMEOUT_S)
        await self._api.close()  # delivers a response that the runtime has sent completely
        self._timers.cancel_all()
        self._memory.stop()
        for invocation in self._invocations.values():
            log = self._log.of(invocation.request_id)
            report = self._ending(code, invocation).end(invocation, log, self._memory.peak)
            self._extensions.lifecycle.ended(report, has_extensions=False)
        self._invocations.clear()
        self._call_gone(self)

    async def _run(self) -> int:
        """Start the runtime, if that has waited for external extensions to register; return its exit code."""
        if not self._processes.has_started:
            await self._extensions.settled()
            try:
                if not self._is_ending:
                    await self._start_runtime()
            except OSError as error:
                self._fault = invalid_entrypoint(error)
            if self._is_ending:
                self._shutdown.end_runtime()
        return await self._processes.wait()

    async def _end_extensions(self, error_type: str) -> None:
        self._drain()
        if not self._is_initialized:
            self._extensions.end_init(error_type)
        self._extensions.lifecycle.runtime_done(error_type, timed_out=self._timed_out is not None)
        await self._shutdown.end_extensions()

    def _shutdown_reason(self) -> str:
        return "timeout" if self._timed_out else "spindown" if self._stopped else "failure"

    def _ending(self, code: int, invocation: Invocation | None) -> Ending:
        """Return the reason for the end of the sandbox; the timeout of another invocation does not count."""
        timeout = self._package.function.timeout if invocation and invocation is self._timed_out else None
        return Ending(timeout, self._fault, self._api.start_error, code, self._out_of_memory)
