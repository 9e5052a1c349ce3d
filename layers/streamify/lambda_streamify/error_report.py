"""An exception as the Runtime API, the caller and the log are told of it.

The shape `{"errorMessage", "errorType", "requestId", "stackTrace"}`, in that order and with "" and [] for what is
absent, is what AWS's Python runtime sends (observed with awslambdaric 4.2.2).
"""

from .errors import RuntimeFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

_PACKAGE = __file__.rpartition("/")[0] + "/"


def error_report(error: BaseException, request_id: str = "") -> "dict[str, Any]":
    """Message, type and stack trace of `error`. The frames begin where the function's own code does."""
    if isinstance(error, RuntimeFault):
        error_type, stack_trace = error.error_type, error.stack_trace
    else:
        error_type, stack_trace = type(error).__name__, _stack_trace(error.__traceback__)
    return {
        "errorMessage": _message(error),
        "errorType": error_type,
        "requestId": request_id,
        "stackTrace": stack_trace,
    }


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a `__str__` of the function's own: the report must go out all the same
        return "<exception str() failed>"  # as in Python's own tracebacks


def _stack_trace(trace: "TracebackType | None") -> "list[str]":
    import traceback  # costs 7 ms, and most invocations have no error

    ours = _PACKAGE, traceback.__file__.rpartition("/")[0] + "/asyncio/"  # the loop that runs an asynchronous body
    while trace and trace.tb_next and trace.tb_frame.f_code.co_filename.startswith(ours):
        trace = trace.tb_next
    frames = traceback.extract_tb(trace)
    # Without the column markers that newer versions of Python add: AWS's runtime formats bare tuples.
    return traceback.format_list([(frame.filename, frame.lineno or 0, frame.name, frame.line) for frame in frames])
