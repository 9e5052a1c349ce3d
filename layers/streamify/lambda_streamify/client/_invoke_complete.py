"""How a stream of Lambda's API ended: its last event, InvokeComplete, and connections that broke off before it.

Source: AWS Lambda API Reference, "InvokeWithResponseStream".
"""

from ..errors import StreamCut, StreamFailed
from ._prelude import json_object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def reported(complete: "Mapping[str, Any]", log_result: "str | None") -> "StreamFailed | None":
    """The error that InvokeComplete reports, or None."""
    code, text = complete.get("ErrorCode"), complete.get("ErrorDetails")
    if not code:
        return None
    details = (json_object(text) if text else None) or text
    message = details.get("errorMessage", text) if isinstance(details, dict) else text
    told = f"{code}: {message}" if message else code
    return StreamFailed(f"the function failed: {told}", error_code=code, error_details=details, log_result=log_result)


def broke_off(error: "Exception | None") -> StreamCut:
    """The error for a stream without InvokeComplete. `error` is what the SDK has raised, or None."""
    if error is None:
        return StreamCut("the stream ended without InvokeComplete: the connection was cut")
    failure = StreamCut(f"the stream broke off before InvokeComplete: {error!r}")
    failure.__cause__ = error
    return failure


def decoded(log_result: "str | None") -> "str | None":
    """The text of a LogResult, which is in base64."""
    from binascii import a2b_base64

    return log_result and a2b_base64(log_result).decode("utf-8", "replace")
