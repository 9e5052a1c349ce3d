"""The errors of the streaming runtime. The class says who caused the error.

    StreamifyError
    ├── HandlerError                the function: its code, its settings or what it returned
    │   ├── RuntimeFault            has a name that AWS's own runtime reports, such as Runtime.ImportModuleError
    │   ├── ResponseError           a status, header or cookie that HTTP does not allow; also a ValueError
    │   └── ChunkTypeError          a body yielded something other than str or bytes; also a TypeError
    ├── BadRequest                  the client of an HTTP request, which gets status 400
    ├── RuntimeApiError             the Runtime API
    │   ├── RequestRefused          it answered with a status that does not mean success
    │   └── ConnectionLost          it closed the connection, or its answer was not HTTP
    ├── RunFailed                   a run that a reader of `resumable` follows has failed
    ├── StreamStateError            a response stream was used out of order
    ├── RequestError                the caller of another function: its request cannot be sent; also a ValueError
    └── StreamFailed                a stream that a caller read failed: the function or the connection broke off
        ├── NoResponse              the server cannot be reached, or its answer is not HTTP
        ├── ErrorStatus             the server answered with a status that does not mean success
        └── StreamCut               the connection ended, or was silent for too long, before the response was complete

An exception below another is a subclass of it.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class StreamifyError(Exception):
    """The base class of all errors that this package raises on purpose."""


class HandlerError(StreamifyError):
    """The function is at fault: its code, its settings or what it returned."""


class RuntimeFault(HandlerError):
    """A fault that AWS's runtime reports under a fixed name, usually without a stack trace.

    `error_type` is that name, `stack_trace` the list of lines to report.
    """

    def __init__(self, error_type: str, message: str, stack_trace: "list[str] | None" = None) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.stack_trace = stack_trace or []


class ResponseError(HandlerError, ValueError):
    """What the handler returned cannot be sent as an HTTP response."""


class ChunkTypeError(HandlerError, TypeError):
    """The body yielded something that is neither str nor bytes-like."""


class BadRequest(StreamifyError):
    """The client sent a request that cannot be read. Handlers may raise it too.

    Before the first byte of the response to an HTTP request, it becomes a response with status 400 and the message as
    its body, and the log gets a warning. Otherwise it is treated as any other error.
    """


class RuntimeApiError(StreamifyError):
    """The Runtime API is at fault, or cannot be reached."""


class RequestRefused(RuntimeApiError):
    """The Runtime API answered with a status that does not mean success; `status` holds it as an int."""

    def __init__(self, request: str, status: int, body: bytes) -> None:
        answer = body[:200].decode("utf-8", "replace").strip()
        super().__init__(f"the Runtime API answered {status} to {request}: {answer}")
        self.status = status


class ConnectionLost(RuntimeApiError):
    """The Runtime API closed the connection, or its answer was not HTTP."""


class RunFailed(StreamifyError):
    """The run that a reader of `resumable` follows has failed, or its writer is gone."""


class StreamStateError(StreamifyError):
    """A response stream was used out of order, for example after its end."""


class RequestError(StreamifyError, ValueError):
    """A request of `lambda_streamify.client` cannot be sent: its URL, a header, its body or its signature is wrong."""


class StreamFailed(StreamifyError):
    """A stream that a caller read failed before its end.

    `error_code` is the error code (str) that Lambda, or the function in an error record, reported; None if the
    connection broke before that. `error_details` is a dict if that was a JSON object, else a str. `log_result` is a
    str. Both may be None.
    `partial` holds the bytes that arrived and that the caller has not received: for `read()`, all that it had read; for
    `events()` and `rows()`, the record that is incomplete.
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


class NoResponse(StreamFailed):
    """The server cannot be reached, did not answer in time, or its answer is not HTTP."""


class ErrorStatus(StreamFailed):
    """The server answered with a status other than 200 to 299.

    `status_code` is an int, `headers` a mapping. `partial` holds the beginning of the body.
    """

    def __init__(self, message: str, *, status_code: int, headers: "Mapping[str, str]", partial: bytes) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.headers = headers
        self.partial = partial


class StreamCut(StreamFailed):
    """The connection ended, or was silent for too long, before the response was complete."""
