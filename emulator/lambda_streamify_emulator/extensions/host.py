"""The extensions of one sandbox, from the start of external ones to SHUTDOWN.

Sources: AWS Lambda Developer Guide, "Lambda Extensions API", lifecycle; `rapid/handlers.go` and `rapid/shutdown.go` of
AWS's Runtime Interface Emulator. The lines EXTENSION, TELEMETRY and LOGS are those in published logs of Lambda.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..invocations.invocation import Invocation
from ..invocations.limits import Limits
from ..listener import shortage
from ..processes.exit_status import describe_exit
from ..template.reader import Function
from .lifecycle import Lifecycle
from .processes import ExtensionProcesses
from .programs import FOLDER, Programs
from .records import extension_init, tracing
from .registrations import EXTENSION_LIMIT, INVOKE, SHUTDOWN, Extension, Registrations, error_type_of
from .routes import ExtensionsApi
from .routes import Hooks as ApiHooks
from .states import READY
from .subscription import Api
from .telemetry import Telemetry

# From SIGTERM for the runtime to SIGKILL, with an external extension and with internal ones only; and the part of the
# runtime in the former: AWS Lambda Developer Guide, "Lambda Extensions API", shutdown phase.
SHUTDOWN_TIMEOUT_S, INTERNAL_SHUTDOWN_TIMEOUT_S, RUNTIME_SHUTDOWN_TIMEOUT_S = 2.0, 0.5, 0.3
# From the report of an error to the end of the sandbox, if the extension does not end by itself.
ERROR_TIMEOUT_S = 2


@dataclass(frozen=True)
class Hooks:
    """The callbacks by which a sandbox follows its extensions."""

    on_waiting: Callable[[], None]
    """Called when an extension has asked for its next event."""
    on_failed: Callable[[str, str], None]
    """Called with the error type and AWS's message when an extension has failed, which ends the sandbox."""
    log: Callable[[str], None]
    """Called with each line of the sandbox's log."""
    warn: Callable[[str], None]
    """Called with each line for the developer that is not part of that log."""


class ExtensionHost:
    """The extensions of one sandbox, and its telemetry. `programs` are those of external extensions."""

    def __init__(
        self, function: Function, programs: Programs, hooks: Hooks, limits: Limits, *, is_concurrent: bool = False
    ) -> None:
        self.telemetry = Telemetry(hooks.warn)
        self.lifecycle = Lifecycle(self.telemetry, function)
        self._programs = programs
        self.registrations = Registrations(is_concurrent=is_concurrent)
        self._hooks = hooks
        self._processes = ExtensionProcesses(programs, self._on_process_ended, self._line)
        api_hooks = ApiHooks(self._on_waiting, self._on_registered, self._on_error_reported, self._on_subscribed)
        self.api = ExtensionsApi(function, self.registrations, self.telemetry, api_hooks, limits)
        self._settled = asyncio.Event()  # all external extensions have registered, or one has failed
        self._shutdown: Mapping[str, Any] | None = None
        self._shutdown_ends = 0.0  # on the monotonic clock; 0 before the shutdown
        self._shutdown_sent: set[str] = set()  # to these extensions, by identifier
        self._error_timer: asyncio.TimerHandle | None = None
        self._starting: asyncio.Task[None] | None = None  # of extensions in a container, which starts meanwhile

    @property
    def are_in_container(self) -> bool:
        """Whether there are external extensions that end with the runtime, whose container they run in."""
        return self.registrations.has_external and self._programs.in_container

    @property
    def hold_runtime(self) -> bool:
        """Whether the runtime has to wait for external extensions before it starts."""
        return self.registrations.has_external and not self._programs.in_container

    @property
    def are_ready(self) -> bool:
        """Whether each extension waits for an event."""
        return self.registrations.are_all_ready

    @property
    def group(self) -> int:
        """The process group of external extensions; 0 if there is none."""
        return self._processes.group

    @property
    def process_ids(self) -> list[int]:
        """The ids of the processes of external extensions."""
        return self._processes.ids

    async def start(self, environment: Mapping[str, str], sandbox: str, join: Callable[[int], None]) -> None:
        """Start the external extensions, those in a container as soon as it has started.

        `environment` is the runtime's, `sandbox` the sandbox's own name. `join` is called with the process group, as
        soon as there is one. Raises OSError if their folder cannot be read, or for lack of resources.
        """
        extensions = [self.registrations.expect(name) for name in self._programs.names()]
        if not extensions:
            self._check_settled()
            return
        starting = self._start_all(extensions, environment, sandbox, join)
        if self.are_in_container:
            self._starting = asyncio.create_task(starting)
        else:
            await starting

    async def _start_all(
        self, extensions: list[Extension], environment: Mapping[str, str], sandbox: str, join: Callable[[int], None]
    ) -> None:
        if not await self._programs.can_start():
            return
        try:
            for number, extension in enumerate(extensions):
                if number >= EXTENSION_LIMIT:
                    self._fail_launch(extension, "TooManyExtensions", "ErrTooManyExtensions")
                    break
                if not await self._launch(extension, environment, sandbox):
                    break
                join(self._processes.group)
        finally:
            self._processes.all_started()
        self._check_settled()

    async def settled(self) -> None:
        """Wait until each external extension has registered, or one has failed, or the sandbox is about to end."""
        await self._settled.wait()

    def close_registration(self) -> None:
        """Refuse further registrations: the runtime has asked for its first event."""
        self.registrations.is_open = False

    def end_init(self, error_type: str | None = None) -> None:
        """Log the state of each extension, report the end of init, and refuse further subscriptions."""
        self.lifecycle.runtime_initialized(error_type)
        for extension in self.registrations:
            fields = [
                f"Name: {extension.name}",
                f"State: {extension.state}",
                f"Events: [{', '.join(extension.events)}]",
            ]
            if extension.error_type:
                fields.append(f"Error Type: {extension.error_type}")
            self._hooks.log("\t".join(("EXTENSION", *fields)))
            self.telemetry.emit("platform.extension", extension_init(extension))
        self.lifecycle.init_ended(error_type)
        self.telemetry.close_subscription()

    def invoke(self, invocation: Invocation, arn: str, deadline: float) -> None:
        """Send INVOKE to those that have registered for it. `deadline` is in seconds since the epoch."""
        event = {
            "eventType": INVOKE,
            "deadlineMs": int(deadline * 1000),
            "requestId": invocation.request_id,
            "invokedFunctionArn": arn,
            **tracing(invocation),
        }
        for extension in self.registrations.subscribed(INVOKE):
            if extension.state == READY:
                self.api.send(extension, event)

    def drain(self) -> None:
        """Log everything that external extensions have printed before this call."""
        self._processes.drain()

    @property
    def shutdown_timeout(self) -> float:
        """How long the runtime and the extensions may take to end, in seconds; 0 without extensions."""
        if self.registrations.has_external:
            return SHUTDOWN_TIMEOUT_S
        return INTERNAL_SHUTDOWN_TIMEOUT_S if self.registrations else 0.0

    @property
    def runtime_shutdown_timeout(self) -> float:
        """The runtime's part of that time."""
        return INTERNAL_SHUTDOWN_TIMEOUT_S if self.registrations.has_internal else RUNTIME_SHUTDOWN_TIMEOUT_S

    def begin_shutdown(self) -> None:
        """Start the time limit of the shutdown, and stop waiting for registrations."""
        runtimes_part = self.runtime_shutdown_timeout if self.are_in_container else 0.0  # it ends after them
        self._shutdown_ends = self._shutdown_ends or time.monotonic() + self.shutdown_timeout - runtimes_part
        self._settled.set()

    async def shut_down(self, reason: str) -> None:
        """End the external extensions: with SHUTDOWN, if they want it, then with SIGKILL."""
        self.begin_shutdown()
        await self._stop_starting()
        timeout = max(self._shutdown_ends - time.monotonic(), 0.0)
        deadline = int((time.time() + timeout) * 1000)
        event = {"eventType": SHUTDOWN, "deadlineMs": deadline, "shutdownReason": reason}
        self._shutdown = self._shutdown or event
        self.telemetry.flush()
        self._processes.kill_others(SHUTDOWN)
        for extension in self.registrations.subscribed(SHUTDOWN):
            if extension.state == READY:
                self._send_shutdown(extension)
        await self._processes.wait(timeout)

    async def close(self, timeout: float) -> None:
        """Kill the remaining processes, read their output for at most `timeout` seconds, and stop the telemetry."""
        self._shutdown = self._shutdown or {}
        if self._error_timer is not None:
            self._error_timer.cancel()
        await self._stop_starting()
        await self._processes.wait(0)
        await self._processes.close(timeout)
        self.telemetry.close()

    async def _stop_starting(self) -> None:
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])

    def _send_shutdown(self, extension: Extension) -> None:
        if self._shutdown is not None and extension.identifier not in self._shutdown_sent:
            self._shutdown_sent.add(extension.identifier)
            self.api.send(extension, self._shutdown)

    def _line(self, text: str) -> None:
        self.telemetry.line("extension", text)
        self._hooks.log(text)

    def _check_settled(self) -> None:
        if self.registrations.are_all_registered:
            self._settled.set()

    async def _launch(self, extension: Extension, environment: Mapping[str, str], sandbox: str) -> bool:
        """Start a program; return whether it has started. Raises OSError for lack of resources."""
        try:
            await self._processes.start(extension, environment, sandbox)
        except OSError as error:
            if shortage(error) and not self.are_in_container:  # else the invocation has started already, and fails
                raise
            reason = "PermissionDenied" if isinstance(error, PermissionError) else "UnknownError"
            text = (error.strerror or str(error)).lower()
            self._fail_launch(extension, reason, f"fork/exec /opt/{FOLDER}/{extension.name}: {text}")
            return False
        return True

    def _fail_launch(self, extension: Extension, reason: str, message: str) -> None:
        self.registrations.fail_launch(extension, reason)
        self._fail(extension, message)

    def _fail(self, extension: Extension, message: str) -> None:
        if self._shutdown is None:
            self._hooks.warn(f"the extension {extension.name} ends this sandbox: {message}")
            self._settled.set()
            self._hooks.on_failed(error_type_of(extension), message)

    # --- called by the API and by processes --------------------------------------------------------------------------

    def _on_registered(self, _: Extension) -> None:
        self._check_settled()

    def _on_waiting(self, extension: Extension) -> None:
        if self._shutdown is None:
            self._hooks.on_waiting()
        elif SHUTDOWN in extension.events:
            self._send_shutdown(extension)

    def _on_error_reported(self, extension: Extension) -> None:
        self._hooks.warn(f"the extension {extension.name} reports the error {extension.error_type}")
        if self._error_timer is None:
            loop = asyncio.get_running_loop()
            self._error_timer = loop.call_later(ERROR_TIMEOUT_S, self._fail, extension, extension.error_type)

    def _on_subscribed(self, extension: Extension, api: Api) -> None:
        subscription = self.telemetry.subscription(extension.name)
        assert subscription is not None
        types = ", ".join(name.capitalize() for name in subscription.types)
        self._hooks.log(f"{api.name.upper()}\tName: {extension.name}\tState: Subscribed\tTypes: [{types}]")

    def _on_process_ended(self, extension: Extension, code: int) -> None:
        self._processes.drain()
        self._fail(extension, "exit code 0" if code == 0 else describe_exit(code))
