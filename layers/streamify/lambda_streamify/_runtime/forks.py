"""Ends a process that a handler has forked.

Its memory is a copy of the runtime's, including the connection, the event loop and the hooks. All of them belong to the
parent process, which answers the invocation.
"""

import os
import sys

from .._core.error_report import error_report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from .logs import Logs


def end_process(error: BaseException, logs: "Logs", request_id: str) -> "NoReturn":
    """End this process, in which the handler raised `error`, with the exit status that Python would use.

    As in multiprocessing, the runtime's own `finally` blocks and exit handlers do not run.
    """
    status = 1
    try:
        if not isinstance(error, SystemExit):
            logs.error(error_report(error, request_id))
        elif error.code is None or isinstance(error.code, int):
            status = error.code or 0
        else:
            sys.stderr.write(f"{error.code}\n")
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status & 0xFF)
