"""Start-up: from the environment to a running loop.

The variables are those of the AWS Lambda Developer Guide, "Defined runtime environment variables". They are read here
and not earlier, since wrappers rewrite them.
"""

import os
import sys

from . import __version__, snapstart, sources
from .error_report import error_report
from .errors import HandlerError, RuntimeApiError
from .loader import load_handler
from .logs import Logs, Unbuffered, attach_on_import, open_logs
from .marshal import to_json
from .runtime import Runtime
from .runtime_api import RuntimeApi as LambdaRuntimeClient

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import CodeType

    from .invocation import Invocation
    from .loader import Handler

_INITIALIZATION_TYPE = "AWS_LAMBDA_INITIALIZATION_TYPE"

UNHANDLED = (
    "LAMBDA_WARNING: Unhandled exception. The function could not be loaded, most likely for a reason in its code. "
    "If it has not changed, the version of the runtime may have: the INIT_START line of the log names it."
)


def main() -> None:
    """Load the handler and run its invocations. Exits with 1 if it does not load or the Runtime API fails."""
    sys.stdout = Unbuffered(sys.stdout)
    sys.stderr = Unbuffered(sys.stderr)
    logs = open_logs(os.environ)
    attach_on_import(logs)
    python = ".".join(map(str, sys.version_info[:3]))
    address = os.environ.get("AWS_LAMBDA_RUNTIME_API")
    if address is None:
        sys.exit("AWS_LAMBDA_RUNTIME_API is not set: this runs on Lambda, or under an emulator of it")
    api = LambdaRuntimeClient(address, f"lambda-streamify/{__version__} python/{python}")
    try:
        _run(api, logs)
    except RuntimeApiError as error:
        logs.line("ERROR", f"the runtime stops: {error}")
    finally:
        api.close()  # Python may warn of a socket that is still open, in the function's log
    sys.exit(1)


def _run(api: LambdaRuntimeClient, logs: Logs) -> None:
    """Run the function's invocations; returns only if it cannot start, once that is logged and reported."""
    try:
        _note_surroundings(logs)
        mode = invoke_mode(os.environ)
        handler = load_handler(os.environ["_HANDLER"])
        runtime = Runtime(api, handler, logs, mode=mode, handle=_handle)
        initialised_ahead = os.environ.get(_INITIALIZATION_TYPE) in ("snap-start", "provisioned-concurrency")
        if initialised_ahead or defines_async_function(handler):
            runtime.event_loop()  # during init, so that the first request does not wait for the import of asyncio
        restores = snapstart.is_snapstart(os.environ)
        if not restores:
            runtime.start()
    except Exception as error:  # noqa: BLE001 - whatever a module does while it is imported
        logs.line("WARNING", UNHANDLED)
        api.post_init_error(_report(error, logs), error_report(error)["errorType"])
        return
    if restores:
        _pass_snapshot(api, logs, runtime.start)
    runtime.run()


def handle_event_request(
    lambda_runtime_client: LambdaRuntimeClient,  # noqa: ARG001 - passed to whoever replaces this function
    request_handler: "Handler",
    invocation: "Invocation",
) -> None:
    """Run one invocation.

    AWS's runtime has a function of this name that takes a client and a handler first; Sentry's integration replaces it
    with one that wraps the handler.
    """
    invocation.run(request_handler)


_own = handle_event_request


def _handle(api: LambdaRuntimeClient, handler: "Handler", invocation: "Invocation") -> None:
    if handle_event_request is not _own:  # looked up at each call: it may have been replaced
        from .inline import streaming

        handler = streaming(handler)  # or what is wrapped around the handler would end before its stream
    handle_event_request(api, handler, invocation)


def _pass_snapshot(api: LambdaRuntimeClient, logs: Logs, start: "Callable[[], None]") -> None:
    """Be frozen into a snapshot and thawed, perhaps many times over; the function's hooks run on both sides."""
    try:
        snapstart.run_before_snapshot()
        api.restore_next()
    except BaseException as error:  # noqa: BLE001 - as AWS's runtime: a hook's SystemExit is an error too
        api.post_init_error(_report(error, logs), snapstart.BEFORE_SNAPSHOT_ERROR)
        sys.exit(snapstart.BEFORE_SNAPSHOT_EXIT)
    try:
        snapstart.run_after_restore()
        start()  # now: connections and random numbers of before would be every copy's
    except BaseException as error:  # noqa: BLE001
        api.post_restore_error(_report(error, logs), snapstart.AFTER_RESTORE_ERROR)
        sys.exit(snapstart.AFTER_RESTORE_EXIT)


def _report(error: BaseException, logs: Logs) -> bytes:
    """The report of `error`, which is logged."""
    report = error_report(error)
    logs.error(report)
    return to_json(report).encode("utf-8", "replace")


def _note_surroundings(logs: Logs) -> None:
    """Log what a function's author may want to know about how it runs."""
    copy = os.path.join(os.environ.get("LAMBDA_TASK_ROOT", "/var/task"), "lambda_streamify", "__init__.py")
    if os.path.exists(copy) and not os.path.samefile(copy, os.path.join(os.path.dirname(__file__), "__init__.py")):
        with open(copy, encoding="utf-8") as file:
            version = file.read().partition('__version__ = "')[2].partition('"')[0]
        if version != __version__:
            logs.line("WARNING", f"the function brings lambda_streamify {version}; the layer's {__version__} is used")
    concurrency = os.environ.get("AWS_LAMBDA_MAX_CONCURRENCY", "1")
    if concurrency != "1":
        logs.line("WARNING", f"AWS_LAMBDA_MAX_CONCURRENCY is {concurrency}; this runtime runs one invocation at a time")


def invoke_mode(environ: "Mapping[str, str]") -> str:
    """What STREAMIFY_INVOKE_MODE says; under `sam local`, which cannot stream, always `buffered`."""
    if environ.get("AWS_SAM_LOCAL") == "true":
        return sources.BUFFERED
    mode = environ.get("STREAMIFY_INVOKE_MODE") or sources.AUTO
    if mode.lower() not in sources.MODES:
        raise HandlerError(f"STREAMIFY_INVOKE_MODE is {mode!r}; it must be one of {', '.join(sources.MODES)}")
    return mode.lower()


_COROUTINE_OR_ASYNC_GENERATOR = 0x80 | 0x200  # inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_FUNCTION = type(main)


def defines_async_function(handler: "Handler") -> bool:
    """Whether the handler's module defines one anywhere, nested functions included."""
    module = sys.modules.get(getattr(handler, "__module__", None) or "")
    # By type: to ask a value for an attribute may run its code (a Flask proxy raises outside of a request).
    codes = (value.__code__ for value in vars(module).values() if type(value) is _FUNCTION) if module else iter(())
    return any(code.co_flags & _COROUTINE_OR_ASYNC_GENERATOR for code in _with_nested(codes))


def _with_nested(codes: "Iterator[CodeType]") -> "Iterator[CodeType]":
    for code in codes:
        yield code
        yield from _with_nested(const for const in code.co_consts if hasattr(const, "co_flags"))
