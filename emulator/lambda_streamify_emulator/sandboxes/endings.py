"""The reason for the end of a sandbox, and the error for its invocation, in AWS's wording."""

import signal
from dataclasses import dataclass

from ..invocations.channel import FunctionError
from ..invocations.invocation import Invocation
from ..invocations.invocation_log import InvocationLog, Outcome, Report
from ..processes.exit_status import describe_exit


def exit_message(code: int) -> str:
    """Return the error message; a negative `code` is the number of the signal that ended the process."""
    if code == 0:
        return "Runtime exited without providing a reason"
    return f"Runtime exited with error: {describe_exit(code)}"


def exit_type(code: int, *, out_of_memory: bool) -> str:
    """Return the error type: the reason for the end of the process, if the platform knows it.

    `out_of_memory` says that the platform has killed the process for its use of memory. If the process had ended by
    itself before that, its `code` and its error type differ.
    """
    return "Runtime.OutOfMemory" if out_of_memory and code == -signal.SIGKILL else "Runtime.ExitError"


def timeout_message(seconds: float) -> str:
    """Return the message of Sandbox.Timedout; `seconds` is the function's timeout."""
    return f"Task timed out after {seconds:.2f} seconds"


@dataclass(frozen=True)
class Fault:
    """An error, other than the end of the runtime, that ends the sandbox. `message` is AWS's."""

    error_type: str
    message: str


def invalid_entrypoint(error: OSError) -> Fault:
    """Return the error for a runtime that cannot be started."""
    return Fault("Runtime.InvalidEntrypoint", f"{error.filename} does not start: {error.strerror}")


@dataclass(frozen=True)
class Ending:
    """Why a sandbox has ended. The first reason that applies counts."""

    timeout: float | None
    """The function's timeout in seconds, if the invocation has exceeded it."""
    fault: Fault | None
    start_error: FunctionError | None
    """The error that the runtime has reported if it could not start."""
    code: int
    """The exit code of the runtime."""
    out_of_memory: bool

    @property
    def error_type(self) -> str:
        """The type of the error for an invocation that has no complete response."""
        if self.timeout is not None:
            return "Sandbox.Timedout"
        if self.fault is not None:
            return self.fault.error_type
        if self.start_error is not None:
            return self.start_error.error_type
        return exit_type(self.code, out_of_memory=self.out_of_memory)

    def end(self, invocation: Invocation, log: InvocationLog, memory: int | None) -> Report:
        """Fail the invocation unless it has been answered, and log the reason. `memory` is the peak use in bytes."""
        outcome = Outcome(memory, error_type=self.error_type)
        if self.timeout is not None:
            message = timeout_message(self.timeout)
            log.line(message)
            invocation.fail(self.error_type, message)
            outcome = Outcome(memory, duration=self.timeout, timed_out=True)
        elif self.fault is not None:
            log.line(f"RequestId: {invocation.request_id} Error: {self.fault.message}")
            log.line(self.error_type)
            invocation.fail(self.error_type, self.fault.message)
        elif self.start_error is not None:
            invocation.channel.end(self.start_error)
        elif not invocation.channel.ended:
            message = exit_message(self.code)
            log.line(message)
            invocation.fail(self.error_type, message)
        else:
            outcome = Outcome(memory)
        return log.end(outcome)
