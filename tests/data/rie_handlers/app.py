"""The functions that run under AWS's emulator. `case` in the event names the one that answers."""

import logging
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any, TypeVar

import lambda_streamify

Event = dict[str, Any]
Body = TypeVar("Body")


def handler(event: Event, _context: object) -> object:
    return CASES[event["case"]](event)


def http(body: object) -> Event:
    return {"statusCode": 201, "headers": {"x-kind": "brief"}, "cookies": ["a=1; Path=/"], "body": body}


# --- streams ---------------------------------------------------------------------------------------------------------


def streamed(_event: Event) -> Event:
    return http(chunk for chunk in ("one, ", b"\x00\xff two, ", "", "three"))


def async_streamed(_event: Event) -> Event:
    async def body() -> AsyncIterator[str | bytes]:
        for chunk in ("one, ", b"\x00\xff two, ", "", "three"):
            yield chunk

    return http(body())


def text(_event: Event) -> Event:
    return http(chunk for chunk in ("one, ", "two"))


def plain_http(_event: Event) -> Event:
    return http("short")


def empty(_event: Event) -> Iterator[str]:
    yield from ()


def echoed(event: Event) -> Iterator[str]:
    yield from event["text"]


def logs(_event: Event) -> Iterator[str]:
    logger = logging.getLogger("app")
    logger.warning("before the first chunk")
    yield "one, "
    logger.warning("between %s chunks", "two")
    sys.stdout.write("printed\n")
    yield "two"


def sized(event: Event) -> Iterator[bytes]:
    yield bytes(event["size"] - 1)
    yield b"!"


# --- plain values ----------------------------------------------------------------------------------------------------


def plain(event: Event) -> object:
    return event["value"]


def plain_sized(event: Event) -> str:
    return "x" * int(event["size"])


def process(_event: Event) -> int:
    return os.getpid()


def package(_event: Event) -> Event:
    """Where each module of the package comes from, those included that nobody has imported yet."""
    for module in walk_packages(lambda_streamify.__path__, "lambda_streamify."):
        import_module(module.name)
    return {name: sys.modules[name].__file__ for name in sorted(sys.modules) if name.startswith("lambda_streamify")}


# --- errors ----------------------------------------------------------------------------------------------------------


def fails(_event: Event) -> object:
    raise ValueError("no answer")


def fails_first(event: Event) -> Iterator[str]:
    try:
        if event:
            raise ValueError("no first chunk")
        yield "never"
    finally:
        leave_note(event)


async def async_fails_first(event: Event) -> AsyncIterator[str]:
    try:
        if event:
            raise ValueError("no first chunk")
        yield "never"
    finally:
        leave_note(event)


def fails_later(event: Event) -> Iterator[str]:
    try:
        yield "one, "
        yield "two"
        raise LookupError("no third chunk")
    finally:
        leave_note(event)


async def async_fails_later(event: Event) -> AsyncIterator[str]:
    try:
        yield "one, "
        yield "two"
        raise LookupError("no third chunk")
    finally:
        leave_note(event)


def fails_deep_first(event: Event) -> Iterator[str]:
    yield dive(event["frames"], event["size"])


def fails_deep_later(event: Event) -> Iterator[str]:
    yield "so far"
    yield dive(event["frames"], event["size"])


# Two functions in turn: Python prints a frame that repeats itself only three times.
def dive(frames: int, size: int) -> str:
    return dive_on(frames - 1, size)


def dive_on(frames: int, size: int) -> str:
    if frames > 2:
        return dive(frames - 1, size)
    raise ValueError("m" * size)


# --- ends ------------------------------------------------------------------------------------------------------------


def closes(event: Event) -> Iterator[str]:
    try:
        yield "one, "
        yield "two"
    finally:
        leave_note(event)


async def async_closes(event: Event) -> AsyncIterator[str]:
    try:
        yield "one, "
        yield "two"
    finally:
        leave_note(event)


# These stop at a `yield`: nobody runs their `finally` but the runtime.


def yields_a_number(event: Event) -> Iterator[object]:
    def body() -> Iterator[object]:
        try:
            yield "one, "
            yield 2
        finally:
            leave_note(event)

    return kept(body())


def async_yields_a_number(event: Event) -> AsyncIterator[object]:
    async def body() -> AsyncIterator[object]:
        try:
            yield "one, "
            yield 2
        finally:
            leave_note(event)

    return kept(body())


KEPT: list[object] = []


def kept(body: Body) -> Body:
    """Keep a reference, so that it is not the garbage collector which closes the body."""
    KEPT.append(body)
    return body


def exits(_event: Event) -> Iterator[str]:
    yield "lost"
    os._exit(3)


def quits(_event: Event) -> Iterator[str]:
    yield "so far"
    sys.exit(3)


def leave_note(event: Event) -> None:
    """Tell the test that a `finally` has run, and how often."""
    with Path(event["note"]).open("a") as note:
        note.write("closed\n")


CASES: dict[str, Callable[[Event], object]] = {
    function.__name__: function
    for function in (
        streamed,
        async_streamed,
        text,
        plain_http,
        empty,
        echoed,
        logs,
        sized,
        plain,
        plain_sized,
        process,
        package,
        fails,
        fails_first,
        async_fails_first,
        fails_later,
        async_fails_later,
        fails_deep_first,
        fails_deep_later,
        closes,
        async_closes,
        yields_a_number,
        async_yields_a_number,
        exits,
        quits,
    )
}
