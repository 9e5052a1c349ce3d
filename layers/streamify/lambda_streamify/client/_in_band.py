"""Errors that a function reports in its stream.

A function that fails after its first chunk cannot change the status any more. `sse.error_event` and `ndjson.error_line`
send its error as a record of the stream instead.
"""

from ..errors import StreamFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._sse import ServerSentEvent


def check_event(event: "ServerSentEvent") -> None:
    """Raise StreamFailed for an event of the type "error"."""
    if event.event == "error":
        try:
            details = event.json()
        except (ValueError, RecursionError):
            details = None
        raise _reported(details if isinstance(details, dict) else event.data)


def check_row(row: object) -> None:
    """Raise StreamFailed for a row as `ndjson.error_line` makes it. Another row with an `error` is only a row."""
    if isinstance(row, dict) and row.keys() == {"error"}:
        error = row["error"]
        if isinstance(error, dict) and error.keys() >= {"errorType", "errorMessage"}:
            raise _reported(error)


def _reported(details: "dict[str, Any] | str") -> StreamFailed:
    """The error that a record reports."""
    code = None
    told: object = details
    if isinstance(details, dict) and details.get("errorType"):
        code = str(details["errorType"])
        told = f"{code}: {details.get('errorMessage')}"
    return StreamFailed(f"the function reported an error in its stream: {told}", error_code=code, error_details=details)
