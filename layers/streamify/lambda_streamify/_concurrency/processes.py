"""One process for each invocation at a time, forked as AWS's Python client does it.

The parent only waits. Each worker imports the handler, unless STREAMIFY_PRELOAD has imported it before, and runs the
ordinary loop. As with AWS's client, a worker that ends is not replaced, and the parent ends after the last of them
(observed with awslambdaric 4.2.2). The memory of the parent is shared until a worker writes to it.
"""

import gc
import os
import sys
from signal import SIG_BLOCK, SIG_DFL, SIG_UNBLOCK, SIGTERM, pthread_sigmask, signal

from .._runtime.logs import StandardSink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .._runtime.logs import Logs
    from .settings import Settings


_DEBUG_LEVELS = ("DEBUG", "NOTSET")


def announce(settings: "Settings", logs: "Logs") -> None:
    """Log how many processes begin, as AWS's client does, and let `logs` write to the standard output from now on.

    The descriptor in _LAMBDA_TELEMETRY_LOG_FD is not for the workers: a record of one could break that of another.
    """
    if logs.level in _DEBUG_LEVELS:
        event = {
            "event": "runtime_worker_pool_initializing",
            "workerCount": settings.processes,
            "executionEnvironmentMaxConcurrency": settings.concurrency,
        }
        logs.line("DEBUG", event)
    logs.sink.close()
    logs.sink = StandardSink()


def run(works: "list[Callable[[], int]]", logs: "Logs") -> int:
    """Run each of `works` in a process of its own.

    Returns in each worker what its work returns, and in the parent 0 after the last worker has ended. The parent passes
    SIGTERM on to the workers; then it ends by that signal as soon as they have ended. A single
    work runs in this process.
    """
    if len(works) == 1:
        _redirect_output(os.environ.get(_OUTPUT_SOCKET))
        return works[0]()
    gc.freeze()  # otherwise the collector would write to all objects that the workers share
    workers: set[int] = set()
    pthread_sigmask(SIG_BLOCK, (SIGTERM,))  # so that no worker misses the signal, or passes it on itself
    for work in works:
        pid = os.fork()
        if pid == 0:
            pthread_sigmask(SIG_UNBLOCK, (SIGTERM,))
            _redirect_output(os.environ.get(_OUTPUT_SOCKET))
            return work()
        workers.add(pid)
    if _wait(workers, len(works), logs):
        signal(SIGTERM, SIG_DFL)
        os.kill(os.getpid(), SIGTERM)
    return 0


def _wait(workers: "set[int]", count: int, logs: "Logs") -> bool:
    """Wait until all workers have ended. Returns whether SIGTERM has arrived."""
    signals: list[int] = []

    def pass_on(number: int, _frame: object) -> None:
        signals.append(number)
        for pid in workers:
            os.kill(pid, number)

    signal(SIGTERM, pass_on)
    pthread_sigmask(SIG_UNBLOCK, (SIGTERM,))
    while workers:
        pid, status = os.wait()
        if pid in workers:  # not a process that the function has started while it was preloaded
            workers.remove(pid)
            if not signals:
                ending = os.waitstatus_to_exitcode(status)
                how = f"exit status {ending}" if ending >= 0 else f"signal {-ending}"
                logs.line("WARNING", f"a worker process has ended with {how}; {len(workers)} of {count} are left")
    return bool(signals)


# --- output ----------------------------------------------------------------------------------------------------------

_OUTPUT_SOCKET = "_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET"


def _redirect_output(path: "str | None") -> None:
    """Connect the standard output and the standard error of this worker to Lambda's socket, if there is one."""
    if not path:
        return
    from _socket import AF_UNIX, SOCK_STREAM, socket

    for stream in (sys.stdout, sys.stderr):
        connection = socket(AF_UNIX, SOCK_STREAM)
        connection.connect(path)
        os.dup2(connection.fileno(), stream.fileno())
        connection.close()
