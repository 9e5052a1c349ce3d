"""The Runtime API of one sandbox: any runtime may call it, ours has no privilege.

Sources: AWS Lambda Developer Guide, "Using the Lambda runtime API"; paths, checks and their order, and the wording of
refusals as in AWS's Runtime Interface Emulator, whose code is close to Lambda's, and as it was observed to answer.
"""

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from ..invocations.channel import FunctionError
from ..invocations.invocation import Invocation
from ..invocations.limits import LIMITS, Limits
from ..template.reader import Function
from .calls import CALLS
from .connection import Call, Refusal, RuntimeConnection
from .error_reports import TRUNCATED
from .states import READY, RESPONSE_SENT, RUNNING, STARTED, TRANSITIONS, forbidden
from .wire import Answer, Head, error_answer, plain_answer

VERSION = "/2018-06-01/runtime/"
INVOCATION_ID = "lambda-runtime-invocation-id"
CONNECTION_LIMIT = 256  # open at a time; a runtime needs one or two
BACKLOG = 1024  # connections that wait to be accepted; one more and its runtime is held for a second
SETTLING = 0.2  # seconds in which the end of a process explains why its response was cut
PATIENCE = 1.0  # seconds without a byte, after which a connection is not what holds a response that was sent whole

_METHODS = {"next": "GET", "restore/next": "GET"}  # of the calls; all others are POST
_PATHS = {"invocation/next": "next", "init/error": "init/error"}
_SNAPSTART_PATHS = {"restore/next": "restore/next", "restore/error": "restore/error"}

NOT_FOUND = plain_answer(404, "404 page not found\n")
INVALID_ID = error_answer(400, "InvalidRequestID", "Invalid request ID")
# AWS's runtimes know this one since 2026: what is posted for an attempt that has timed out.
TIMED_OUT = error_answer(410, "InvokeTimeout", "Invoke timeout")


@dataclass(frozen=True)
class Hooks:
    """What a sandbox is told about its runtime."""

    handed_over: Callable[[], None]
    """An event goes to the runtime."""
    idle: Callable[[], None]
    """The runtime asks for an event, and there is none."""
    failed: Callable[[], None]
    """The runtime has said that it cannot start."""
    warn: Callable[[str], None]
    """The runtime's author should know this."""


class RuntimeApi:
    """Serves the Runtime API to one runtime, on a port of its own.

    With `snapstart` it has the calls around a snapshot too.
    """

    def __init__(self, function: Function, hooks: Hooks, *, snapstart: bool = False, limits: Limits = LIMITS) -> None:
        self.state = STARTED
        self.start_error: FunctionError | None = None
        self.limits = limits
        self._closing = False
        self._function = function
        self._hooks = hooks
        self._paths = {**_PATHS, **(_SNAPSTART_PATHS if snapstart else {})}
        self._invocation: Invocation | None = None
        self._expired: Invocation | None = None
        self._deadline = 0.0
        self._cut_off: Invocation | None = None
        self._settling: asyncio.TimerHandle | None = None
        self._waiting: list[RuntimeConnection] = []
        self._connections: set[RuntimeConnection] = set()
        self._all_closed = asyncio.Event()
        self._all_closed.set()

    async def start(self) -> str:
        """Listen; returns the address for AWS_LAMBDA_RUNTIME_API."""
        self._server = await asyncio.get_running_loop().create_server(
            lambda: RuntimeConnection(self),
            "127.0.0.1",
            0,
            backlog=BACKLOG,
        )
        host, port = self._server.sockets[0].getsockname()
        return f"{host}:{port}"

    async def close(self) -> None:
        """The runtime is gone: stop listening, and wait until everything that it sent is read."""
        self._closing = True
        self._server.close()
        for connection in list(self._waiting):  # nobody is behind it any more
            connection.abort()
        while self._connections:
            before = sum(connection.received for connection in self._connections)
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._all_closed.wait(), PATIENCE)
            after = sum(connection.received for connection in self._connections)
            # What the runtime has started may live on and hold a connection; a reader may be as slow as it likes.
            if before == after and not any(connection.is_held_up for connection in self._connections):
                self.abort()
        if self._settling is not None:
            self._settling.cancel()

    def abort(self) -> None:
        """Drop all connections."""
        for connection in list(self._connections):
            connection.abort()

    def invoke(self, invocation: Invocation) -> None:
        """Give the runtime this event as soon as it asks."""
        self._invocation = invocation
        self._hand_over()

    def expire(self) -> None:
        """The invocation has taken too long: what still comes of it is late, and nothing else is given out."""
        self._expired, self._invocation = self._invocation, None

    # --- called by connections ---------------------------------------------------------------------------------------

    def connected(self, connection: RuntimeConnection) -> None:
        """A connection is open."""
        self._connections.add(connection)
        self._all_closed.clear()
        if len(self._connections) > CONNECTION_LIMIT:
            self.warn(f"the runtime opens more than {CONNECTION_LIMIT} connections: the newest is dropped")
            connection.abort()

    def disconnected(self, connection: RuntimeConnection) -> None:
        """A connection is closed."""
        self._connections.discard(connection)
        if connection in self._waiting:
            self._waiting.remove(connection)
        if not self._connections:
            self._all_closed.set()

    def open(self, connection: RuntimeConnection, head: Head) -> Call:
        """The call that a request with this head makes."""
        path, _, _ = head.target.partition("?")
        name, request_id = self._route(path)
        refusal = self._refusal(name, request_id, head)
        if refusal is not None:
            return Refusal(refusal)
        if self.state == RESPONSE_SENT:  # the call is /next: the invocation is over
            self._settle()
            self._invocation = None
        self.state = TRANSITIONS[self.state][name]
        return CALLS[name](self, connection, head)

    def _route(self, path: str) -> tuple[str, str | None]:
        """The name of the call at a path, or "" if there is none; and the request id in it, as it stands."""
        name = path.removeprefix(VERSION) if path.startswith(VERSION) else ""
        parts = name.split("/")
        if len(parts) == 3 and parts[0] == "invocation" and parts[2] in ("response", "error"):
            return parts[2], parts[1]
        return self._paths.get(name, ""), None

    def _refusal(self, name: str, request_id: str | None, head: Head) -> Answer | None:
        """Why the runtime may not make this call now; the checks in the order that Lambda makes them."""
        if not name:
            self.warn(f"{head.method} {head.target} is no call of the Runtime API")
            return NOT_FOUND
        method = _METHODS.get(name, "POST")
        if head.method != method:
            return Answer(405, headers={"Allow": method})
        if request_id is not None and (refusal := self._stranger(request_id, head)):
            return refusal
        return forbidden(self.state, name)

    def _stranger(self, request_id: str, head: Head) -> Answer | None:
        """Why a post with this id is not one of the current attempt; a runtime need not tell the attempt."""
        if self._expired is not None and request_id == self._expired.request_id:
            return TIMED_OUT
        # Not decoded: AWS's emulator does not know the id behind %2D either.
        if self._invocation is None or request_id != self._invocation.request_id:
            return INVALID_ID
        attempt = self._invocation.attempt
        return None if head.headers.get(INVOCATION_ID, attempt) == attempt else TIMED_OUT

    # --- called by calls ---------------------------------------------------------------------------------------------

    @property
    def invocation(self) -> Invocation:
        """The invocation that the runtime is at work on."""
        assert self._invocation is not None  # a call for it has passed the checks
        return self._invocation

    def warn(self, text: str) -> None:
        """Tell the runtime's author something."""
        self._hooks.warn(text)

    def wait(self, connection: RuntimeConnection) -> None:
        """The runtime waits in /next."""
        if self.state == RUNNING and self._invocation is not None:
            connection.answer(self._event())
            return
        if self._closing:
            connection.abort()
            return
        self._waiting.append(connection)
        if self._invocation is None and self._expired is None and len(self._waiting) == 1:
            self._hooks.idle()
        self._hand_over()

    def answered(self, error: FunctionError | None) -> None:
        """The invocation has its whole response, or its error."""
        self.state = RESPONSE_SENT
        if self._invocation is not None:
            self._invocation.channel.end(error)

    def truncated(self) -> None:
        """The response has ended before it was complete: the runtime's fault, unless its process is about to end."""
        self.state = RESPONSE_SENT
        if self._invocation is not None:
            self.warn("the response was cut off: it ended without its last chunk, or before its length")
            self._cut_off = self._invocation
            self._settling = asyncio.get_running_loop().call_later(SETTLING, self._settle)

    def failed(self, error: FunctionError) -> None:
        """The runtime cannot start, or not go on after a snapshot was restored."""
        self.start_error = error
        self._hooks.failed()

    def _settle(self) -> None:
        if self._cut_off is not None:
            self._cut_off.channel.end(TRUNCATED)

    def _hand_over(self) -> None:
        if self._invocation is None or self.state != READY or not self._waiting:
            return
        # One that is half closed may be one that nobody is behind any more.
        connection = min(self._waiting, key=lambda waiting: waiting.half_closed)
        self._waiting.remove(connection)
        self.state = RUNNING
        self._deadline = time.time() + self._function.timeout
        self._hooks.handed_over()
        connection.answer(self._event())

    def _event(self) -> Answer:
        """The answer to /next; what is empty is left out."""
        invocation = self.invocation
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(self._deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self._function.arn,
            "Lambda-Runtime-Invocation-Id": invocation.attempt,
            "Lambda-Runtime-Trace-Id": invocation.trace_id,
            "Lambda-Runtime-Client-Context": invocation.client_context,
            "Lambda-Runtime-Aws-Tenant-Id": invocation.tenant_id,
            "Lambda-Runtime-Cognito-Identity": None,
        }
        if invocation.cognito_identity is not None:
            identity_id, pool_id = invocation.cognito_identity
            identity = {"cognitoIdentityId": identity_id, "cognitoIdentityPoolId": pool_id}
            headers["Lambda-Runtime-Cognito-Identity"] = json.dumps(identity, separators=(",", ":"))
        return Answer(200, invocation.event, {name: value for name, value in headers.items() if value})
