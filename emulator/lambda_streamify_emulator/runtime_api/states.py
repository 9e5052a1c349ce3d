"""The calls that a runtime may make in each state, as one table.

Source: `core/states.go` and `rapi/` of AWS's Runtime Interface Emulator, whose code is close to Lambda's. The names of
the states are those in AWS's error messages. Each call was checked against that emulator.
"""

from .wire import Answer, error_answer

# For each state, the allowed calls and the state that each leads to.
TRANSITIONS: dict[str, dict[str, str]] = {
    "Started": {"next": "Ready", "init/error": "InitError", "restore/next": "Restoring"},
    "InitError": {},
    # A snapshot counts as restored as soon as it can be taken. Older runtimes report failures here as init errors.
    "Restoring": {
        "next": "Ready",
        "restore/error": "RuntimeRestoreErrorState",
        "init/error": "RuntimeRestoreErrorState",
    },
    "RuntimeRestoreErrorState": {},
    "Ready": {"next": "Ready"},  # the runtime waits in /next; an event changes the state to Running
    # /next returns the same event again: the previous answer may have been lost.
    "Running": {"next": "Running", "response": "InvocationResponse", "error": "InvocationErrorResponse"},
    "InvocationResponse": {},  # the end of the request changes the state to RuntimeResponseSentState
    "InvocationErrorResponse": {},  # likewise
    "RuntimeResponseSentState": {"next": "Ready"},
}

STARTED, INIT_ERROR = "Started", "InitError"
READY, RUNNING, RESPONSE_SENT = "Ready", "Running", "RuntimeResponseSentState"

# The state that each call would lead to, for the message of a refusal.
_TARGET_STATES = {
    "next": "Ready",
    "restore/next": "Ready",
    "response": "InvocationResponse",
    "error": "InvocationErrorResponse",
    "init/error": "InitError",
    "restore/error": "RuntimeRestoreErrorState",
}


def forbidden(state: str, call: str) -> Answer | None:
    """Return the refusal of this call in this state; None if the runtime may make it."""
    if call in TRANSITIONS[state]:
        return None
    target = _TARGET_STATES[call]
    text = f"State transition from {state} to {target} failed for runtime. Error: State transition is not allowed"
    return error_answer(403, "InvalidStateTransition", text)
