"""A client of an ASGI application, without sockets: each message of the application is kept as it was sent."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from lambda_streamify_emulator.web.asgi import App, Message


@dataclass
class Exchange:
    """One request, and what the application has answered so far."""

    body: Iterable[bytes] = (b"",)
    method: str = "GET"
    path: str = "/"
    query: str = ""
    headers: Iterable[tuple[str, str]] = ()
    http_version: str = "1.1"
    leaves: bool = False
    stays: bool = False
    sent: list[Message] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, app: App) -> "Exchange":
        """Let the application answer."""
        scope = {
            "type": "http",
            "http_version": self.http_version,
            "scheme": "http",
            "method": self.method,
            "path": self.path,
            "raw_path": self.path.encode("latin-1"),
            "query_string": self.query.encode("latin-1"),
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers],
            "client": ("192.0.2.7", 50_000),
            "server": ("127.0.0.1", 4000),
        }
        pieces = list(self.body)
        messages: list[dict[str, Any]] = [
            {"type": "http.request", "body": piece, "more_body": number < len(pieces) - 1 or self.leaves}
            for number, piece in enumerate(pieces)
        ]

        async def receive() -> Message:
            if messages:
                return messages.pop(0)
            while not (self.leaves or (self._is_over and not self.stays)):
                self._changed.clear()
                await self._changed.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            self.sent.append(message)
            self._changed.set()

        await app(scope, receive, send)
        return self

    @property
    def _is_over(self) -> bool:
        """Whether the client needs no connection any more: the answer is complete, or a short one that says close."""
        return len(self.sent) > 1 and (self.complete or (b"connection", b"close") in self.sent[0]["headers"])

    def leave(self) -> None:
        """The client goes, before the answer is complete."""
        self.leaves = True
        self._changed.set()

    async def until(self, messages: int) -> None:
        """Wait until the application has sent so many messages."""
        while len(self.sent) < messages:
            self._changed.clear()
            await self._changed.wait()

    @property
    def status(self) -> int:
        """The status of the answer."""
        return int(self.sent[0]["status"])

    @property
    def fields(self) -> list[tuple[str, str]]:
        """The headers of the answer, in their order."""
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.sent[0]["headers"]]

    @property
    def pieces(self) -> list[bytes]:
        """The body of the answer as it was sent."""
        return [message["body"] for message in self.sent[1:]]

    @property
    def complete(self) -> bool:
        """Whether the body has its end."""
        return self.sent[-1]["type"] == "http.response.body" and not self.sent[-1].get("more_body", False)
