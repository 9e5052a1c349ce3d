"""Whether a handler can share an event loop with other invocations."""

from inspect import isasyncgenfunction, iscoroutinefunction

from ..errors import HandlerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .._runtime.loader import Handler


def check_handler(handler: "Handler") -> None:
    """Raise HandlerError for a sync handler."""
    if not is_async(handler):
        name = getattr(handler, "__qualname__", None) or type(handler).__name__
        raise HandlerError(
            f"the handler {name} is a sync function, which would hold all other invocations of its process, but"
            " STREAMIFY_CONCURRENCY is tasks: write `async def` (in it, `await asyncio.to_thread(...)` calls what"
            " blocks), or use asgi.handler; or remove STREAMIFY_CONCURRENCY, and each invocation has a process of its"
            " own"
        )


def is_async(handler: "Any") -> bool:
    """Return whether the handler, below its decorators, is an async function or an async generator function."""
    seen: list[Any] = []
    while handler not in seen:
        if iscoroutinefunction(handler) or isasyncgenfunction(handler):  # both look into partials and methods
            return True
        seen.append(handler)
        handler = getattr(handler, "__wrapped__", None) or getattr(handler, "func", None) or _called(handler)
    return False


def _called(handler: "Any") -> "Any":
    """Return the method that runs if an object of a class in Python is called, or the object itself if it has none."""
    return handler.__call__ if hasattr(getattr(type(handler), "__call__", None), "__code__") else handler  # noqa: B004
