"""A pool that answers invocations by a script in place of sandboxes, which have tests of their own."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from asgi_client import Exchange
from lambda_streamify_emulator.invocations.channel import FunctionError, ResponseChannel
from lambda_streamify_emulator.invocations.invocation import Invocation
from lambda_streamify_emulator.invocations.watched_channel import WatchedChannel, Watcher
from lambda_streamify_emulator.sandboxes.environment import Folders
from lambda_streamify_emulator.sandboxes.function_package import Package
from lambda_streamify_emulator.sandboxes.pool import SandboxPool
from lambda_streamify_emulator.settings import DEFAULTS, Settings
from lambda_streamify_emulator.template.reader import Function

if TYPE_CHECKING:
    from lambda_streamify_emulator.processes.reaper import Reaper

Script = Callable[[ResponseChannel], Awaitable[None]]
FUNCTION = Function("hello", "Hello", "app.handler", "python3.12", Path(), 3, 128, {}, (), "RESPONSE_STREAM")


class ScriptedPool(SandboxPool):
    """Runs the script for each invocation, which it keeps."""

    def __init__(self, script: Script, function: Function = FUNCTION, settings: Settings = DEFAULTS) -> None:
        package = Package(function, Path("python"), Folders(Path(), Path(), Path()))
        super().__init__(package, cast("Reaper", None), lambda _: None, settings)
        self.invocations: list[Invocation] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.is_watched = False
        self._script = script

    async def invoke(self, invocation: Invocation, *, wait_if_full: bool = False) -> None:
        """Start the script."""
        self.invocations.append(invocation)
        if self.is_watched:
            invocation.channel = WatchedChannel([Watcher()], invocation.channel.backlog)
        self.tasks.append(asyncio.ensure_future(self._script(invocation.channel)))


def responding(content_type: str, *pieces: bytes) -> Script:
    """Return the script of a response that succeeds."""

    async def script(channel: ResponseChannel) -> None:
        channel.start(content_type)
        for piece in pieces:
            channel.write(piece)
            await asyncio.sleep(0)
        channel.end()

    return script


def gated(content_type: str, head: bytes, gate: asyncio.Event, pieces: int) -> Script:
    """Return the script of a response that waits, after each piece, for the test to set the gate."""

    async def script(channel: ResponseChannel) -> None:
        channel.start(content_type)
        channel.write(head)
        for _ in range(pieces):
            channel.write(b"piece")
            await gate.wait()
            gate.clear()
        channel.end()

    return script


def failing(content_type: str, sent: bytes, gate: asyncio.Event) -> Script:
    """Return the script of a response that fails, after what it has sent, when the test sets the gate."""

    async def script(channel: ResponseChannel) -> None:
        channel.start(content_type)
        channel.write(sent)
        await gate.wait()
        channel.end(FunctionError("Function.A", b"{}"))

    return script


async def read_gated(exchange: Exchange, answering: Awaitable[object], gate: asyncio.Event, pieces: int) -> None:
    """Show that each of the gated pieces has been sent before the next one exists."""
    for number in range(pieces):
        await exchange.until(messages=3 + number)  # the head, an empty body, and the pieces
        assert exchange.pieces == [b"", *[b"piece"] * (number + 1)]
        gate.set()
    await answering
    assert exchange.complete
