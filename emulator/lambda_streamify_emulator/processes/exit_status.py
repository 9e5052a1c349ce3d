"""The description of a process's end, in the wording of Go's os.ProcessState, which AWS's messages quote."""

import signal


def describe_exit(code: int) -> str:
    """Return the reason for the end of a process; a negative `code` is the number of the signal that ended it."""
    if code >= 0:
        return f"exit status {code}"
    name = signal.strsignal(-code)  # "Killed", "Segmentation fault"; Go has the same names, in lower case
    return f"signal: {name.lower() if name else -code}"
