"""Serves a recording as a function URL would: each request gets the whole replay, from its own start.

As with a function, each chunk of the stream is one HTTP chunk, an error before the first byte is a 502, and an error
after it ends the body as if it were complete. Unlike a function, the replay stops when its client disconnects.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from ..errors import EmulatorError, ReplayedDisconnect
from ..invocations import prelude as preludes
from ..recordings.recording import HEAD
from ..web.asgi import respond, start, wait_for_disconnect
from ..web.response_headers import OF_A_CONNECTION
from .playback import Outcome
from .replay import prelude

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ..web.asgi import Receive, Scope, Send
    from .replay import Replay

DATE = "date"  # the server sends its own


class ReplayUrl:
    """The ASGI application behind the URL. It reports errors that the client cannot see to `warn`."""

    def __init__(self, replay: Replay, warn: Callable[[str], None]) -> None:
        self._replay = replay
        self._warn = warn
        self._stopped = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        playing = asyncio.create_task(_Answer(send, self._warn).play(self._replay))
        others = [asyncio.create_task(wait_for_disconnect(receive)), asyncio.create_task(self._stopped.wait())]
        try:
            await asyncio.wait([playing, *others], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (playing, *others):
                task.cancel()
            await asyncio.wait([playing, *others])
        if not playing.cancelled():
            playing.result()  # raises an unexpected error

    def stop(self) -> None:
        """Cut the running replays."""
        self._stopped.set()


class _Answer:
    """One response. If `play` returns before the body is complete, the server cuts the connection."""

    def __init__(self, send: Send, warn: Callable[[str], None]) -> None:
        self._send = send
        self._warn = warn
        self._status: int | None = None

    async def play(self, replay: Replay) -> None:
        """Send the replay."""
        outcome = Outcome()
        try:
            async with aclosing(replay.aevents()) as events:
                async for event in events:
                    outcome.add(event)
                    chunk = event.chunk
                    if event.code == HEAD and self._status is None:
                        await self._start(event.data)
                    elif chunk is not None:
                        await self._body(chunk)
        except EmulatorError as error:
            self._warn(f"{error}; the client gets {'502' if self._status is None else 'a connection that breaks'}")
            if self._status is None:
                await self._refuse()
            return
        if outcome.failure is None:
            await self._body(b"", more=False)
        else:
            await self._fail(outcome.failure)

    async def _start(self, head: Mapping[str, Any]) -> None:
        fields = preludes.parse(prelude(head).removesuffix(preludes.DELIMITER))
        headers = [pair for pair in fields.headers if pair[0].lower() not in {*OF_A_CONNECTION, "content-length", DATE}]
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("content-type", "application/octet-stream"))
        await start(self._send, fields.status, [*headers, *(("set-cookie", cookie) for cookie in fields.cookies)])
        self._status = fields.status

    async def _body(self, data: bytes, *, more: bool = True) -> None:
        if self._status is None:
            await self._start({"status_code": 200, "headers": {}, "cookies": []})
        if self._status in (204, 304):
            data = b""  # RFC 9110, section 6.4.1
        if data or not more:
            await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def _fail(self, failure: EmulatorError) -> None:
        if isinstance(failure, ReplayedDisconnect):
            await self._body(b"")  # sends the head, or the server would send a response of its own
        elif self._status is None:
            self._warn(f"{failure}; the client gets 502")
            await self._refuse()
        else:
            self._warn(f"{failure}, after the response began: the client sees a body that ends early")
            await self._body(b"", more=False)

    async def _refuse(self) -> None:
        await respond(self._send, 502, [("content-type", "text/plain")], b"Internal Server Error")
