"""The Runtime API of one sandbox. Any runtime may call it; the streamify layer gets no special treatment.

Sources: AWS Lambda Developer Guide, "Using the Lambda runtime API"; for paths, checks, their order and the wording of
refusals, the code and the observed answers of AWS's Runtime Interface Emulator, whose code is close to Lambda's.
"""

import asyncio
import socket
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

from ..invocations.channel import FunctionError
from ..invocations.invocation import Invocation
from ..invocations.limits import LIMITS, Limits
from ..listener import Listener
from ..template.reader import Function
from ..web.host_check import refusal
from .calls import CALLS, Ping
from .connection import Call, OtherApi, Refusal, RuntimeConnection
from .error_reports import TRUNCATED
from .event import event_answer
from .states import READY, RESPONSE_SENT, RUNNING, STARTED, TRANSITIONS, forbidden
from .wire import Answer, Head, error_answer, method_not_allowed, plain_answer

VERSION = "/2018-06-01/runtime/"
PING = "/2018-06-01/ping"  # a health check
INVOCATION_ID = "lambda-runtime-invocation-id"
CONNECTION_LIMIT = 256  # open at the same time; a runtime needs one or two
BACKLOG = 1024  # connections that wait to be accepted; one more waits for a second
# A truncated response is reported as such after this delay, unless the process ends first and explains it. A busy
# machine needs this long.
TRUNCATION_DELAY_S = 1.0
# After the runtime's end, connections may deliver the rest of a response until none has received a byte for this long.
IDLE_TIMEOUT_S = 1.0

_METHODS = {"next": "GET", "restore/next": "GET"}  # all other calls are POST
_PATHS = {"invocation/next": "next", "init/error": "init/error"}
_SNAPSTART_PATHS = {"restore/next": "restore/next", "restore/error": "restore/error"}

NOT_FOUND = plain_answer(404, "404 page not found\n")
INVALID_ID = error_answer(400, "InvalidRequestID", "Invalid request ID")
# The answer to a post for an attempt that has timed out. AWS's runtimes handle it since 2026.
TIMED_OUT = error_answer(410, "InvokeTimeout", "Invoke timeout")


@dataclass(frozen=True)
class Hooks:
    """The callbacks by which a sandbox follows its runtime."""

    on_event_sent: Callable[[Invocation], None]
    """Called when the event of an invocation is sent to the runtime."""
    on_idle: Callable[[Invocation | None], None]
    """Called when the runtime asks for an event and there is none, with the invocation that this ends, if any."""
    on_start_failed: Callable[[], None]
    """Called when the runtime reports that it cannot start."""
    warn: Callable[[str], None]
    """Called with a warning for the author of the runtime."""


class RuntimeApi:
    """Serves the Runtime API to one runtime, on a port of its own.

    `snapstart` adds the calls around a snapshot. Requests from web pages are refused: the Host header of a request must
    be an address, or one of `names`.
    """

    def __init__(
        self,
        function: Function,
        hooks: Hooks,
        *,
        snapstart: bool = False,
        limits: Limits = LIMITS,
        names: Collection[str] = (),
    ) -> None:
        self.state = STARTED
        self.start_error: FunctionError | None = None
        self.deadline = 0.0
        """When the present invocation times out, in seconds since the epoch."""
        self.limits = limits
        self.connection_limit = CONNECTION_LIMIT
        self._names = names
        self._closing = False
        self._function = function
        self._hooks = hooks
        self._paths = {**_PATHS, **(_SNAPSTART_PATHS if snapstart else {})}
        self._invocation: Invocation | None = None
        self._expired: Invocation | None = None
        self._over: Invocation | None = None  # ended by the latest /next
        self._others: OtherApi | None = None
        self._cut_off: Invocation | None = None
        self._truncation_timer: asyncio.TimerHandle | None = None
        self._waiting: list[RuntimeConnection] = []
        self._connections: set[RuntimeConnection] = set()
        self._all_closed = asyncio.Event()
        self._all_closed.set()

    def mount(self, other: OtherApi) -> None:
        """Serve another API at the same address."""
        self._others = other

    async def start(self, host: str = "127.0.0.1", name: str | None = None) -> str:
        """Start to listen on the address `host`; return the address for AWS_LAMBDA_RUNTIME_API.

        `name` is the name of the host for the runtime, if that is another one.
        """
        self._names = (*self._names, name or host)
        listening = socket.create_server((host, 0))
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it
        self._server = Listener(listening, lambda: RuntimeConnection(self), BACKLOG)
        return f"{name or host}:{listening.getsockname()[1]}"

    async def close(self) -> None:
        """Stop listening after the runtime's end, and wait until everything that it sent has been read."""
        self._closing = True
        self._server.close()
        for connection in list(self._waiting):  # the runtime is gone
            connection.abort()
        while self._connections:
            before = sum(connection.received for connection in self._connections)
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._all_closed.wait(), IDLE_TIMEOUT_S)
            after = sum(connection.received for connection in self._connections)
            # A process that the runtime started may survive it and keep a connection open. A client may be slow.
            if before == after and not any(connection.is_held_up for connection in self._connections):
                self.abort()
        if self._truncation_timer is not None:
            self._truncation_timer.cancel()

    def abort(self) -> None:
        """Reset all connections."""
        for connection in list(self._connections):
            connection.abort()

    def invoke(self, invocation: Invocation) -> None:
        """Send the event of `invocation` to the runtime as soon as it asks for one."""
        self._invocation = invocation
        self._send_event()

    def expire(self) -> None:
        """Time the invocation out: its response is refused as late, and the runtime gets no further event."""
        self._expired, self._invocation = self._invocation, None

    # --- called by connections ---------------------------------------------------------------------------------------

    def connected(self, connection: RuntimeConnection) -> None:
        """Register an open connection."""
        self._connections.add(connection)
        self._all_closed.clear()
        if len(self._connections) > self.connection_limit:
            self.warn(f"the runtime has more than {self.connection_limit} open connections: the newest one is closed")
            connection.abort()

    def disconnected(self, connection: RuntimeConnection) -> None:
        """Forget a closed connection."""
        self._connections.discard(connection)
        if connection in self._waiting:
            self._waiting.remove(connection)
        if self._others is not None:
            self._others.disconnected(connection)
        if not self._connections:
            self._all_closed.set()

    def open(self, connection: RuntimeConnection, head: Head) -> Call:
        """Return the call for a request with this head; it is a Refusal if the runtime may not make it."""
        path, _, _ = head.target.partition("?")
        if foreign := self._reject_foreign(head):
            return Refusal(foreign)
        if path == PING:
            return Ping() if head.method == "GET" else Refusal(method_not_allowed("GET"))
        if self._others is not None and (call := self._others.open(connection, head)) is not None:
            return call
        name, request_id = self._route(path)
        refused = self._refusal(name, request_id, head)
        if refused is not None:
            return Refusal(refused)
        return self._admit(name, request_id, connection, head)

    def _admit(self, name: str, _: str | None, connection: RuntimeConnection, head: Head) -> Call:
        """Return a call that the runtime may make now."""
        if self.state == RESPONSE_SENT:  # the call is /next: the invocation is over
            self._report_truncation()
            self._over, self._invocation = self._invocation, None
        self.state = TRANSITIONS[self.state][name]
        return CALLS[name](self, connection, head)

    def _route(self, path: str) -> tuple[str, str | None]:
        """Return the name of the call at a path, "" if there is none, and the request id in the path, not decoded."""
        name = path.removeprefix(VERSION) if path.startswith(VERSION) else ""
        parts = name.split("/")
        if len(parts) == 3 and parts[0] == "invocation" and parts[2] in ("response", "error"):
            return parts[2], parts[1]
        return self._paths.get(name, ""), None

    def _reject_foreign(self, head: Head) -> Answer | None:
        """Return the refusal of a request from a web page, which its headers reveal; None for other requests."""
        hosts, origins = (_split_list(head.headers.get(name)) for name in ("host", "origin"))
        problem = refusal("POST", hosts, origins, self._names)  # each call changes state, GET /next included
        if problem is None:
            return None
        self.warn(f"{head.method} {head.target} is refused: {problem}")
        return error_answer(403, "AccessDenied", problem)

    def _refusal(self, name: str, request_id: str | None, head: Head) -> Answer | None:
        """Return the refusal of a call that is not allowed now, else None. The checks are in Lambda's order."""
        if not name:
            self.warn(f"{head.method} {head.target} is not a call of the Runtime API")
            return NOT_FOUND
        method = _METHODS.get(name, "POST")
        if head.method != method:
            return method_not_allowed(method)
        if request_id is not None and (stale := self._reject_stale(request_id, head)):
            return stale
        return self._forbidden(name)

    def _forbidden(self, name: str) -> Answer | None:
        """Return the refusal of a call in the present state, else None."""
        return forbidden(self.state, name)

    def _reject_stale(self, request_id: str, head: Head) -> Answer | None:
        """Return the refusal of a request id that is not the current one, else None."""
        if self._expired is not None and request_id == self._expired.request_id:
            return TIMED_OUT
        # The id is not decoded: AWS's emulator does not decode %2D in it either.
        if self._invocation is None or request_id != self._invocation.request_id:
            return INVALID_ID
        attempt = self._invocation.attempt  # its header is optional
        return None if head.headers.get(INVOCATION_ID, attempt) == attempt else TIMED_OUT

    # --- called by calls ---------------------------------------------------------------------------------------------

    @property
    def invocation(self) -> Invocation:
        """The invocation that the runtime is running."""
        assert self._invocation is not None  # the checks have passed
        return self._invocation

    def warn(self, text: str) -> None:
        """Log a warning for the author of the runtime."""
        self._hooks.warn(text)

    def wait(self, connection: RuntimeConnection) -> None:
        """Answer the connection, which has called /next, when there is an event."""
        if self.state == RUNNING and self._invocation is not None:
            connection.answer(event_answer(self._function, self.invocation, self.deadline))
            return
        if self._closing:
            connection.abort()
            return
        self._waiting.append(connection)
        if self._invocation is None and self._expired is None and len(self._waiting) == 1:
            over, self._over = self._over, None
            self._hooks.on_idle(over)
        self._send_event()

    def answered(self, error: FunctionError | None) -> None:
        """End the invocation: its response or its error is complete."""
        self.state = RESPONSE_SENT
        if self._invocation is not None:
            self._invocation.channel.end(error)

    def refused(self, error: FunctionError) -> None:
        """End the invocation, whose response is not accepted. The runtime can make no further call."""
        self.invocation.channel.end(error)

    def truncated(self) -> None:
        """Handle a response that has ended too early: the runtime's fault, unless its process is about to end."""
        self.state = RESPONSE_SENT
        if self._invocation is not None:
            self.warn("the response was cut off: it ended without its last chunk, or before its length")
            self._cut_off = self._invocation
            self._truncation_timer = asyncio.get_running_loop().call_later(TRUNCATION_DELAY_S, self._report_truncation)

    def failed(self, error: FunctionError) -> None:
        """Handle the report that the runtime cannot start, or cannot continue after a restored snapshot."""
        self.start_error = error
        self._hooks.on_start_failed()

    def _report_truncation(self) -> None:
        if self._cut_off is not None:
            self._cut_off.channel.end(TRUNCATED)

    def _send_event(self) -> None:
        if self._invocation is None or self.state != READY or not self._waiting:
            return
        # The runtime may be gone from a half-closed connection: prefer another.
        connection = min(self._waiting, key=lambda waiting: waiting.half_closed)
        self._waiting.remove(connection)
        self.state = RUNNING
        self.deadline = time.time() + self._function.timeout
        self._hooks.on_event_sent(self._invocation)
        connection.answer(event_answer(self._function, self.invocation, self.deadline))


def _split_list(field: str | None) -> list[str]:
    """Return the values of a header, which may be repeated."""
    return [] if field is None else [value.strip() for value in field.split(",")]
