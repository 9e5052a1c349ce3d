"""The errors of the streaming runtime. Whose fault it is stands in the type.

StreamifyError
├── HandlerError                the function: its code, its settings or what it returned
│   ├── RuntimeFault            has one of the names that AWS's own runtime reports, such as Runtime.ImportModuleError
│   ├── ResponseError           a status, header or cookie that no HTTP response can carry; also a ValueError
│   └── ChunkTypeError          a body that yields something other than str or bytes; also a TypeError
├── RuntimeApiError             the Runtime API
│   ├── RequestRefused          it answered, with a status other than the one that means success
│   └── ConnectionLost          it closed the connection, or sent what is not HTTP
├── StreamStateError            a response stream used out of order
└── StreamFailed                a stream that a caller reads: the function failed, or the connection did
"""


class StreamifyError(Exception):
    """Base of everything that this package raises on purpose."""


class HandlerError(StreamifyError):
    """The function is at fault: its code, its settings or what it returned."""


class RuntimeFault(HandlerError):
    """A fault that AWS's runtime reports under a fixed name, with no stack trace of its own.

    `error_type` is that name, `stack_trace` the lines to report (most have none).
    """

    def __init__(self, error_type: str, message: str, stack_trace: "list[str] | None" = None) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.stack_trace = stack_trace or []


class ResponseError(HandlerError, ValueError):
    """What the handler returned cannot be sent as an HTTP response."""


class ChunkTypeError(HandlerError, TypeError):
    """The body yielded something that is neither str nor bytes-like."""


class RuntimeApiError(StreamifyError):
    """The Runtime API is at fault, or out of reach."""


class RequestRefused(RuntimeApiError):
    """The Runtime API answered with a status other than the one that means success."""

    def __init__(self, request: str, status: int, body: bytes) -> None:
        answer = body[:200].decode("utf-8", "replace").strip()
        super().__init__(f"the Runtime API answered {status} to {request}: {answer}")
        self.status = status


class ConnectionLost(RuntimeApiError):
    """The Runtime API closed the connection, or sent what is not HTTP."""


class StreamStateError(StreamifyError):
    """A response stream was used out of order, for example written to after its end."""


class StreamFailed(StreamifyError):
    """A stream that a caller reads did not end well.

    `error_code` is the function's, as Lambda tells it, or None if the connection broke off before Lambda could tell.
    `error_details` is a dict if they are a JSON object, else text; `log_result` is text. `partial` holds the bytes that
    `read()` had read.
    """

    def __init__(
        self,
        message: str,
        *,
        error_code: "str | None" = None,
        error_details: "dict[str, object] | str | None" = None,
        log_result: "str | None" = None,
    ) -> None:
        super().__init__(message)
        self.error_code = error_code
        self.error_details = error_details
        self.log_result = log_result
        self.partial = b""
