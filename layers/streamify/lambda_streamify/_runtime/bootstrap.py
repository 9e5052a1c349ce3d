"""Start-up: reads the environment, loads the handler and starts the invocation loop.

The AWS Lambda Developer Guide, "Defined runtime environment variables", describes the variables. They are read here and
not at import, because wrappers change them.
"""

import os
import sys

from .. import __version__
from .._core.error_report import error_report
from .._response import sources
from .._wire.marshal import report_json
from ..errors import HandlerError, RuntimeApiError, StreamStateError
from .loader import load_handler
from .logs import Logs, Unbuffered, attach_on_import, open_logs
from .runtime import Runtime
from .runtime_api import RuntimeApi as LambdaRuntimeClient
from .runtime_api import close_connections

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import CodeType
    from typing import TypeVar

    from .invocation import Invocation
    from .loader import Handler

    Api = TypeVar("Api", bound=LambdaRuntimeClient)
    Handle = Callable[[LambdaRuntimeClient, Handler, Invocation], None]

_PACKAGE_FILE = os.path.join(os.path.dirname(os.path.dirname(__file__)), "__init__.py")
_EVENT_LOOP = "STREAMIFY_EVENT_LOOP"
_INITIALIZATION_TYPE, _SNAPSTART = "AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start"

UNHANDLED = (
    "LAMBDA_WARNING: Unhandled exception. The function could not be loaded, most likely for a reason in its code. "
    "If it has not changed, the version of the runtime may have: the INIT_START line of the log names it."
)


def main() -> None:
    """Load the handler and run its invocations. Exits with status 1 if the handler or the Runtime API fails."""
    sys.stdout = Unbuffered(sys.stdout)
    sys.stderr = Unbuffered(sys.stderr)
    logs = open_logs(os.environ)
    if "AWS_LAMBDA_RUNTIME_API" not in os.environ:
        sys.exit("AWS_LAMBDA_RUNTIME_API is not set: run this on Lambda, or under an emulator of Lambda")
    status = 1
    try:
        if os.environ.get("AWS_LAMBDA_MAX_CONCURRENCY", "1") == "1":
            attach_on_import(lambda: _attach_root_logger(logs))
            _run(_make_api(LambdaRuntimeClient), logs)
        else:
            status = _run_several(logs)
    except (RuntimeApiError, StreamStateError) as error:  # StreamStateError: in a process that a module has forked
        logs.line("ERROR", f"the runtime stops: {error}")
    finally:
        close_connections()  # otherwise Python may log a warning about an open socket
    sys.exit(status)


def _make_api(client: "Callable[..., Api]", *arguments: object) -> "Api":
    python = ".".join(map(str, sys.version_info[:3]))
    return client(os.environ["AWS_LAMBDA_RUNTIME_API"], f"lambda-streamify/{__version__} python/{python}", *arguments)


def _attach_root_logger(logs: Logs) -> None:
    from .logging_handler import install  # imports logging

    install(logs)


def _run_several(logs: Logs) -> int:
    """Run several invocations at a time, as Lambda Managed Instances ask. Returns the exit status."""
    from functools import partial

    from .._concurrency import processes  # imported late: other functions do not need it
    from .._concurrency.retrying_api import RetryingRuntimeApi, surviving
    from .._concurrency.settings import TASKS, read_settings

    try:
        settings = read_settings(os.environ)
        processes.announce(settings, logs)
        attach_on_import(lambda: _attach_root_logger(logs))
        _log_environment_warnings(logs)  # here, and not in each process
        if settings.preload:
            load_handler(os.environ["_HANDLER"])
    except Exception as error:  # noqa: BLE001 - as in `_run`
        _report_failed_start(_make_api(LambdaRuntimeClient), logs, error)
        return 1

    def work(make_runtime: "Callable[..., Runtime]" = Runtime) -> int:
        _run(_make_api(RetryingRuntimeApi, logs), logs, make_runtime, surviving(_handle))
        return 1

    if settings.mode != TASKS:
        return processes.run([work] * settings.processes, logs)
    from .._concurrency.tasks import TasksRuntime

    works = [partial(work, partial(TasksRuntime, concurrency=share)) for share in settings.shares()]
    return processes.run(works, logs)


def _run(
    api: LambdaRuntimeClient,
    logs: Logs,
    make_runtime: "Callable[..., Runtime]" = Runtime,
    handle: "Handle | None" = None,
) -> None:
    """Run the function's invocations. Returns only if the function cannot start, after it has reported the error."""
    try:
        _log_environment_warnings(logs)
        mode = invoke_mode(os.environ)
        handler = load_handler(os.environ["_HANDLER"])
        runtime = make_runtime(api, handler, logs, mode=mode, handle=handle or _handle)
        kind = os.environ.get(_INITIALIZATION_TYPE)
        initialised_ahead = kind in (_SNAPSTART, "provisioned-concurrency")
        restores = kind == _SNAPSTART
        if initialised_ahead or os.environ.get(_EVENT_LOOP) or defines_async_function(handler):
            runtime.event_loop()  # now, during init, so that the first request does not wait for the import of asyncio
        if initialised_ahead:
            from .import_ahead import import_ahead

            import_ahead()
        if not restores:
            runtime.start()
    except Exception as error:  # noqa: BLE001 - the import of the handler's module may raise anything
        _report_failed_start(api, logs, error)
        return
    if restores:
        _take_snapshot(api, logs, runtime.start)
    runtime.run()


def _report_failed_start(api: LambdaRuntimeClient, logs: Logs, error: Exception) -> None:
    logs.line("WARNING", UNHANDLED)
    api.post_init_error(_report(error, logs), error_report(error)["errorType"])


def handle_event_request(
    lambda_runtime_client: LambdaRuntimeClient,  # noqa: ARG001 - for replacements of this function
    request_handler: "Handler",
    invocation: "Invocation",
) -> None:
    """Run one invocation.

    In AWS's runtime a function of this name takes a client and a handler as its first arguments. Sentry's integration
    replaces it with a function that wraps the handler.
    """
    invocation.run(request_handler)


_original_handle_event_request = handle_event_request


def _handle(api: LambdaRuntimeClient, handler: "Handler", invocation: "Invocation") -> None:
    if handle_event_request is not _original_handle_event_request:  # checked at each call: it may be replaced any time
        from .._response.inline import streaming

        handler = streaming(handler)  # otherwise the wrapper around the handler would end before the stream
    handle_event_request(api, handler, invocation)


def _take_snapshot(api: LambdaRuntimeClient, logs: Logs, start: "Callable[[], None]") -> None:
    """Run the function's hooks around the snapshot. One snapshot may be restored in many processes."""
    from . import snapstart  # imported late: few functions use SnapStart

    try:
        snapstart.run_before_snapshot()
        api.restore_next()
    except BaseException as error:  # noqa: BLE001 - as in AWS's runtime, a hook's SystemExit is an error too
        api.post_init_error(_report(error, logs), snapstart.BEFORE_SNAPSHOT_ERROR)
        sys.exit(snapstart.BEFORE_SNAPSHOT_EXIT)
    try:
        snapstart.run_after_restore()
        start()  # not before the snapshot: all copies would share the same connections and random numbers
    except BaseException as error:  # noqa: BLE001
        api.post_restore_error(_report(error, logs), snapstart.AFTER_RESTORE_ERROR)
        sys.exit(snapstart.AFTER_RESTORE_EXIT)


def _report(error: BaseException, logs: Logs) -> bytes:
    """Log `error`, and return its report."""
    report = error_report(error)
    logs.error(report)
    return report_json(report)


def _log_environment_warnings(logs: Logs) -> None:
    """Warn of an ignored copy of this package in the function."""
    copy = os.path.join(os.environ.get("LAMBDA_TASK_ROOT", "/var/task"), "lambda_streamify", "__init__.py")
    if os.path.exists(copy) and not os.path.samefile(copy, _PACKAGE_FILE):
        with open(copy, encoding="utf-8") as file:
            version = file.read().partition('__version__ = "')[2].partition('"')[0]
        if version != __version__:
            logs.once(f"the function contains lambda_streamify {version}; the layer's {__version__} is used")


def invoke_mode(environ: "Mapping[str, str]") -> str:
    """Return the value of STREAMIFY_INVOKE_MODE. Under `sam local`, which cannot stream, it is always `buffered`."""
    if environ.get("AWS_SAM_LOCAL") == "true":
        return sources.BUFFERED
    mode = environ.get("STREAMIFY_INVOKE_MODE") or sources.AUTO
    if mode.lower() not in sources.MODES:
        raise HandlerError(f"STREAMIFY_INVOKE_MODE is {mode!r}; it must be one of {', '.join(sources.MODES)}")
    return mode.lower()


_COROUTINE_OR_ASYNC_GENERATOR = 0x80 | 0x200  # inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_FUNCTION = type(main)


def defines_async_function(handler: "Handler") -> bool:
    """Return whether the handler's module defines an async function anywhere, nested functions included."""
    module = sys.modules.get(getattr(handler, "__module__", None) or "")
    # Check the type: reading an attribute may run code of the object (a Flask proxy raises outside of a request).
    codes = (value.__code__ for value in vars(module).values() if type(value) is _FUNCTION) if module else iter(())
    return any(code.co_flags & _COROUTINE_OR_ASYNC_GENERATOR for code in _with_nested(codes))


def _with_nested(codes: "Iterator[CodeType]") -> "Iterator[CodeType]":
    for code in codes:
        yield code
        yield from _with_nested(const for const in code.co_consts if hasattr(const, "co_flags"))
