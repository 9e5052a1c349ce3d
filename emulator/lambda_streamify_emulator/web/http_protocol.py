"""What uvicorn's connections lack.

Answers for clients of HTTP/1.0; an end to answers that nobody reads any more; the bodies of requests that would rather
speak another protocol, as Java's HttpClient and `curl --http2` would at first.

It reaches into objects of uvicorn's own: `parser`, and `cycle`, which is a request with its answer.
"""

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle


class HttpProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self.parser = _Parser(self)
        self._unanswered: list[RequestResponseCycle] = []  # the one being answered, and those that wait behind it

    def on_headers_complete(self) -> None:
        """A request has begun."""
        super().on_headers_complete()
        if self.scope["http_version"] == "1.0":
            # Its clients know no chunks (RFC 9112, section 6.1): the end of the connection ends the body.
            self.cycle.chunked_encoding = False
            self.cycle.expected_content_length = _Unknown()
        self._unanswered = [cycle for cycle in (*self._unanswered, self.cycle) if not cycle.response_complete]

    def on_message_complete(self) -> None:
        """A request is complete, or its head if it asks for another protocol: then what follows is its body still."""
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def stay(self, rest: bytes) -> None:
        """Go on with this protocol after all, as a server may that is asked for another (RFC 9110, section 7.8)."""
        framing = [
            b"%b: %b\r\n" % (name, value)
            for name, value in self.headers
            if name in (b"content-length", b"transfer-encoding")
        ]
        self.parser = _Parser(_Body(self))
        self.parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n%b" % (b"".join(framing), rest))

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone. Of requests that came at once, uvicorn tells this to the last one alone."""
        for cycle in self._unanswered:
            cycle.disconnected = True
            cycle.message_event.set()
        super().connection_lost(exc)


class _Parser(httptools.HttpRequestParser):
    """Never ends with a request that asks for another protocol."""

    def __init__(self, protocol: "HttpProtocol | _Body") -> None:
        super().__init__(protocol)
        self.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own
        self._protocol = protocol

    def feed_data(self, data: bytes) -> None:  # type: ignore[override]  # asyncio has no other
        """Take the next bytes."""
        try:
            super().feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._protocol.stay(data[upgrade.args[0] :])


class _Body:
    """Hands on the body of a first request, whose head is known, and all of those behind it."""

    def __init__(self, protocol: HttpProtocol) -> None:
        self._protocol = protocol
        self._first = True
        self.stay = protocol.stay
        self.on_body = protocol.on_body

    def on_message_begin(self) -> None:
        if not self._first:
            self._protocol.on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self._first:
            self._protocol.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._first:
            self._protocol.on_header(name, value)

    def on_headers_complete(self) -> None:
        if not self._first:
            self._protocol.on_headers_complete()

    def on_message_complete(self) -> None:
        self._protocol.on_message_complete()
        self._first = False


class _Unknown(int):
    """The length of a body that may have any: no body is longer, and what is left of it is not known either."""

    def __lt__(self, _: object) -> bool:
        return False

    def __sub__(self, _: int) -> "_Unknown":
        return self
