"""The response to an HTTP request, read as it comes."""

import time

from .._web.request import Headers
from ..errors import NoResponse, StreamCut, StreamFailed, StreamStateError
from ._checks import ERROR_BODY_LIMIT_BYTES, check_encoding, error_status, is_success
from ._event_reading import NO_CONTENT, EventReading
from ._lines import TextLineParser
from ._row_reading import RowReading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Protocol

    from ._http1 import Head
    from ._sse import ServerSentEvent

    class Source(Protocol):
        """A connection on which the head of a response has come."""

        head: Head

        def read(self) -> bytes: ...
        def close(self) -> None: ...


class Response:
    """An iterator over the chunks of a response, each of them bytes, as they arrive. It can be read once.

    A response that ends before it is complete raises StreamCut after its last chunk.

    status_code   int
    headers       a mapping of str to str whose names may be in any case, without Set-Cookie
    cookies       list of str, each the value of a Set-Cookie header
    """

    status_code: int
    headers: Headers
    cookies: "list[str]"

    def __init__(self, connect: "Callable[[str], Source]") -> None:
        self._connect = connect  # sends the request, with a Last-Event-ID unless that is ""
        self._closed = False
        self._use(connect(""))

    def _use(self, source: "Source") -> None:
        self._source = source
        self.status_code = source.head.status
        self.headers = Headers((name, value) for name, value in source.head.headers if name.lower() != "set-cookie")
        self.cookies = source.head.values("set-cookie")

    def __iter__(self) -> "Iterator[bytes]":
        return self

    def __next__(self) -> bytes:
        if self._closed:
            raise StreamStateError("the response is closed: read it before close(), or inside its with block")
        chunk = self._source.read()
        if not chunk:
            raise StopIteration
        return chunk

    def read(self) -> bytes:
        """The rest of the body. If it is cut, the StreamCut has what arrived as its `partial`."""
        chunks: list[bytes] = []
        try:
            for chunk in self:
                chunks.append(chunk)  # noqa: PERF402 - list(self) would lose them with the error
        except StreamFailed as failure:
            failure.partial = b"".join(chunks)
            raise
        return b"".join(chunks)

    def raise_for_status(self) -> "Response":
        """Return this response if its status is 200 to 299.

        Otherwise raise ErrorStatus, whose `partial` is the beginning of the body.
        """
        if is_success(self.status_code):
            return self
        body = b""
        try:
            for chunk in self:
                body += chunk
                if len(body) >= ERROR_BODY_LIMIT_BYTES:
                    break
        except StreamCut:
            pass  # the status says more
        raise error_status(self.status_code, self.headers, body)

    def lines(self) -> "Iterator[str]":
        """The lines, which are UTF-8, without their line ends, each as soon as it is whole.

        If the response is cut, its incomplete last line comes before the StreamCut.
        """
        check_encoding(self.headers)
        parser = TextLineParser()
        try:
            for chunk in self:
                yield from parser.feed(chunk)
        except StreamCut:
            yield from parser.cut()
            raise
        yield from parser.end()

    def rows(self, *, until: "Callable[[Any], object] | None" = None) -> "Iterator[Any]":
        """The values of newline-delimited JSON, each as soon as its line is whole.

            for row in response.rows(until=lambda row: "done" in row):

        until   says of a value whether it is the last one. A response that ends without it raises StreamCut.

        Raises ErrorStatus for a status other than 200 to 299; StreamFailed for a line that is not JSON, and for the
        error that `ndjson.error_line` reports; StreamCut, whose `partial` is the incomplete line.
        """
        reading = RowReading(until)
        check_encoding(self.raise_for_status().headers)
        try:
            for chunk in self:
                yield from reading.feed(chunk)
                if reading.is_over:
                    return
        except StreamCut as failure:
            reading.cut(failure)
            raise
        yield from reading.end()

    def events(
        self,
        *,
        until: "str | Callable[[ServerSentEvent], object] | None" = None,
        reconnects: int = 0,
        sleep: "Callable[[float], object]" = time.sleep,
    ) -> "Iterator[ServerSentEvent]":
        """The server-sent events, each as soon as its empty line is there.

            for event in response.events(until="done", reconnects=5):

        until        the type of the last event, or a function that says of an event whether it is the last one. A
                     response that ends without it counts as cut.
        reconnects   how often in a row the request is sent again, with Last-Event-ID, after the response was cut. Each
                     event that arrives starts the count anew. If the events have no id, the request is not sent again.
        sleep        waits a number of seconds before that: those that the stream's `retry` names, or 3

        Raises ErrorStatus for a status other than 200 to 299; StreamFailed for another content type, and for an event
        of the type "error", which `sse.error_event` makes; StreamCut, whose `partial` is the incomplete event.
        """
        reading = EventReading(until, reconnects)
        while True:
            try:
                if reading.is_cut:
                    self._source.close()
                    self._use(self._connect(reading.last_event_id))
                if self.raise_for_status().status_code == NO_CONTENT:
                    reading.nothing_more()
                    return
                reading.begin(self.headers)
                for chunk in self:
                    yield from reading.feed(chunk)
                    if reading.is_over:
                        return
                reading.end()
            except (StreamCut, NoResponse) as failure:
                reading.cut(failure)
            if not reading.is_cut:
                return
            sleep(reading.delay_s)

    def close(self) -> None:
        """Close the connection. The function does not notice, and runs to its end."""
        self._closed = True
        self._source.close()

    def __enter__(self) -> "Response":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
