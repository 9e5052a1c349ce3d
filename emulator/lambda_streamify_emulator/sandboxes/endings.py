"""How the end of a runtime's process is told, in the words of AWS (those of Go's os.ProcessState)."""

import signal


def exit_message(code: int) -> str:
    """The message of the error; a negative `code` is the number of the signal that ended the process."""
    if code == 0:
        return "Runtime exited without providing a reason"
    if code > 0:
        return f"Runtime exited with error: exit status {code}"
    name = signal.strsignal(-code)  # "Killed", "Segmentation fault"; Go has the same names, in lower case
    return f"Runtime exited with error: signal: {name.lower() if name else -code}"


def exit_type(*, out_of_memory: bool) -> str:
    """The type of the error: why the process has ended, if the platform knows."""
    return "Runtime.OutOfMemory" if out_of_memory else "Runtime.ExitError"


def timeout_message(seconds: float) -> str:
    """The message of Sandbox.Timedout; `seconds` is the function's timeout."""
    return f"Task timed out after {seconds:.2f} seconds"
