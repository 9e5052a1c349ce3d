"""The calls that an extension may make in each state, as one table.

Source: `core/externalagent_states.go` and `internalagent_states.go` of AWS's Runtime Interface Emulator, whose code is
close to Lambda's. The names of the states are those in AWS's error messages and in its log.
"""

# For each state, the allowed calls and the state that each leads to.
TRANSITIONS: dict[str, dict[str, str]] = {
    "Started": {"register": "Registered"},  # an external extension has been started; internal ones begin by registering
    "Registered": {"next": "Ready", "init/error": "InitError", "exit/error": "ExitError"},
    "Ready": {"exit/error": "ExitError"},  # the extension waits in /next; an event changes the state to Running
    "Running": {"next": "Ready", "exit/error": "ExitError"},
    "InitError": {"init/error": "InitError"},  # only the first error counts
    "ExitError": {"exit/error": "ExitError"},  # likewise
    "LaunchError": {},  # its program could not be started
}

STARTED, REGISTERED, READY, RUNNING = "Started", "Registered", "Ready", "Running"
INIT_ERROR, EXIT_ERROR, LAUNCH_ERROR = "InitError", "ExitError", "LaunchError"

# The state that each call would lead to, for the message of a refusal.
_TARGET_STATES = {"register": REGISTERED, "next": READY, "init/error": INIT_ERROR, "exit/error": "Exited"}


def forbidden(state: str, call: str, extension: str) -> str | None:
    """Return AWS's message if `extension` may not make this call in this state; None if it may."""
    if call in TRANSITIONS[state]:
        return None
    target = _TARGET_STATES[call]
    why = f"State transition from {state} to {target} failed for extension {extension}."
    return f"{why} Error: State transition is not allowed"
