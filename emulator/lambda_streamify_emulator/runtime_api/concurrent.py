"""The Runtime API for a runtime that runs several invocations at a time, as on managed instances.

The runtime has a number of workers: processes, threads or tasks. Each one asks for its next event on a connection of
its own, so as many connections wait in /next at a time as there are workers without an invocation.

Source: `internal/lambda-managed-instances` of AWS's Runtime Interface Emulator: `invoke/invoke_router.go`,
`runtime_pool.go`, `running_invoke.go` and `rapi/handler`. Unlike with one invocation at a time, no call has to wait for
another one, an invocation is over when its answer is complete, and one that times out ends alone.
"""

import asyncio
import time
from collections import deque
from collections.abc import Collection
from functools import partial

from ..invocations.channel import FunctionError
from ..invocations.invocation import Invocation
from ..invocations.limits import LIMITS, Limits
from ..template.reader import Function
from .calls import CALLS
from .connection import Call, RuntimeConnection
from .error_reports import TRUNCATED
from .event import event_answer
from .running_invocation import RunningInvocation
from .server import CONNECTION_LIMIT, INVALID_ID, TIMED_OUT, TRUNCATION_DELAY_S, Hooks, RuntimeApi
from .states import INIT_ERROR, forbidden
from .wire import Answer, Head, error_answer

CONNECTIONS_PER_WORKER = 2  # one that waits in /next, and one that posts
INTERNAL_ERROR = error_answer(500, "InternalServerError", "Internal Server Error")


class ConcurrentRuntimeApi(RuntimeApi):
    """Serves the Runtime API to one runtime with `capacity` workers.

    The hook `on_idle` is called with each invocation that is over. It is called with None when the first worker asks
    for an event, and when a worker that was `away` is back.
    """

    def __init__(
        self,
        function: Function,
        hooks: Hooks,
        *,
        capacity: int,
        limits: Limits = LIMITS,
        names: Collection[str] = (),
    ) -> None:
        super().__init__(function, hooks, limits=limits, names=names)
        self.connection_limit = CONNECTION_LIMIT + CONNECTIONS_PER_WORKER * capacity
        self._capacity = capacity
        self._lost = 0  # workers whose invocation has timed out or was cut off, or whose connection is closed
        self._has_started = False  # a worker has asked for an event
        self._queue: deque[Invocation] = deque()
        self._running: dict[str, RunningInvocation] = {}  # by request id
        self._timed_out: dict[str, None] = {}  # request ids, the oldest first

    @property
    def away(self) -> int:
        """How many workers take no event for now."""
        return self._lost + sum(connection.half_closed for connection in self._waiting)

    async def close(self) -> None:
        """Stop listening after the runtime's end, and wait until everything that it sent has been read."""
        await super().close()
        for running in self._running.values():
            running.cancel_timer()

    def invoke(self, invocation: Invocation) -> None:
        """Send the event of `invocation` to the first worker that asks for one."""
        self._queue.append(invocation)
        self._send_events()

    def time_out(self, invocation: Invocation) -> None:
        """End one invocation: its worker gets the answer that it is too late, and may ask for another event."""
        running = self._running.pop(invocation.request_id, None)
        if running is None:
            return
        running.stop(TIMED_OUT)
        self._lose_worker()
        self._timed_out[invocation.request_id] = None
        while len(self._timed_out) > self._capacity:
            del self._timed_out[next(iter(self._timed_out))]

    # --- called by connections ---------------------------------------------------------------------------------------

    def disconnected(self, connection: RuntimeConnection) -> None:
        """Forget a closed connection. The worker that waited on it may come back on another one."""
        was_waiting = connection in self._waiting
        super().disconnected(connection)
        if was_waiting:
            self._lose_worker()

    def _admit(self, name: str, request_id: str | None, connection: RuntimeConnection, head: Head) -> Call:
        if name == "init/error":
            self.state = INIT_ERROR
        if request_id is None:
            return CALLS[name](self, connection, head)
        return self._running[request_id].open(CALLS[name], connection, head)

    def _forbidden(self, name: str) -> Answer | None:
        if name == "next":
            waiting = sum(not connection.half_closed for connection in self._waiting)
            return INTERNAL_ERROR if waiting >= self._capacity else None
        is_reported = name == "init/error" and self.state == INIT_ERROR  # by another worker
        return forbidden(INIT_ERROR, name) if is_reported else None

    def _reject_stale(self, request_id: str, head: Head) -> Answer | None:
        running = self._running.get(request_id)
        if running is not None:
            return running.reject(head)
        if request_id not in self._timed_out:
            return INVALID_ID
        del self._timed_out[request_id]  # the runtime is told once
        self._lost = max(self._lost - 1, 0)
        self._hooks.on_idle(None)
        return TIMED_OUT

    # --- called by calls ---------------------------------------------------------------------------------------------

    def wait(self, connection: RuntimeConnection) -> None:
        """Answer the connection, whose worker has called /next, when there is an event for it."""
        if self._closing:
            connection.abort()
            return
        before = self.away
        self._waiting.append(connection)
        for other in self._waiting[:]:
            if other.half_closed and len(self._waiting) + len(self._running) > self._capacity:
                self._waiting.remove(other)  # this worker is back in its place
                other.abort()
        self._lost = min(self._lost, self._elsewhere)
        if self.away < before or not self._has_started:
            self._has_started = True
            self._hooks.on_idle(None)
        self._send_events()

    def failed(self, error: FunctionError) -> None:
        """Handle the report that the runtime, or one of its workers, cannot start."""
        if not self._has_started:
            super().failed(error)
            return
        self.warn(f"one worker of the runtime cannot start ({error.error_type}); the others go on")
        self._lose_worker()

    # --- called by running invocations -------------------------------------------------------------------------------

    def over(self, running: RunningInvocation, error: FunctionError | None, *, is_cut_off: bool = False) -> None:
        """End an invocation: its response or its error is complete, or its worker is gone."""
        invocation = running.invocation
        if self._running.get(invocation.request_id) is running:
            del self._running[invocation.request_id]
            running.cancel_timer()
            if is_cut_off:
                self._lose_worker()
            invocation.channel.end(error)
            self._hooks.on_idle(invocation)

    def cut_off(self, running: RunningInvocation) -> asyncio.TimerHandle:
        """End an invocation whose response has ended too early, unless the runtime is about to end and explains it."""
        self.warn("the response was cut off: it ended without its last chunk, or before its length")
        report = partial(self.over, running, TRUNCATED, is_cut_off=True)
        return asyncio.get_running_loop().call_later(TRUNCATION_DELAY_S, report)

    @property
    def _elsewhere(self) -> int:
        """How many workers neither wait nor run an invocation; a worker that asks for more meanwhile counts twice."""
        return max(self._capacity - len(self._running) - len(self._waiting), 0)

    def _lose_worker(self) -> None:
        """Note that a worker is away whose invocation or connection has ended, unless it is back already."""
        self._lost = min(self._lost + 1, self._elsewhere)

    def _send_events(self) -> None:
        while self._queue and self._waiting:
            connection = min(self._waiting, key=lambda waiting: waiting.half_closed)
            if connection.half_closed and self._running:  # its worker is probably gone: wait for another
                return
            self._waiting.remove(connection)
            invocation = self._queue.popleft()
            self._running[invocation.request_id] = RunningInvocation(self, invocation)
            self.deadline = time.time() + self._function.timeout
            self._hooks.on_event_sent(invocation)
            connection.answer(event_answer(self._function, invocation, self.deadline))
