"""The Runtime API client of a worker. Unlike the client of a process that runs alone, it does not give up at once.

How often it tries, and that all workers report the same failed start, is as with AWS's client (read in awslambdaric
4.2.2, LambdaMultiConcurrentRuntimeClient).
"""

import time

from .._runtime.runtime_api import RuntimeApi
from ..errors import RequestRefused, RuntimeApiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .._runtime.context import InvocationRequest
    from .._runtime.invocation import Invocation
    from .._runtime.loader import Handler
    from .._runtime.logs import Logs

    Handle = Callable[[RuntimeApi, Handler, Invocation], None]

DELAYS_S = (0.1, 0.2, 0.4, 0.8)  # before the second attempt, the third and so on


class RetryingRuntimeApi(RuntimeApi):
    """A client that asks /next again if that fails, and logs why. `sleep` waits for so many seconds."""

    def __init__(
        self, address: str, user_agent: str, logs: "Logs", sleep: "Callable[[float], object]" = time.sleep
    ) -> None:
        super().__init__(address, user_agent)
        self._logs = logs
        self._sleep = sleep

    def next(self) -> "InvocationRequest":
        """Wait for the next invocation. Raises what the last attempt raises."""
        for delay in DELAYS_S:
            try:
                return super().next()
            except RuntimeApiError as error:
                self._logs.line("WARNING", f"no next invocation, another attempt follows in {delay} s: {error}")
            self._sleep(delay)
        return super().next()

    def post_init_error(self, report: bytes, error_type: str) -> None:
        """Report that the function cannot start, unless another worker has done so."""
        try:
            super().post_init_error(report, error_type)
        except RequestRefused as refusal:
            if refusal.status != 403:
                raise


def surviving(handle: "Handle") -> "Handle":
    """Return `handle`, which runs an invocation, as a function that goes on if the answer is not taken."""

    def handle_and_survive(api: RuntimeApi, handler: "Handler", invocation: "Invocation") -> None:
        try:
            handle(api, handler, invocation)
        except RuntimeApiError:
            pass  # the invocation has logged it

    return handle_and_survive
