"""What a runtime may call when, as one table.

Source: `core/states.go` and `rapi/` of AWS's Runtime Interface Emulator, whose code is close to Lambda's; its names are
those that AWS's error messages use. Checked against that emulator, call by call.
"""

from .wire import Answer, error_answer

# From which state which call leads where.
TRANSITIONS: dict[str, dict[str, str]] = {
    "Started": {"next": "Ready", "init/error": "InitError", "restore/next": "Restoring"},
    "InitError": {},
    # A snapshot is restored the moment that it could be taken. Older runtimes report what fails then as init errors.
    "Restoring": {
        "next": "Ready",
        "restore/error": "RuntimeRestoreErrorState",
        "init/error": "RuntimeRestoreErrorState",
    },
    "RuntimeRestoreErrorState": {},
    "Ready": {"next": "Ready"},  # it waits in /next; the event makes it Running
    # /next gives the same event again: the answer to the one before may have been lost.
    "Running": {"next": "Running", "response": "InvocationResponse", "error": "InvocationErrorResponse"},
    "InvocationResponse": {},  # the end of the request makes it RuntimeResponseSentState
    "InvocationErrorResponse": {},  # likewise
    "RuntimeResponseSentState": {"next": "Ready"},
}

STARTED, READY, RUNNING, RESPONSE_SENT = "Started", "Ready", "Running", "RuntimeResponseSentState"

# The state that a refused call is said to have been after.
_AIMS = {
    "next": "Ready",
    "restore/next": "Ready",
    "response": "InvocationResponse",
    "error": "InvocationErrorResponse",
    "init/error": "InitError",
    "restore/error": "RuntimeRestoreErrorState",
}


def forbidden(state: str, call: str) -> Answer | None:
    """Why the runtime may not make this call in this state; None if it may."""
    if call in TRANSITIONS[state]:
        return None
    text = f"State transition from {state} to {_AIMS[call]} failed for runtime. Error: State transition is not allowed"
    return error_answer(403, "InvalidStateTransition", text)
