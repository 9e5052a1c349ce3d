"""The ways in which `lambda_streamify.client` reads over HTTP: blocking or in an event loop, by itself or by httpx."""

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from ssl import create_default_context
from typing import Any

import httpx

from asynchronous import run
from lambda_streamify.client import AsyncResponse, Response, astream, stream
from lambda_streamify.errors import StreamFailed
from waiting import TIMEOUT_S

WAYS = ("blocking", "asyncio", "httpx", "async httpx")


@dataclass
class Received:
    """What came: the status and the headers, the items before the end, and the error, if that was the end."""

    status_code: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: list[str] = field(default_factory=list)
    items: list[Any] = field(default_factory=list)
    failure: StreamFailed | None = None


_VERIFYING = create_default_context()  # one for all: to make one takes long


def receive(
    way: str,
    url: str,
    kind: str = "chunks",
    *,
    reading: Mapping[str, Any] | None = None,
    on_item: Callable[[Any], object] = lambda _: None,
    **options: Any,
) -> Received:
    """Read the response as `kind`: "chunks", "body", "lines", "rows" or "events"; `on_item` is told each item."""
    received = Received()
    read = _Reading(kind, dict(reading or {}), on_item, received)
    options = {"timeout": TIMEOUT_S, **options}
    try:
        if way.startswith("async"):
            run(read.from_event_loop(way, url, options))
        else:
            read.blocking(way, url, options)
    except StreamFailed as failure:
        received.failure = failure
    return received


@dataclass
class _Reading:
    kind: str
    options: dict[str, Any]
    on_item: Callable[[Any], object]
    received: Received

    def blocking(self, way: str, url: str, options: dict[str, Any]) -> None:
        with ExitStack() as stack:
            if way == "httpx":
                options["client"] = stack.enter_context(httpx.Client(trust_env=False, verify=_VERIFYING))
            response = stack.enter_context(stream(url, **options))
            self._note(response)
            if self.kind == "body":
                self.received.items.append(response.read())
                return
            for item in self._items(response):
                self._take(item)

    async def from_event_loop(self, way: str, url: str, options: dict[str, Any]) -> None:
        if "sleep" in self.options:
            self.options["sleep"] = _asynchronous(self.options["sleep"])
        async with AsyncExitStack() as stack:
            if way == "async httpx":
                client = httpx.AsyncClient(trust_env=False, verify=_VERIFYING)
                options["client"] = await stack.enter_async_context(client)
            response = await stack.enter_async_context(astream(url, **options))
            self._note(response)
            if self.kind == "body":
                self.received.items.append(await response.read())
                return
            async for item in self._items(response):
                self._take(item)

    def _items(self, response: Response | AsyncResponse) -> Any:
        return response if self.kind == "chunks" else getattr(response, self.kind)(**self.options)

    def _take(self, item: Any) -> None:
        self.received.items.append(item)
        self.on_item(item)

    def _note(self, response: Response | AsyncResponse) -> None:
        self.received.status_code, self.received.headers = response.status_code, response.headers
        self.received.cookies = response.cookies


def _asynchronous(sleep: Callable[[float], object]) -> Callable[[float], Any]:
    async def asleep(seconds: float) -> None:
        sleep(seconds)

    return asleep
