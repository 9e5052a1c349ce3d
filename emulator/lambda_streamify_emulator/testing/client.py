"""The client of the test fixture: a response that is read chunk by chunk, through the URL or through the Lambda API."""

from __future__ import annotations

import http.client
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from ..commands.url_client import PATIENCE
from ..errors import PreludeError
from ..invocations.prelude import CONTENT_TYPE, PreludeParser
from ..recordings.recording import END, ERROR, HEAD, Event, chunk_event
from .result import BUFFERED, CLIENT, MICROSECONDS, RUNTIME, StreamResult, end_event

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from ..invocations.lockstep import Steps

_BLOCK = 64 * 1024


class Exchange:
    """One request and its response, on a connection of its own."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
        self._connection.connect()
        self.port: int = self._connection.sock.getsockname()[1]

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> None:
        """Send the request; returns when the head of the response has come."""
        try:
            self._connection.request(method, path, body, dict(headers))
            self.response = self._connection.getresponse()
        except BaseException:
            self.close()
            raise

    def head(self, steps: Steps) -> dict[str, Any] | None:
        """Status, headers and cookies, as in a recording."""
        pairs = [(name.lower(), value) for name, value in self.response.getheaders()]
        fields: dict[str, str] = {}
        for name, value in pairs:
            if name != "set-cookie":
                fields[name] = f"{fields[name]}, {value}" if name in fields else value
        cookies = [value for name, value in pairs if name == "set-cookie"]
        return {"status_code": self.response.status, "headers": fields, "cookies": cookies}

    def read(self) -> bytes:
        """The next bytes of the body, as soon as there are any; none at its end."""
        return self.response.read1(_BLOCK)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


class Invocation(Exchange):
    """A request to InvokeWithResponseStream: the body is what its PayloadChunks hold."""

    def __init__(self, address: str) -> None:
        from botocore.eventstream import EventStreamBuffer

        super().__init__(address)
        self._buffer: Any = EventStreamBuffer()
        self._first = b""

    def invoke(self, name: str, event: bytes) -> None:
        """Send the event; returns when the response has begun."""
        path = f"/2021-11-15/functions/{quote(name, safe='')}/response-streaming-invocations"
        self.send("POST", path, {"content-type": "application/json"}, event)
        if self.response.status != 200:
            problem = json.loads(self.response.read())
            self.close()
            raise ValueError(f"{name} cannot be invoked: {problem.get('Message')}")

    def head(self, steps: Steps) -> dict[str, Any] | None:
        """The prelude, if the function has sent one: it does to events of function URLs and of API Gateway."""
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
        """The next payload; none at the end."""
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
    """A response that is being read: an iterator of its chunks. The next one is held back until it is asked for.

    It has `status_code`, `headers` and `cookies`. Leaving its `with` block ends the reading; the function runs to its
    end all the same, as on AWS.
    """

    def __init__(
        self, function: str, exchange: Exchange, steps: Steps, began: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.function = function
        self._exchange = exchange
        self._steps = steps
        self._began = began
        self._clock = clock
        self._chunks: list[bytes] = []
        self._events: list[Event] = []
        self._buffer = bytearray()
        self._over = False
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
        """The next chunk, whole, as the function's runtime framed it."""
        if self._over:
            raise StopIteration
        number = len(self._chunks)
        self._steps.ask(number)
        try:
            chunk = self._next_chunk(number)
        except (OSError, http.client.HTTPException) as error:
            if self._steps.invocation is not None and self._steps.invocation.channel.error is not None:
                self._finish()  # a REST API cuts the connection; what the function failed with tells more
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
        """Whether it has been read to its end."""
        return bool(self._events) and self._events[-1].code == END

    def read(self) -> bytes:
        """All that is left of the body."""
        return b"".join(self)

    def result(self) -> StreamResult:
        """The whole response, when the rest of it has been read."""
        self.read()
        return StreamResult(self.function, self._events, self._framing())

    def close(self) -> None:
        """Read no more."""
        self._over = True
        self._steps.free()
        self._exchange.close()

    def __enter__(self) -> OpenStream:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _next_chunk(self, number: int) -> bytes:
        """Read until the chunk is whole, or the body over. Without steps a chunk is what arrives in one piece."""
        while (size := self._wanted(number)) is None or len(self._buffer) < size:
            data = self._exchange.read()
            self._buffer += data
            if not data:
                size = len(self._buffer)
                break
        chunk = bytes(self._buffer[:size])
        del self._buffer[:size]
        return chunk

    def _wanted(self, number: int) -> int | None:
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
        return int((self._clock() - self._began) * MICROSECONDS)


def _message(details: bytes) -> str:
    try:
        return str(json.loads(details)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return details.decode("utf-8", "replace")
