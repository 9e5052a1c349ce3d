"""How the platform translates the errors that a runtime reports.

Sources: AWS Lambda Developer Guide, "Using the Lambda runtime API"; `fatalerror` and `rapi/handler` of AWS's Runtime
Interface Emulator, whose code is close to Lambda's. `ResponseStreamingTests.cs` of aws-lambda-dotnet, which runs on
Lambda, shows that the error type in a trailer reaches the caller unchanged with on-demand functions; managed instances
rename it.
"""

import base64
import json
import re
from collections.abc import Mapping

from ..invocations.channel import FunctionError

ERROR_TYPE, ERROR_BODY = "lambda-runtime-function-error-type", "lambda-runtime-function-error-body"
# A report that contains X-Ray's cause, which otherwise comes in a header. There is no X-Ray here, so it is dropped.
WITH_CAUSE = "application/vnd.aws.lambda.error.cause+json"
INVALID_BODY = b'"Invalid error body"'
_PATTERN = re.compile(r"(Runtime|Function)\.[A-Z][a-zA-Z]+")

INVALID_MODE = FunctionError("Runtime.InvalidResponseModeHeader", b"")
TRUNCATED = FunctionError("Runtime.TruncatedResponse", b"")


def error_type(name: str | None) -> str:
    """Return the error type that the platform reports for the runtime's: an unknown form becomes `....Unknown`."""
    if name is None:
        return "Unhandled"
    if _PATTERN.search(name):
        return name
    return "Function.Unknown" if name.startswith("Function.") else "Runtime.Unknown"


def managed_error(error: FunctionError) -> FunctionError:
    """Return the error as managed instances report it: all of the type's text must have the known form.

    There, the type in a trailer is translated too, and a missing one is unknown
    (`internal/lambda-managed-instances/rapid/model/error_types.go` of AWS's Runtime Interface Emulator).
    """
    if _PATTERN.fullmatch(error.error_type):
        return error
    is_functions = error.error_type.startswith("Function.")
    return FunctionError("Function.Unknown" if is_functions else "Runtime.Unknown", error.details)


def too_large(limit: int) -> FunctionError:
    """Return the error for a response or a report of more than `limit` bytes."""
    message = f"Response payload size exceeded maximum allowed payload size ({limit} bytes)."
    report = {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}
    return FunctionError("Function.ResponseSizeTooLarge", json.dumps(report, separators=(",", ":")).encode())


def reported_error(headers: Mapping[str, str], body: bytes) -> FunctionError:
    """Return the error that a call reports in its headers and body."""
    details = _remove_cause(body) if headers.get("content-type") == WITH_CAUSE else body
    return FunctionError(error_type(headers.get(ERROR_TYPE)), details)


def trailed_error(trailers: Mapping[str, str]) -> FunctionError | None:
    """Return the error that a response reports in its trailers, if any; the type is not translated."""
    if not trailers.get(ERROR_TYPE):
        return None
    return FunctionError(trailers[ERROR_TYPE], _decode_base64(trailers.get(ERROR_BODY, "")))


def _remove_cause(body: bytes) -> bytes:
    try:
        report = json.loads(body)
        message, name = report.get("errorMessage", ""), report.get("errorType", "")
        trace = report.get("stackTrace") or []
    except (AttributeError, RecursionError, ValueError):
        return INVALID_BODY
    if not isinstance(trace, list) or not all(isinstance(text, str) for text in (message, name, *trace)):
        return INVALID_BODY
    kept = {"errorMessage": message, "errorType": name, **({"stackTrace": trace} if trace else {})}
    return json.dumps(kept, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def _decode_base64(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        return b""
