"""The event loop of the process: the one that asyncio's policy creates, or uvloop's."""

from ..errors import HandlerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Mapping
    from types import ModuleType

_ASYNCIO, _UVLOOP = _LOOPS = ("asyncio", "uvloop")


def new_event_loop(environ: "Mapping[str, str]") -> "AbstractEventLoop":
    """Create the event loop that STREAMIFY_EVENT_LOOP names, by default asyncio's.

    That is of the policy's kind, if a module of the function has set an event loop policy. Raises HandlerError for
    another name, and where the function has no uvloop.
    """
    name = environ.get("STREAMIFY_EVENT_LOOP") or _ASYNCIO
    if name not in _LOOPS:
        raise HandlerError(f"STREAMIFY_EVENT_LOOP is {name!r}; it must be one of {', '.join(_LOOPS)}")
    uvloop = _import_uvloop() if name == _UVLOOP else None
    import asyncio  # the import takes 36 ms

    return asyncio.new_event_loop() if uvloop is None else uvloop.new_event_loop()


def _import_uvloop() -> "ModuleType":
    from importlib import import_module

    try:
        return import_module("uvloop")
    except ImportError as error:
        raise HandlerError(
            "STREAMIFY_EVENT_LOOP is 'uvloop', but uvloop cannot be imported: add uvloop to the function's"
            " requirements, built for its Python and its architecture, or remove the variable."
            f" The import says: {error}"
        ) from error
