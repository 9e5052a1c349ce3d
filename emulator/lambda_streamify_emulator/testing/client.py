"""The client of the test fixture. It reads a response chunk by chunk, from a URL or from the Lambda API."""

from __future__ import annotations

import http.client
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from ..clients.url_client import READ_TIMEOUT_S
from ..errors import PreludeError
from ..invocations.prelude import CONTENT_TYPE, PreludeParser
from ..recordings.recording import END, ERROR, HEAD, Event, chunk_event
from .result import BUFFERED, CLIENT, MICROSECONDS_PER_SECOND, RUNTIME, StreamResult, end_event

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from ..invocations.lockstep import Steps

_READ_SIZE_BYTES = 64 * 1024


class Exchange:
    """One request and its response, on a connection of their own."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=READ_TIMEOUT_S)
        self._connection.connect()
        self.port: int = self._connection.sock.getsockname()[1]

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> None:
        """Send the request, and wait for the head of the response."""
        try:
            self._connection.request(method, path, body, dict(headers))
            self.response = self._connection.getresponse()
        except BaseException:
            self.close()
            raise

    def head(self, steps: Steps) -> dict[str, Any] | None:
        """Return status, headers and cookies, in the form of a recording."""
        pairs = [(name.lower(), value) for name, value in self.response.getheaders()]
        fields: dict[str, str] = {}
        for name, value in pairs:
            if name != "set-cookie":
                fields[name] = f"{fields[name]}, {value}" if name in fields else value
        cookies = [value for name, value in pairs if name == "set-cookie"]
        return {"status_code": self.response.status, "headers": fields, "cookies": cookies}

    def read(self) -> bytes:
        """Wait for the next bytes of the body and return them; b"" at its end."""
        return self.response.read1(_READ_SIZE_BYTES)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class Invocation(Exchange):
    """A request to InvokeWithResponseStream. The body consists of the payloads of its PayloadChunks."""

    def __init__(self, address: str) -> None:
        from botocore.eventstream import EventStreamBuffer

        super().__init__(address)
        self._buffer: Any = EventStreamBuffer()
        self._first = b""

    def invoke(self, name: str, event: bytes) -> None:
        """Send the event, and wait for the response to begin. Raises ValueError if Lambda refuses the request."""
        path = f"/2021-11-15/functions/{quote(name, safe='')}/response-streaming-invocations"
        self.send("POST", path, {"content-type": "application/json"}, event)
        if self.response.status != 200:
            problem = json.loads(self.response.read())
            self.close()
            raise ValueError(f"{name} cannot be invoked: {problem.get('Message')}")

    def head(self, steps: Steps) -> dict[str, Any] | None:
        """Return the prelude as a head, or None if the function sends none.

        Functions send one in response to events of function URLs and API Gateway.
        """
        data = self.read()
        if steps.invocation is None or steps.invocation.channel.content_type != CONTENT_TYPE:
            self._first = data
            return None
        parser, seen = PreludeParser(), data
        try:
            while (complete := parser.feed(data)) is None and data:
                data = self.read()
                seen += data
        except PreludeError:
            complete = None
        if complete is None:
            self._first = seen
            return None
        prelude, self._first = complete
        headers = {name.lower(): value for name, value in prelude.headers}
        return {"status_code": prelude.status, "headers": headers, "cookies": list(prelude.cookies)}

    def read(self) -> bytes:
        """Wait for the next payload and return it; b"" at the end."""
        if self._first:
            data, self._first = self._first, b""
            return data
        while True:
            for event in self._buffer:
                payload: bytes = event.payload
                if event.headers[":event-type"] == "PayloadChunk" and payload:
                    return payload
            block = super().read()
            if not block:
                return b""
            self._buffer.add_data(block)


class OpenStream:
    r"""An iterator of the chunks of a response. Each chunk is held back until `next` asks for it.

    `status_code`, `headers` and `cookies` are available at once. Leaving the `with` block closes the connection; the
    function still runs to its end, as on AWS.

        with streamify.open("hello") as stream:
            assert next(stream) == b"Chunk 0\n"
            rest = stream.read()
    """

    def __init__(
        self, function: str, exchange: Exchange, steps: Steps, start: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.function = function
        self._exchange = exchange
        self._steps = steps
        self._start = start
        self._clock = clock
        self._chunks: list[bytes] = []
        self._events: list[Event] = []
        self._buffer = bytearray()
        self._is_closed = False
        head = exchange.head(steps)
        if head is not None:
            self._events.append(Event(self._elapsed(), HEAD, head))
        shown = head or {}
        self.status_code: int = shown.get("status_code", 200)
        self.headers: dict[str, str] = shown.get("headers", {})
        self.cookies: list[str] = shown.get("cookies", [])

    def __iter__(self) -> OpenStream:
        return self

    def __next__(self) -> bytes:
        """Return the next chunk, exactly as the function's runtime sent it."""
        if self._is_closed:
            raise StopIteration
        number = len(self._chunks)
        self._steps.request(number)
        try:
            chunk = self._next_chunk(number)
        except (OSError, http.client.HTTPException) as error:
            if self._steps.invocation is not None and self._steps.invocation.channel.error is not None:
                self._finish()  # a REST API cuts the connection; the function's own error says more
            else:
                self._end("disconnect", type(error).__name__, f"the body was cut off: {error}")
            raise StopIteration from None
        if not chunk:
            self._finish()
            raise StopIteration
        self._chunks.append(chunk)
        self._events.append(chunk_event(self._elapsed(), chunk))
        return chunk

    @property
    def is_over(self) -> bool:
        """Whether the response has been read to its end."""
        return bool(self._events) and self._events[-1].code == END

    def read(self) -> bytes:
        """Read and return the rest of the body."""
        return b"".join(self)

    def result(self) -> StreamResult:
        """Read the rest, and return the whole response."""
        self.read()
        return StreamResult(self.function, self._events, self._framing())

    def close(self) -> None:
        """Stop reading and close the connection."""
        self._is_closed = True
        self._steps.release_all()
        self._exchange.close()

    def __enter__(self) -> OpenStream:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _next_chunk(self, number: int) -> bytes:
        """Read until the chunk is complete or the body ends. Without lockstep, a chunk is what arrives in one piece."""
        while (size := self._expected_size(number)) is None or len(self._buffer) < size:
            data = self._exchange.read()
            self._buffer += data
            if not data:
                size = len(self._buffer)
                break
        chunk = bytes(self._buffer[:size])
        del self._buffer[:size]
        return chunk

    def _expected_size(self, number: int) -> int | None:
        if self._framing() == RUNTIME:
            return self._steps.size(number)
        return len(self._buffer) or None

    def _framing(self) -> str:
        if self._steps.invocation is None:
            return CLIENT
        return RUNTIME if self._steps.invocation.streamed else BUFFERED

    def _finish(self) -> None:
        error = self._steps.invocation and self._steps.invocation.channel.error
        if not error:
            self._end("end")
            return
        reason = "timeout" if error.error_type == "Sandbox.Timedout" else "error"
        self._end(reason, error.error_type, _message(error.details))

    def _end(self, reason: str, error_type: str = "", message: str = "") -> None:
        self.close()
        at = self._elapsed()
        if error_type:
            self._events.append(Event(at, ERROR, {"type": error_type, "message": message}))
        self._events.append(end_event(at, reason, self._chunks))

    def _elapsed(self) -> int:
        return int((self._clock() - self._start) * MICROSECONDS_PER_SECOND)


def _message(details: bytes) -> str:
    try:
        return str(json.loads(details)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return details.decode("utf-8", "replace")
