"""An exception as the Runtime API, the caller, the log and X-Ray are told of it.

The report `{"errorMessage", "errorType", "requestId", "stackTrace"}`, in that order and with "" and [] for what is
absent, and X-Ray's cause are what AWS's Python runtime sends (observed with awslambdaric 4.2.2).
"""

import os

from .errors import RuntimeFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from traceback import StackSummary
    from typing import Any

_PACKAGE = __file__.rpartition("/")[0] + "/"
_BETWEEN = _PACKAGE + "inline.py"  # stands between the handler and what is wrapped around it, and tells nothing


def error_report(error: BaseException, request_id: str = "") -> "dict[str, Any]":
    """Message, type and stack trace of `error`. The frames begin where the function's own code does."""
    if isinstance(error, RuntimeFault):
        error_type, stack_trace = error.error_type, error.stack_trace
    else:
        error_type, stack_trace = type(error).__name__, _frames(error).format()
    return {
        "errorMessage": _message(error),
        "errorType": error_type,
        "requestId": request_id,
        "stackTrace": stack_trace,
    }


def xray_cause(error: BaseException) -> "dict[str, Any]":
    """`error` in the form of X-Ray's segments, for the header Lambda-Runtime-Function-XRay-Error-Cause."""
    is_fault = isinstance(error, RuntimeFault)
    frames = [] if is_fault else _frames(error)
    kind = "LambdaValidationError" if is_fault else type(error).__name__
    stack = [{"label": frame.name, "path": frame.filename, "line": frame.lineno} for frame in frames]
    return {
        "working_directory": _working_directory(),
        "exceptions": [{"message": _message(error), "type": kind, "stack": stack}],
        "paths": sorted({frame.filename for frame in frames}),
    }


def _working_directory() -> str:
    try:
        return os.getcwd()
    except OSError:  # a temporary folder, removed meanwhile
        return ""


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a `__str__` of the function's own: the report must go out all the same
        return "<exception str() failed>"  # as in Python's own tracebacks


def _frames(error: BaseException) -> "StackSummary":
    import traceback  # costs 7 ms, and most invocations have no error

    ours = _PACKAGE, traceback.__file__.rpartition("/")[0] + "/asyncio/"  # the loop that runs an asynchronous body
    trace = error.__traceback__
    while trace and trace.tb_next and trace.tb_frame.f_code.co_filename.startswith(ours):
        trace = trace.tb_next
    frames = [frame for frame in traceback.extract_tb(trace) if frame.filename != _BETWEEN]
    # Without the column markers that newer versions of Python add: AWS's runtime formats bare tuples.
    return traceback.StackSummary.from_list([(f.filename, f.lineno or 0, f.name, f.line) for f in frames])
