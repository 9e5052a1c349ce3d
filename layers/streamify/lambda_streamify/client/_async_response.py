"""The response to an HTTP request, read as it comes in an event loop: the twin of `Response`."""

import asyncio

from .._web.request import Headers
from ..errors import NoResponse, StreamCut, StreamFailed, StreamStateError
from ._checks import ERROR_BODY_LIMIT_BYTES, check_encoding, error_status, is_success
from ._event_reading import NO_CONTENT, EventReading
from ._lines import TextLineParser
from ._row_reading import RowReading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from typing import Any, Protocol

    from ._http1 import Head
    from ._sse import ServerSentEvent

    class AsyncSource(Protocol):
        """A connection on which the head of a response has come."""

        head: Head

        async def read(self) -> bytes: ...
        async def close(self) -> None: ...


class AsyncResponse:
    """An asynchronous iterator over the chunks of a response, each of them bytes, as they arrive.

    `astream` returns it. It sends the request when its `async with` block begins. Attributes, methods and errors are
    those of `Response`.
    """

    status_code: int
    headers: Headers
    cookies: "list[str]"

    def __init__(self, connect: "Callable[[str], Awaitable[AsyncSource]]") -> None:
        self._connect = connect  # sends the request, with a Last-Event-ID unless that is ""
        self._source: AsyncSource | None = None
        self._closed = False

    def _use(self, source: "AsyncSource") -> None:
        self._source = source
        self.status_code = source.head.status
        self.headers = Headers((name, value) for name, value in source.head.headers if name.lower() != "set-cookie")
        self.cookies = source.head.values("set-cookie")

    def __aiter__(self) -> "AsyncIterator[bytes]":
        return self

    async def __anext__(self) -> bytes:
        chunk = await self._opened().read()
        if not chunk:
            raise StopAsyncIteration
        return chunk

    async def read(self) -> bytes:
        """The rest of the body. If it is cut, the StreamCut has what arrived as its `partial`."""
        chunks: list[bytes] = []
        try:
            async for chunk in self:
                chunks.append(chunk)  # noqa: PERF401 - they would be lost with the error
        except StreamFailed as failure:
            failure.partial = b"".join(chunks)
            raise
        return b"".join(chunks)

    async def raise_for_status(self) -> "AsyncResponse":
        """Return this response if its status is 200 to 299.

        Otherwise raise ErrorStatus, whose `partial` is the beginning of the body.
        """
        self._opened()
        if is_success(self.status_code):
            return self
        body = b""
        try:
            async for chunk in self:
                body += chunk
                if len(body) >= ERROR_BODY_LIMIT_BYTES:
                    break
        except StreamCut:
            pass  # the status says more
        raise error_status(self.status_code, self.headers, body)

    async def lines(self) -> "AsyncIterator[str]":
        """The lines, which are UTF-8, without their line ends. See `Response.lines`."""
        self._opened()
        check_encoding(self.headers)
        parser = TextLineParser()
        try:
            async for chunk in self:
                for line in parser.feed(chunk):
                    yield line
        except StreamCut:
            for line in parser.cut():
                yield line
            raise
        for line in parser.end():
            yield line

    async def rows(self, *, until: "Callable[[Any], object] | None" = None) -> "AsyncIterator[Any]":
        """The values of newline-delimited JSON. See `Response.rows`."""
        reading = RowReading(until)
        check_encoding((await self.raise_for_status()).headers)
        try:
            async for chunk in self:
                for row in reading.feed(chunk):
                    yield row
                if reading.is_over:
                    return
        except StreamCut as failure:
            reading.cut(failure)
            raise
        for row in reading.end():
            yield row

    async def events(
        self,
        *,
        until: "str | Callable[[ServerSentEvent], object] | None" = None,
        reconnects: int = 0,
        sleep: "Callable[[float], Awaitable[object]]" = asyncio.sleep,
    ) -> "AsyncIterator[ServerSentEvent]":
        """The server-sent events. See `Response.events`; `sleep` is asynchronous here."""
        reading = EventReading(until, reconnects)
        while True:
            try:
                if reading.is_cut:
                    await self._opened().close()
                    self._use(await self._connect(reading.last_event_id))
                if (await self.raise_for_status()).status_code == NO_CONTENT:
                    reading.nothing_more()
                    return
                reading.begin(self.headers)
                async for chunk in self:
                    for event in reading.feed(chunk):
                        yield event
                    if reading.is_over:
                        return
                reading.end()
            except (StreamCut, NoResponse) as failure:
                reading.cut(failure)
            if not reading.is_cut:
                return
            await sleep(reading.delay_s)

    async def close(self) -> None:
        """Close the connection. The function does not notice, and runs to its end."""
        self._closed = True
        if self._source is not None:
            await self._source.close()

    async def __aenter__(self) -> "AsyncResponse":
        self._use(await self._connect(""))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _opened(self) -> "AsyncSource":
        if self._closed:
            raise StreamStateError("the response is closed: read it inside its async with block")
        if self._source is None:
            raise StreamStateError("the request is not sent yet: read the response inside an async with block")
        return self._source
