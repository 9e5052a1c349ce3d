"""Events and who gets them, by a listener over a real connection."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from asynchronous import run
from lambda_streamify_emulator.extensions import delivery
from lambda_streamify_emulator.extensions.subscription import LOGS, TELEMETRY, Destination, Subscription
from lambda_streamify_emulator.extensions.telemetry import Telemetry, is_for, timestamp


class Listener:
    """A subscriber's server. It answers each request with the next status of its list, the last one for ever."""

    def __init__(self, *statuses: int) -> None:
        self.requests: list[tuple[str, bytes]] = []
        self.events: list[dict[str, Any]] = []
        self._statuses = list(statuses or (200,))
        self._changed = asyncio.Event()

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for what is received to fulfil the condition."""
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(head.lower().partition("content-length: ")[2].partition("\r\n")[0])
        body = await reader.readexactly(length)
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        self.requests.append((head, body))
        if status == 200:
            self.events += json.loads(body)
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())
        writer.close()
        self._changed.set()

    async def serve_lines(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take lines of JSON."""
        while line := await reader.readline():
            self.events.append(json.loads(line))
            self._changed.set()
        writer.close()


@asynccontextmanager
async def listening(listener: Listener, *, lines: bool = False) -> AsyncIterator[int]:
    server = await asyncio.start_server(listener.serve_lines if lines else listener.serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def subscription(port: int, *types: str, timeout_s: float = 0.025) -> Subscription:
    return Subscription(TELEMETRY, "2022-12-13", types or ("platform",), Destination(port), timeout_s=timeout_s)


@asynccontextmanager
async def telling(warnings: list[str] | None = None) -> AsyncIterator[Telemetry]:
    telemetry = Telemetry((warnings if warnings is not None else []).append, clock=lambda: 1_600_000_000.1234)
    try:
        yield telemetry
    finally:
        telemetry.close()


def test_a_time_is_in_iso_8601_with_milliseconds() -> None:
    assert timestamp(1_600_000_000.1234) == "2020-09-13T12:26:40.123Z"
    assert timestamp(1_600_000_000) == "2020-09-13T12:26:40.000Z"


def test_a_batch_is_one_request_with_an_array() -> None:
    async def main() -> None:
        listener = Listener()
        async with listening(listener) as port, telling() as telemetry:
            telemetry.subscribe("agent", replace(subscription(port, "platform", "function"), timeout_s=30))
            telemetry.line("function", "[ERROR] a\rTraceback\r")
            telemetry.line("extension", "not asked for")
            telemetry.flush()
            await listener.until(lambda: len(listener.events) == 2)

            ((head, _),) = listener.requests
            assert head.startswith(f"POST / HTTP/1.1\r\nHost: sandbox.localdomain:{port}\r\n")
            assert "Content-Type: application/json\r\n" in head
            told, line = listener.events
            record = {"name": "agent", "state": "Subscribed", "types": ["platform", "function"]}
            time = "2020-09-13T12:26:40.123Z"
            assert told == {"time": time, "type": "platform.telemetrySubscription", "record": record}
            assert line == {"time": time, "type": "function", "record": "[ERROR] a\nTraceback"}

    run(main())


def test_over_tcp_each_event_is_a_line() -> None:
    async def main() -> None:
        listener = Listener()
        async with listening(listener, lines=True) as port, telling() as telemetry:
            to = replace(subscription(port), destination=Destination(port, None))
            telemetry.subscribe("agent", to)
            for number in range(3):
                telemetry.emit("platform.start", {"requestId": str(number)})
            await listener.until(lambda: len(listener.events) == 4)

            assert [event["record"].get("requestId") for event in listener.events] == [None, "0", "1", "2"]

    run(main())


def test_what_came_before_the_subscription_is_sent_too_until_init_is_over() -> None:
    async def main() -> None:
        listener = Listener()
        async with listening(listener) as port, telling() as telemetry:
            telemetry.emit("platform.initStart", {})
            telemetry.subscribe("agent", subscription(port))
            telemetry.close_subscription()
            telemetry.emit("platform.start", {})
            await listener.until(lambda: len(listener.events) == 3)

            kinds = [event["type"] for event in listener.events]
            assert kinds == ["platform.initStart", "platform.telemetrySubscription", "platform.start"]

    run(main())


def test_a_second_subscription_replaces_the_first() -> None:
    async def main() -> None:
        first, second = Listener(), Listener()
        async with listening(first) as one, listening(second) as two, telling() as telemetry:
            telemetry.subscribe("agent", subscription(one))
            telemetry.subscribe("agent", subscription(two))
            telemetry.emit("platform.start", {})
            await second.until(lambda: second.events)

            assert [event["type"] for event in second.events] == ["platform.start"]
            assert not [event for event in first.events if event["type"] == "platform.start"]

    run(main())


def test_a_batch_is_sent_again_until_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "RETRY_DELAYS_S", (0.001,) * 5)

    async def main() -> None:
        listener = Listener(500, 404, 200)
        async with listening(listener) as port, telling() as telemetry:
            telemetry.subscribe("agent", subscription(port))
            await listener.until(lambda: listener.events)

            assert len({body for _, body in listener.requests}) == 1
            assert len(listener.requests) == 3

    run(main())


def test_a_batch_that_is_never_accepted_is_lost_and_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "RETRY_DELAYS_S", (0.001,))

    async def main() -> None:
        listener, warnings = Listener(503, 503, 200), list[str]()
        async with listening(listener) as port, telling(warnings) as telemetry:
            telemetry.subscribe("agent", subscription(port))
            await listener.until(lambda: len(listener.requests) == 2)
            while not warnings:  # noqa: ASYNC110 - it follows the second answer
                await asyncio.sleep(0.001)
            telemetry.emit("platform.start", {})
            await listener.until(lambda: listener.events)

            answer = "its answer is HTTP/1.1 503 X"
            assert warnings == [f"agent has lost 1 events of its subscription: {answer}"]
            started, dropped = listener.events
            assert (started["type"], dropped["type"]) == ("platform.start", "platform.logsDropped")
            assert dropped["record"]["droppedRecords"] == 1
            assert dropped["record"]["droppedBytes"] == len(listener.requests[0][1]) - len(b"[]")

    run(main())


KINDS = (
    "platform.initStart",
    "platform.start",
    "platform.runtimeDone",
    "platform.report",
    "platform.end",
    "platform.fault",
    "function",
)


@pytest.mark.parametrize(
    ("api", "version", "types", "kinds"),
    [
        (TELEMETRY, "2022-07-01", ("platform",), KINDS[:4]),
        (TELEMETRY, "2022-07-01", ("function",), ("function",)),
        (LOGS, "2020-08-15", ("platform",), ("platform.start", "platform.report", "platform.end", "platform.fault")),
        (LOGS, "2021-03-18", ("platform",), KINDS[1:6]),
    ],
)
def test_each_api_has_its_own_events(api: Any, version: str, types: tuple[str, ...], kinds: tuple[str, ...]) -> None:
    wanted = Subscription(api, version, types, Destination(1))

    assert tuple(kind for kind in KINDS if is_for(wanted, kind)) == kinds
