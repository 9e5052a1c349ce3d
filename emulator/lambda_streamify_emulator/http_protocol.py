"""What uvicorn's connections lack: answers for clients of HTTP/1.0, and an end to answers that nobody reads any more.

It reaches into objects of uvicorn's own: `cycle`, which is a request with its answer, and four attributes of it.
"""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle


class HttpProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self._unanswered: list[RequestResponseCycle] = []  # the one being answered, and those that wait behind it

    def on_headers_complete(self) -> None:
        """A request has begun."""
        super().on_headers_complete()
        if self.scope["http_version"] == "1.0":
            # Its clients know no chunks (RFC 9112, section 6.1): the end of the connection ends the body.
            self.cycle.chunked_encoding = False
            self.cycle.expected_content_length = _Unknown()
        self._unanswered = [cycle for cycle in (*self._unanswered, self.cycle) if not cycle.response_complete]

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone. Of requests that came at once, uvicorn tells this to the last one alone."""
        for cycle in self._unanswered:
            cycle.disconnected = True
            cycle.message_event.set()
        super().connection_lost(exc)


class _Unknown(int):
    """The length of a body that may have any: no body is longer, and what is left of it is not known either."""

    def __lt__(self, _: object) -> bool:
        return False

    def __sub__(self, _: int) -> "_Unknown":
        return self
