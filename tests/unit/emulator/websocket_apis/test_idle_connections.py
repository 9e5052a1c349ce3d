"""A connection that is silent, or open for too long, is closed. The clock is the test's."""

import asyncio
from typing import Any

from asynchronous import run
from lambda_streamify_emulator.template.apis import WEBSOCKET, Api
from lambda_streamify_emulator.web.asgi import Message
from lambda_streamify_emulator.websocket_apis.websocket_api import WebSocketApi

SCOPE: dict[str, Any] = {
    "type": "websocket",
    "path": "/live",
    "raw_path": b"/live",
    "query_string": b"",
    "headers": [(b"host", b"localhost:1")],
    "client": ("127.0.0.1", 2),
    "server": ("127.0.0.1", 1),
    "http_version": "1.1",
    "scheme": "ws",
}
OPEN = {"type": "websocket.connect"}
ACCEPTED: Message = {"type": "websocket.accept", "subprotocol": None, "headers": []}
GOING_AWAY = {"type": "websocket.close", "code": 1001, "reason": "Going away"}


class Client:
    """A client that sends these messages, each after so many seconds on the clock, and then is silent."""

    def __init__(self, *messages: tuple[float, Message]) -> None:
        self.now = 0.0
        self.sent: list[Message] = []
        self._messages = list(messages)

    async def receive(self) -> Message:
        if not self._messages:
            self.now += 10_000  # long enough for each limit
            await asyncio.Event().wait()
        seconds, message = self._messages.pop(0)
        self.now += seconds
        return message

    async def send(self, message: Message) -> None:
        self.sent.append(message)


def connect(client: Client, idle_timeout: float, duration_limit: float) -> None:
    def clock() -> float:
        return client.now

    api = Api("Api", "live", (), kind=WEBSOCKET)
    app = WebSocketApi(api, {}, lambda *_: None, clock=clock, idle_timeout=idle_timeout, duration_limit=duration_limit)
    run(asyncio.wait_for(app(dict(SCOPE), client.receive, client.send), 30))


def test_a_connection_that_is_silent_is_closed() -> None:
    client = Client((0, OPEN))

    connect(client, idle_timeout=0.01, duration_limit=1000)

    assert client.sent == [ACCEPTED, GOING_AWAY]


def test_a_connection_that_is_open_for_too_long_is_closed_though_messages_come() -> None:
    message = {"type": "websocket.receive", "text": "x"}
    client = Client((0, OPEN), *((4, message) for _ in range(5)))

    connect(client, idle_timeout=5, duration_limit=18)

    assert client.sent[0] == ACCEPTED
    assert client.sent[-1] == GOING_AWAY
    assert client.now >= 18
