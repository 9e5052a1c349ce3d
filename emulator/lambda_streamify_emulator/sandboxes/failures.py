"""Fails the invocations that no sandbox can run."""

from collections.abc import Callable

from ..invocations.invocation import Invocation
from ..listener import LOG, shortage
from .endings import invalid_entrypoint


class Failures:
    """Fails the invocations of the function `name`. `log` is called with each reason."""

    def __init__(self, name: str, log: Callable[[str], None]) -> None:
        self._name = name
        self._log = log

    def fail(self, invocation: Invocation, message: str, error_type: str = "Sandbox.Failure") -> None:
        """Fail an invocation that has no sandbox."""
        self._log(message)
        _end(invocation, error_type, message)

    def fail_for_shortage(self, invocations: list[Invocation], error: OSError) -> None:
        """Fail invocations whose sandbox cannot start for lack of resources. The log shows one failure a second."""
        message = f"no sandbox of {self._name} can start: {shortage(error) or error}"
        LOG.warning(message)
        for invocation in invocations:
            _end(invocation, "Sandbox.Failure", message)

    def fail_start(self, invocations: list[Invocation], error: OSError) -> None:
        """Fail the invocations of a sandbox that could not be started."""
        if shortage(error):
            self.fail_for_shortage(invocations, error)
            return
        fault = invalid_entrypoint(error)
        for invocation in invocations:
            self.fail(invocation, fault.message, fault.error_type)


def _end(invocation: Invocation, error_type: str, message: str) -> None:
    invocation.fail(error_type, message)
    invocation.tail.add(message)
    invocation.tail.end()
