"""The functions that the tests of the emulator run.

A direct event names one of them as `case`; the path of an HTTP request does, and the query holds what it needs.
"""

import asyncio
import base64
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from socket import create_connection, socket
from typing import Any

import lambda_streamify

Event = dict[str, Any]


def handler(event: Event, _context: object) -> object:
    if "rawPath" in event:
        asked = {**event.get("queryStringParameters", {}), "event": event}
        return CASES[event["rawPath"].split("/")[1]](asked)
    if "resource" in event:
        asked = {**(event["queryStringParameters"] or {}), "event": event}
        return CASES[event["pathParameters"]["case"]](asked)
    return CASES[event["case"]]({**event, "event": event})


# --- gates: the test opens them, see tests/support/gate.py -----------------------------------------------------------


class Gate:
    def __init__(self, asked: Event) -> None:
        host, _, port = asked["gate"].rpartition(":")
        self._connection: socket = create_connection((host, int(port)))

    def wait(self) -> None:
        self._connection.sendall(b"?")
        if self._connection.recv(1) != b"!":
            raise RuntimeError("the gate is gone")


def gated(asked: Event) -> Iterator[str]:
    gate = Gate(asked)
    for number in range(int(asked["chunks"])):
        yield f"chunk {number}\n"
        gate.wait()


async def async_gated(asked: Event) -> AsyncIterator[str]:
    host, _, port = asked["gate"].rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for number in range(int(asked["chunks"])):
        yield f"chunk {number}\n"
        writer.write(b"?")
        await reader.readexactly(1)
    writer.close()


def gated_events(asked: Event) -> object:
    """Send an event for each chunk; the last one is of the type `done`."""

    def events() -> Iterator[lambda_streamify.sse.Event]:
        for number, chunk in enumerate(gated(asked)):
            yield lambda_streamify.sse.Event({"token": chunk}, id=str(number))
        yield lambda_streamify.sse.Event({}, event="done")

    return lambda_streamify.sse.events(events())


def gated_body(asked: Event) -> Event:
    return {"statusCode": 200, "headers": {"content-type": "text/event-stream"}, "body": gated(asked)}


def async_gated_body(asked: Event) -> Event:
    return {"statusCode": 200, "headers": {"content-type": "text/event-stream"}, "body": async_gated(asked)}


async def coroutine_gated_body(asked: Event) -> Event:
    return async_gated_body(asked)


def gated_processes(asked: Event) -> Iterator[str]:
    gate = Gate(asked)
    for _ in range(int(asked["chunks"])):
        yield f"process {os.getpid()}\n"
        gate.wait()


# --- other functions -------------------------------------------------------------------------------------------------


def relayed(asked: Event) -> Iterator[bytes]:
    """Pass on the stream of another function, whose address the query names."""
    with lambda_streamify.client.stream(asked["source"]) as response:
        yield from response


async def async_relayed(asked: Event) -> AsyncIterator[bytes]:
    async with lambda_streamify.client.astream(asked["source"]) as response:
        async for chunk in response:
            yield chunk


# --- answers ---------------------------------------------------------------------------------------------------------


def answer(asked: Event) -> Event:
    """Return the response that is asked for; `body` is streamed, its binary chunks are given in base64."""
    response: Event = json.loads(asked["response"])
    response["body"] = chunks(response["body"])
    return response


def chunks(items: list[Any]) -> Iterator[object]:
    for item in items:
        yield item if isinstance(item, str) else base64.b64decode(item["base64"])


def value(asked: Event) -> object:
    return json.loads(asked["value"])


def event(asked: Event) -> object:
    return asked["event"]


def event_text(asked: Event) -> Event:
    """Return the event as a body, for an event has fields of a response."""
    return {"statusCode": 200, "body": json.dumps(asked["event"])}


def process(_asked: Event) -> int:
    return os.getpid()


def unsent(asked: Event) -> Event:
    """Leave a note if the body is run, which a response without one must not."""

    def body() -> Iterator[str]:
        leave_note(asked, "run")
        yield "never"

    return {"statusCode": int(asked["status"]), "body": body()}


# --- errors and ends -------------------------------------------------------------------------------------------------


def fails(asked: Event) -> Iterator[str]:
    for index in range(int(asked["after"])):
        yield f"chunk {index}\n"
    raise LookupError("no more chunks")


async def async_fails(asked: Event) -> AsyncIterator[str]:
    for index in range(int(asked["after"])):
        yield f"chunk {index}\n"
    raise LookupError("no more chunks")


def raises(_asked: Event) -> object:
    raise ValueError("no answer")


def exits(asked: Event) -> Iterator[str]:
    yield "so far\n"
    Gate(asked).wait()  # until the chunk has been read: nothing is left in a buffer when the process is gone
    os._exit(3)


def quits(_asked: Event) -> Iterator[str]:
    yield "so far\n"
    sys.exit(3)


def exits_first(_asked: Event) -> object:
    os._exit(3)


def quits_first(_asked: Event) -> object:
    sys.exit(3)


def hangs(asked: Event) -> Iterator[str]:
    """Start a process that would outlive this one, yield the ids of both and never end."""
    yield f"{os.getpid()} {sleeper().pid}\n"
    Gate(asked).wait()


def hangs_stubbornly(asked: Event) -> Iterator[str]:
    """Never end, not even when asked to."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    yield "stubborn\n"
    Gate(asked).wait()


def leaves_sleeper(_asked: Event) -> int:
    """End with a process left behind; return its id."""
    return sleeper().pid


def leaves_daemon(_asked: Event) -> int:
    """End with a process left behind that has put itself out of reach, and holds the log; return its id."""
    return sleeper(start_new_session=True).pid


def sleeper(**options: Any) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["sleep", "600"], **options)


# --- what a reader does to a body ------------------------------------------------------------------------------------


def counted(asked: Event) -> Iterator[bytes]:
    """Yield chunks of 64 KiB, and keep in a file how many it has been by now."""
    chunk = bytes(64 * 1024)
    with Path(asked["note"]).open("wb", buffering=0) as note:
        for index in range(1, int(asked["chunks"]) + 1):
            os.pwrite(note.fileno(), b"%d" % index, 0)
            yield chunk
        os.pwrite(note.fileno(), b"done", 0)


async def async_counted(asked: Event) -> AsyncIterator[bytes]:
    for chunk in counted(asked):
        yield chunk


def abandoned(asked: Event) -> Iterator[str]:
    """Yield more than all buffers hold once the gate is open, and leave a note at the end."""
    yield "first\n"
    yield from abandoned_early(asked)


def abandoned_early(asked: Event) -> Iterator[str]:
    Gate(asked).wait()
    for _ in range(500):
        yield "x" * 65536
    leave_note(asked, str(os.getpid()))


def note(asked: Event) -> None:
    leave_note(asked, "invoked")


# --- surroundings ----------------------------------------------------------------------------------------------------


def surroundings(asked: Event) -> Event:
    found = {}
    for name in asked["modules"]:
        with suppress(ImportError):
            found[name] = importlib.import_module(name).__file__
    return {
        "package": lambda_streamify.__file__,
        "path": sys.path,
        "environment": dict(os.environ),
        "found": found,
        "version": list(sys.version_info[:2]),
        "folder": str(Path.cwd()),
        "arguments": sys.argv,
        "parent's environment": Path(f"/proc/{os.getppid()}/environ").read_text(errors="replace"),
    }


def says(asked: Event) -> None:
    sys.stdout.write(f"said {asked['text']}\n")
    sys.stderr.write(f"complained {asked['text']}\n")


def leave_note(asked: Event, text: str) -> None:
    """Write the note whole or not at all: the test waits for it to be there."""
    note = Path(asked["note"])
    unfinished = note.with_suffix(".unfinished")
    unfinished.write_text(text)
    unfinished.rename(note)


CASES: dict[str, Callable[[Event], object]] = {
    function.__name__: function
    for function in (
        gated,
        async_gated,
        gated_body,
        gated_events,
        async_gated_body,
        coroutine_gated_body,
        gated_processes,
        relayed,
        async_relayed,
        answer,
        value,
        event,
        event_text,
        process,
        unsent,
        fails,
        async_fails,
        raises,
        exits,
        quits,
        exits_first,
        quits_first,
        hangs,
        hangs_stubbornly,
        leaves_sleeper,
        leaves_daemon,
        counted,
        async_counted,
        abandoned,
        abandoned_early,
        note,
        surroundings,
        says,
    )
}
