"""How the end of a runtime's process is told, in the words of AWS (those of Go's os.ProcessState)."""

import signal


def exit_message(code: int) -> str:
    """The message of Runtime.ExitError; a negative `code` is the number of the signal that ended the process."""
    if code == 0:
        return "Runtime exited without providing a reason"
    if code > 0:
        return f"Runtime exited with error: exit status {code}"
    name = signal.strsignal(-code)  # "Killed", "Segmentation fault"; Go has the same names, in lower case
    return f"Runtime exited with error: signal: {name.lower() if name else -code}"


def timeout_message(seconds: float) -> str:
    """The message of Sandbox.Timedout; `seconds` is the function's timeout."""
    return f"Task timed out after {seconds:.2f} seconds"
