"""The Runtime API of one sandbox: any runtime may call it, ours has no privilege.

Sources: AWS Lambda Developer Guide, "Using the Lambda runtime API"; states, checks and error bodies as in AWS's Runtime
Interface Emulator, whose code is close to Lambda's.
"""

import asyncio
import base64
import re
import time
from collections.abc import Callable

from .channel import FunctionError
from .invocation import Invocation
from .runtime_connection import ACCEPTED, Answer, Call, RuntimeConnection, error_answer
from .template import Function

VERSION = "/2018-06-01/runtime/"
ERROR_BODY_LIMIT = 6 * 1024 * 1024 + 100

ERROR_TYPE, ERROR_BODY = "lambda-runtime-function-error-type", "lambda-runtime-function-error-body"
RESPONSE_MODE = "lambda-runtime-function-response-mode"
_ERROR_TYPE_PATTERN = re.compile(r"(Runtime|Function)\.[A-Z][a-zA-Z]+")

# What a runtime may call in which state, and the state that follows.
TRANSITIONS: dict[str, dict[str, str]] = {
    "Starting": {"next": "Ready", "init/error": "InitError"},
    "InitError": {},
    "Ready": {},  # it waits in /next; the event makes it Invoked
    "Invoked": {"response": "Responding", "error": "Responding"},
    "Responding": {},  # the end of the request makes it Responded
    "Responded": {"next": "Ready"},
}


def error_type(name: str | None) -> str:
    """The error type that the platform makes of a runtime's: known shapes stay, others become `....Unknown`."""
    if name is None:
        return "Unhandled"
    if _ERROR_TYPE_PATTERN.search(name):
        return name
    return "Function.Unknown" if name.startswith("Function.") else "Runtime.Unknown"


class RuntimeApi:
    """Serves the Runtime API to one runtime, on a port of its own.

    `handed_over` is called when an event goes to the runtime, `idle` when the runtime asks for the next one, `warn`
    with what its author should know.
    """

    def __init__(
        self, function: Function, handed_over: Callable[[], None], idle: Callable[[], None], warn: Callable[[str], None]
    ) -> None:
        self.state = "Starting"
        self.init_error: FunctionError | None = None
        self.warn = warn
        self._function = function
        self._handed_over = handed_over
        self._idle = idle
        self._invocation: Invocation | None = None
        self._waiting: RuntimeConnection | None = None
        self._connections: set[RuntimeConnection] = set()
        self._all_closed = asyncio.Event()
        self._all_closed.set()

    async def start(self) -> str:
        """Listen; returns the address for AWS_LAMBDA_RUNTIME_API."""
        self._server = await asyncio.get_running_loop().create_server(lambda: RuntimeConnection(self), "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        return f"{host}:{port}"

    async def close(self) -> None:
        """Stop listening, and wait until everything that the runtime sent is read."""
        self._server.close()
        await self._all_closed.wait()

    def abort(self) -> None:
        """Drop all connections."""
        for connection in list(self._connections):
            connection.abort()

    def invoke(self, invocation: Invocation) -> None:
        """Give the runtime this event as soon as it asks."""
        self._invocation = invocation
        self._hand_over()

    # --- called by connections ---------------------------------------------------------------------------------------

    def connected(self, connection: RuntimeConnection) -> None:
        """A connection is open."""
        self._connections.add(connection)
        self._all_closed.clear()

    def disconnected(self, connection: RuntimeConnection) -> None:
        """A connection is closed."""
        self._connections.discard(connection)
        if self._waiting is connection:
            self._waiting = None
        if not self._connections:
            self._all_closed.set()

    def open(self, connection: RuntimeConnection, method: str, path: str, headers: dict[str, str]) -> Call:
        """The call that a request with this head makes."""
        name, request_id = _route(method, path)
        refusal = self._refusal(name, request_id, headers)
        if refusal is not None:
            return _Refusal(refusal)
        self.state = TRANSITIONS[self.state][name]
        return _CALLS[name](self, connection, headers)

    def _refusal(self, name: str, request_id: str | None, headers: dict[str, str]) -> Answer | None:
        """Why the runtime may not make this call now; the checks in the order that Lambda makes them."""
        if name not in _CALLS:
            return error_answer(404, "NotFound", f"{name} is no call of the Runtime API")
        if request_id is not None and (self._invocation is None or request_id != self._invocation.request_id):
            return error_answer(400, "InvalidRequestID", "Invalid request ID")
        mode = headers.get(RESPONSE_MODE, "streaming")
        if name == "response" and mode != "streaming":  # compared as it stands: "Streaming" is refused too
            return error_answer(400, "InvalidFunctionResponseMode", f"Invalid response mode {mode!r}")
        if name not in TRANSITIONS[self.state]:
            message = f"State transition from {self.state} to {name} failed for runtime. Error: not allowed"
            return error_answer(403, "InvalidStateTransition", message)
        return None

    def wait(self, connection: RuntimeConnection) -> None:
        """The runtime waits in /next: its last invocation is over."""
        self._waiting = connection
        if self._invocation is None:
            self._idle()
        self._hand_over()

    @property
    def invocation(self) -> Invocation:
        """The invocation that the runtime is at work on."""
        assert self._invocation is not None  # a call for it has passed the checks
        return self._invocation

    def responded(self) -> None:
        """The current invocation has its response or its error."""
        self.state = "Responded"
        self._invocation = None

    def _hand_over(self) -> None:
        if self._waiting is None or self._invocation is None or self.state != "Ready":
            return
        connection, self._waiting = self._waiting, None
        self.state = "Invoked"
        self._handed_over()
        invocation = self._invocation
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self._function.timeout) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self._function.arn,
            "Lambda-Runtime-Trace-Id": invocation.trace_id,
        }
        connection.answer(200, invocation.event, headers)


def _route(method: str, path: str) -> tuple[str, str | None]:
    """The name of the call that a request makes, or the request itself if it is none; and the request id in it."""
    name = path.removeprefix(VERSION) if path.startswith(VERSION) else ""
    parts = name.split("/")
    if method == "POST" and len(parts) == 3 and parts[0] == "invocation" and parts[2] in ("response", "error"):
        return parts[2], parts[1]
    return {"GET invocation/next": "next", "POST init/error": "init/error"}.get(
        f"{method} {name}", f"{method} {path}"
    ), None


class _Refusal(Call):
    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def done(self, trailers: dict[str, str]) -> Answer:
        return self._answer


class _Next(Call):
    def __init__(self, api: RuntimeApi, connection: RuntimeConnection, _: dict[str, str]) -> None:
        self._api = api
        self._connection = connection

    def done(self, trailers: dict[str, str]) -> None:
        self._api.wait(self._connection)


class _Error(Call):
    """A call whose body is an error."""

    def __init__(self, api: RuntimeApi, _: RuntimeConnection, headers: dict[str, str]) -> None:
        self._api = api
        self._error_type = error_type(headers.get(ERROR_TYPE))
        self._body = bytearray()

    def body(self, data: bytes) -> None:
        self._body += data[: ERROR_BODY_LIMIT - len(self._body)]

    def done(self, trailers: dict[str, str]) -> Answer:
        self._report(FunctionError(self._error_type, bytes(self._body)))
        return ACCEPTED

    def _report(self, error: FunctionError) -> None:
        raise NotImplementedError


class _InitError(_Error):
    def _report(self, error: FunctionError) -> None:
        self._api.init_error = error


class _InvocationError(_Error):
    def _report(self, error: FunctionError) -> None:
        self._api.invocation.channel.end(error)
        self._api.responded()


class _Response(Call):
    def __init__(self, api: RuntimeApi, _: RuntimeConnection, headers: dict[str, str]) -> None:
        self._api = api
        self._channel = api.invocation.channel
        self._declared = {name.strip().lower() for name in headers.get("trailer", "").split(",")}
        self._channel.start(headers.get("content-type", "application/octet-stream"))

    def body(self, data: bytes) -> None:
        self._channel.write(data)

    def pause(self, transport: asyncio.Transport) -> None:
        if self._channel.is_full:
            transport.pause_reading()
            self._channel.when_room(transport.resume_reading)

    def done(self, trailers: dict[str, str]) -> Answer:
        undeclared = sorted(set(trailers) - self._declared)
        if undeclared:
            self._api.warn(f"Lambda drops the trailer {undeclared[0]}: no Trailer header announced it")
        kept = {name: value for name, value in trailers.items() if name in self._declared}
        error = None
        if ERROR_TYPE in kept:
            error = FunctionError(error_type(kept[ERROR_TYPE]), _decoded(kept.get(ERROR_BODY, "")))
        self._channel.end(error)
        self._api.responded()
        return ACCEPTED


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        return b""


_CALLS: dict[str, Callable[[RuntimeApi, RuntimeConnection, dict[str, str]], Call]] = {
    "next": _Next,
    "init/error": _InitError,
    "response": _Response,
    "error": _InvocationError,
}
