"""Start-up: from the environment to a running loop.

The variables are those of the AWS Lambda Developer Guide, "Defined runtime environment variables". They are read here
and not earlier, since wrappers rewrite them.
"""

import os
import sys

from . import __version__, sources
from .error_report import error_report
from .errors import HandlerError, RuntimeApiError
from .loader import load_handler
from .logs import Logs, Unbuffered, attach_on_import, open_sink
from .marshal import to_json
from .runtime import Runtime
from .runtime_api import RuntimeApi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import CodeType

    from .loader import Handler


def main() -> None:
    """Load the handler and run its invocations. Exits with 1 if it does not load or the Runtime API fails."""
    sys.stdout = Unbuffered(sys.stdout)
    sys.stderr = Unbuffered(sys.stderr)
    logs = Logs(open_sink(os.environ))
    attach_on_import(logs)
    python = ".".join(map(str, sys.version_info[:3]))
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"], f"lambda-streamify/{__version__} python/{python}")
    try:
        runtime = _initialise(api, logs)
        if runtime:
            runtime.run()
    except RuntimeApiError as error:
        logs.line("ERROR", f"the runtime stops: {error}")
    sys.exit(1)


def _initialise(api: RuntimeApi, logs: Logs) -> "Runtime | None":
    """Load the handler; a failure is logged and reported, and None returned."""
    try:
        mode = invoke_mode(os.environ)
        handler = load_handler(os.environ["_HANDLER"])
    except Exception as error:  # noqa: BLE001 - whatever a module does while it is imported
        report = error_report(error)
        logs.error(report)  # noqa: TRY400 - not the logging module
        api.fail_init(to_json(report).encode("utf-8", "replace"), report["errorType"])
        return None
    runtime = Runtime(api, handler, logs, mode=mode)
    if defines_async_function(handler):
        runtime.event_loop()  # during init, so that the first request does not wait for the import of asyncio
    return runtime


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
