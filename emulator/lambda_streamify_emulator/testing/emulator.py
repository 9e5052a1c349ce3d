"""Runs the emulator of a test session in a thread, and recognises the requests of the fixture's client."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from ..emulator import Emulator
from ..invocations.lockstep import LockstepChannel, Steps
from ..sandboxes.pool import SandboxPool
from ..settings import Settings
from ..template.reader import Template, load_template
from ..web.web_server import WebServer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ..invocations.invocation import Invocation
    from ..web.asgi import Receive, Scope, Send

_STEPS: ContextVar[Steps | None] = ContextVar("_STEPS", default=None)  # of the current request


class LogLine(NamedTuple):
    """A log line of a function, printed by the function itself or by the platform."""

    function: str
    text: str


class _Pool(SandboxPool):
    async def invoke(self, invocation: Invocation, **options: Any) -> None:
        """Start `invocation`. If the fixture's client sent the request, its response is delivered in lockstep."""
        steps = _STEPS.get()
        if steps is not None and invocation.streamed:
            steps.begin()
            invocation.channel = LockstepChannel(steps, invocation.channel.backlog)
        await super().invoke(invocation, **options)
        if steps is not None:  # only now, because the invocation may have been refused
            steps.invocation = invocation


class _Server(WebServer):
    expected: dict[int, Steps]

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        _STEPS.set(self.expected.pop(scope["client"][1], None))
        await super()._dispatch(scope, receive, send)


class _Emulator(Emulator):
    pool_type = _Pool
    server_type = _Server


class TemplateEmulator:
    """Runs a template between `start` and `stop`.

    `messages` are those of the emulator, `lines` the log lines of functions. `max_concurrency` is that of Settings.
    """

    def __init__(
        self,
        path: Path,
        parameters: Mapping[str, str],
        layers: Mapping[str, Path] | None = None,
        max_concurrency: Mapping[str, int] | None = None,
    ) -> None:
        self.path = path
        self.messages: list[str] = []
        self.lines: list[LogLine] = []
        self.template = Template(())
        self._parameters = parameters
        self._layers = layers
        self._settings = Settings(max_concurrency=max_concurrency or {})
        self._expected: dict[int, Steps] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._has_stop_request = False
        self._thread = threading.Thread(target=self._run, name="streamify-emulator", daemon=True)
        self._started: Future[Emulator] = Future()

    def start(self) -> None:
        """Start the emulator, and wait until it serves. Raises EmulatorError if it cannot serve the template."""
        self.template = load_template(self.path, self._parameters, self._layers)
        self.messages += self.template.left_out
        self._thread.start()
        try:
            emulator = self._started.result()
        except BaseException:
            self.stop()
            raise
        self.urls, self.lambda_api = dict(emulator.urls), emulator.lambda_api
        self.apis = dict(emulator.apis)
        self.signed, self.iam = emulator.signed, emulator.iam

    def stop(self) -> None:
        """Stop the emulator and all functions."""
        self._has_stop_request = True
        if self._loop is not None and self._stopping is not None:
            with suppress(RuntimeError):  # the loop has ended already
                self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def expect(self, port: int) -> Steps:
        """Return the steps for the response to the next request from this port of the client."""
        steps = self._expected[port] = Steps()
        return steps

    def wait_until_over(self, steps: Steps) -> None:
        """Wait until the function has finished its work after the response, and its log is complete."""
        if steps.invocation is not None and self._loop is not None:
            asyncio.run_coroutine_threadsafe(steps.invocation.tail.result(), self._loop).result()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - raised in the thread that waits in `start`
            if not self._started.done():
                self._started.set_exception(error)

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        if self._has_stop_request:
            return
        emulator = _Emulator(self.template, port=0, say=self.messages.append, log=self._log, settings=self._settings)
        stopping = asyncio.create_task(self._stopping.wait())
        starting = asyncio.create_task(emulator.__aenter__())
        await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
        await starting
        try:
            assert isinstance(emulator._server, _Server)  # noqa: SLF001 - its own class
            emulator._server.expected = self._expected  # noqa: SLF001
            self._started.set_result(emulator)
            await stopping
        finally:
            await emulator.__aexit__(None, None, None)

    def _log(self, name: str, line: str) -> None:
        self.lines.append(LogLine(name, line))
