"""Error reports: an exception in the form that the Runtime API, the caller, the log and X-Ray receive.

AWS's Python runtime sends the report `{"errorMessage", "errorType", "requestId", "stackTrace"}`, in this order and with
"" and [] for absent values, and X-Ray's cause (observed with awslambdaric 4.2.2).
"""

import os
import sys

from ..errors import RuntimeFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from traceback import StackSummary
    from typing import Any

_PACKAGE = __file__.rpartition("/_core/")[0] + "/"
_MEMBER_LIMIT = 15  # exceptions shown of a group, as in Python's own tracebacks
# Its frames lie between the handler and its decorators, and do not help the reader.
_STREAMING_MODULE = _PACKAGE + "_response/inline.py"


def error_report(error: BaseException, request_id: str = "") -> "dict[str, Any]":
    """Return the report of `error`. The stack trace begins with the first frame of the function's own code.

    The message of an exception group only counts its exceptions, so their tracebacks follow the frames.
    """
    if isinstance(error, RuntimeFault):
        error_type, stack_trace = error.error_type, error.stack_trace
    else:
        error_type, stack_trace = type(error).__name__, [*_frames(error).format(), *_format_members(error)]
    return {
        "errorMessage": _message(error),
        "errorType": error_type,
        "requestId": request_id,
        "stackTrace": stack_trace,
    }


def xray_cause(error: BaseException) -> "dict[str, Any]":
    """Return `error` as X-Ray segments represent it, for the header Lambda-Runtime-Function-XRay-Error-Cause."""
    is_fault = isinstance(error, RuntimeFault)
    frames = [] if is_fault else _frames(error)
    kind = "LambdaValidationError" if is_fault else type(error).__name__
    stack = [{"label": frame.name, "path": frame.filename, "line": frame.lineno} for frame in frames]
    return {
        "working_directory": _working_directory(),
        "exceptions": [{"message": _message(error), "type": kind, "stack": stack}],
        "paths": sorted({frame.filename for frame in frames}),
    }


def group_members(error: BaseException) -> "tuple[BaseException, ...]":
    """Return the exceptions in `error` if it is a group: a built-in one, or before Python 3.11 `exceptiongroup`'s."""
    module = sys.modules.get("builtins" if sys.version_info >= (3, 11) else "exceptiongroup")
    group = getattr(module, "BaseExceptionGroup", ())
    return tuple(error.exceptions) if isinstance(error, group) else ()


def sole_member(error: Exception) -> Exception:
    """Return `error`, or, for a group with a single exception, that exception. Nested groups are unwrapped too."""
    while len(members := group_members(error)) == 1:
        error = members[0]  # type: ignore[assignment]
    return error


def _format_members(error: BaseException) -> "list[str]":
    """Return the tracebacks of the exceptions in a group as Python formats them, one line or frame per item."""
    members = group_members(error)
    if not members:
        return []
    import traceback

    lines = []
    for number, member in enumerate(members[:_MEMBER_LIMIT], 1):
        lines.append(f"  +---------------- {number} ----------------\n")
        lines += [_indent(part) for part in traceback.format_exception(type(member), member, member.__traceback__)]
    if len(members) > _MEMBER_LIMIT:
        lines.append(f"  +---------------- and {len(members) - _MEMBER_LIMIT} more exceptions\n")
    return lines


def _indent(part: str) -> str:
    return "".join(f"    | {line}" for line in part.splitlines(keepends=True))


def _working_directory() -> str:
    folders = iter(os.getcwd, None)  # no call in the `try`, after which a signal handler's error would be lost there
    try:
        for folder in folders:
            return folder
    except OSError:
        pass  # the folder was removed
    return ""


def _message(error: BaseException) -> str:
    texts = map(str, (error,))  # as in `_working_directory`
    try:
        [text] = texts
    except Exception:  # noqa: BLE001 - the function's own `__str__` failed: the report must still be sent
        return "<exception str() failed>"  # as in Python's own tracebacks
    return text


def _frames(error: BaseException) -> "StackSummary":
    import traceback  # the import takes 7 ms, and most invocations have no error

    # asyncio's frames are the runtime's too: its event loop runs an asynchronous body.
    own_folders = _PACKAGE, traceback.__file__.rpartition("/")[0] + "/asyncio/"
    trace = error.__traceback__
    while trace and trace.tb_next and trace.tb_frame.f_code.co_filename.startswith(own_folders):
        trace = trace.tb_next
    frames = [frame for frame in traceback.extract_tb(trace) if frame.filename != _STREAMING_MODULE]
    # Omit the column markers that newer versions of Python add: AWS's runtime formats bare tuples.
    return traceback.StackSummary.from_list([(f.filename, f.lineno or 0, f.name, f.line) for f in frames])
