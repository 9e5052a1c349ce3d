"""One process for each invocation at a time, forked as AWS's Python client does it.

The parent only waits. Each worker imports the handler, unless STREAMIFY_PRELOAD has imported it before, and runs the
ordinary loop. As with AWS's client, a worker that ends is not replaced, and the parent ends after the last of them
(observed with awslambdaric 4.2.2). Workers share the memory of the parent until they write to it.
"""

import gc
import os
from _thread import _count as count_threads
from signal import SIG_BLOCK, SIG_DFL, SIG_UNBLOCK, SIGTERM, pthread_sigmask, signal

from .._runtime.import_ahead import import_ahead
from .._runtime.logs import FramedSink, StandardSink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._runtime.logs import Logs
    from .settings import Settings

_OUTPUT_SOCKET = "_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET"
_DEBUG_LEVELS = ("DEBUG", "NOTSET")


def announce(settings: "Settings", logs: "Logs") -> None:
    """Log how many workers begin, as AWS's client does, and let `logs` write to the standard output from now on.

    The workers do not use the descriptor in _LAMBDA_TELEMETRY_LOG_FD. They get an output of their own.
    """
    if logs.level in _DEBUG_LEVELS:
        event = {
            "event": "runtime_worker_pool_initializing",
            "workerCount": settings.processes,
            "executionEnvironmentMaxConcurrency": settings.concurrency,
        }
        logs.line("DEBUG", event)
    if isinstance(logs.sink, FramedSink):
        logs.sink.close()
    logs.sink = StandardSink()


def run(works: "Sequence[Callable[[], int]]", logs: "Logs") -> int:
    """Run each of `works` in a process of its own. Returns the exit status of the process that it returns in.

    In a worker, that is what its work returns. In the parent, it is 0, after the last worker has ended. The parent
    passes SIGTERM on to the workers, and ends by this signal after the last of them. A single one of `works` runs in
    this process, with the output of a worker.
    """
    if len(works) == 1:
        _redirect_output(os.environ.get(_OUTPUT_SOCKET))
        return works[0]()
    _import_what_workers_share()
    if threads := count_threads():
        logs.line("WARNING", f"threads that STREAMIFY_PRELOAD has started are missing in the workers: {threads}")
    gc.freeze()  # otherwise the first collection in each worker would write to all objects
    workers: list[int] = []
    pthread_sigmask(SIG_BLOCK, (SIGTERM,))  # until each worker is known to the parent
    for work in works:
        worker = os.fork()
        if worker == 0:
            pthread_sigmask(SIG_UNBLOCK, (SIGTERM,))
            _redirect_output(os.environ.get(_OUTPUT_SOCKET))
            return work()
        workers.append(worker)
    if _wait(workers, logs):
        signal(SIGTERM, SIG_DFL)
        os.kill(os.getpid(), SIGTERM)
    return 0


def _import_what_workers_share() -> None:
    """Import what a process that runs alone imports only when it needs it. Here each worker would import it again."""
    import asyncio  # noqa: F401

    import_ahead()


def _wait(workers: "list[int]", logs: "Logs") -> bool:
    """Wait until all workers have ended. Returns whether SIGTERM has arrived."""
    left = set(workers)
    terminated = False

    def pass_on(number: int, _frame: object) -> None:
        nonlocal terminated
        terminated = True
        for worker in left:
            try:
                os.kill(worker, number)
            except ProcessLookupError:  # noqa: PERF203 - it has ended, but is not removed from `left` yet
                pass

    signal(SIGTERM, pass_on)
    pthread_sigmask(SIG_UNBLOCK, (SIGTERM,))
    while left:
        process, status = os.wait()
        if process not in left:  # the function has started it, when it was preloaded
            continue
        left.remove(process)
        if not terminated:
            code = os.waitstatus_to_exitcode(status)
            how = f"exit status {code}" if code >= 0 else f"signal {-code}"
            logs.line("WARNING", f"a worker process has ended with {how}; {len(left)} of {len(workers)} are left")
    return terminated


def _redirect_output(path: "str | None") -> None:
    """Connect the standard output and the standard error to Lambda's socket at `path`, if there is one."""
    if not path:
        return
    from _socket import AF_UNIX, SOCK_STREAM, socket

    for descriptor in (1, 2):
        connection = socket(AF_UNIX, SOCK_STREAM)
        connection.connect(path)
        os.dup2(connection.fileno(), descriptor)
        connection.close()
