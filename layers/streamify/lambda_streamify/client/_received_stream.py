"""The response of boto3's `invoke_with_response_stream`: its prelude, its chunks, and how the stream ended.

Sources: AWS Lambda API Reference, "InvokeWithResponseStream", and botocore's model of it. That maps the Content-Type of
the HTTP response, which is the encoding of the events (`application/vnd.amazon.eventstream`), to
ResponseStreamContentType; whether AWS ever gives the function's own type there was not checked.
"""

from ..errors import StreamFailed, StreamStateError
from ._invoke_complete import broke_off, decoded, reported
from ._lines import TextLineParser
from ._prelude import PRELUDE_TYPE, PreludeParser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any


def read_stream(response: "Mapping[str, Any]", *, prelude: "bool | None" = None) -> "ReceivedStream":
    """The stream in `response`, the dict that boto3's `invoke_with_response_stream` returns.

        response = boto3.client("lambda").invoke_with_response_stream(FunctionName="story")
        for chunk in read_stream(response):
            print(chunk)

    `prelude` says whether the stream begins with a prelude. With None, its content type or its first bytes decide.
    Raises StreamFailed if the dict holds no stream, such as the result of `invoke`.
    """
    if "EventStream" not in response:
        raise StreamFailed(
            f"there is no EventStream in the response ({', '.join(response)}): "
            "pass what invoke_with_response_stream returns",
            error_code=response.get("FunctionError"),
        )
    if prelude is None and response.get("ResponseStreamContentType") == PRELUDE_TYPE:
        prelude = True
    return ReceivedStream(response["EventStream"], prelude=prelude)


class ReceivedStream:
    """An iterator over the chunks of one response, each of them bytes, as they arrive. It can be read once.

    A stream that failed raises StreamFailed after its last chunk.

    `log_result` is the last 4 KB of the function's log, available at the end if the call has LogType="Tail".
    """

    def __init__(self, events: "Iterable[Mapping[str, Any]]", *, prelude: "bool | None" = None) -> None:
        self.log_result: str | None = None
        self._events = events
        self._payloads = self._read_events()
        self._parser = PreludeParser(prelude)
        self._held: list[bytes] = []  # payloads of the body that are not handed out yet
        self._failure: StreamFailed | None = None
        self._closed = False

    @property
    def prelude(self) -> "dict[str, Any] | None":
        """The prelude as it was sent, or None if there is none. This waits until that is certain."""
        while not self._parser.is_certain:
            payload = self._next_payload()
            self._held += self._parser.end() if payload is None else self._parser.feed(payload)
        return self._parser.prelude

    @property
    def status_code(self) -> "int | None":
        """The status of the prelude, 200 if the prelude names none; None without a prelude."""
        return None if self.prelude is None else self.prelude.get("statusCode", 200)

    @property
    def headers(self) -> "dict[str, str]":
        """The headers of the prelude, named as they were sent; {} without a prelude."""
        return (self.prelude or {}).get("headers") or {}

    @property
    def cookies(self) -> "list[str]":
        """The cookies of the prelude, each the value of a Set-Cookie header; [] without a prelude."""
        return (self.prelude or {}).get("cookies") or []

    def __iter__(self) -> "Iterator[bytes]":
        return self

    def __next__(self) -> bytes:
        self.prelude  # noqa: B018 - it is read before the body
        chunk = self._held.pop(0) if self._held else self._next_payload()
        if chunk is not None:
            return chunk
        failure = self._failure or self._parser.failure
        self._failure = self._parser.failure = None
        if failure is not None:
            raise failure
        raise StopIteration

    def read(self) -> bytes:
        """The rest of the stream. If it fails, the StreamFailed has what arrived as its `partial`."""
        chunks = []
        try:
            for chunk in self:
                chunks.append(chunk)  # noqa: PERF402 - list(self) would lose them with the error
        except StreamFailed as failure:
            failure.partial = b"".join(chunks)
            raise
        return b"".join(chunks)

    def lines(self) -> "Iterator[str]":
        """The lines, which are UTF-8, without their line ends, each as soon as it is whole.

        If the stream fails, its incomplete last line comes before the StreamFailed.
        """
        parser = TextLineParser()
        try:
            for chunk in self:
                yield from parser.feed(chunk)
        except StreamFailed:
            yield from parser.cut()
            raise
        yield from parser.end()

    def close(self) -> None:
        """Close the connection. The function does not notice, and runs to its end."""
        self._closed = True
        close = getattr(self._events, "close", None)
        if close is not None:
            close()

    def __enter__(self) -> "ReceivedStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _next_payload(self) -> "bytes | None":
        if self._closed:
            raise StreamStateError("the stream is closed: read it before close(), or inside its with block")
        return next(self._payloads, None)

    def _read_events(self) -> "Iterator[bytes]":
        """The payloads that are not empty. After the last one, `_failure` says whether the stream failed."""
        complete = None
        try:
            # Read on behind InvokeComplete: only at the very end can the connection be used again.
            for event in self._events:
                if "InvokeComplete" in event:
                    complete = event["InvokeComplete"]
                elif payload := event.get("PayloadChunk", {}).get("Payload"):
                    yield payload
        except Exception as error:  # noqa: BLE001 - botocore's or urllib3's, neither of which can be named here
            if complete is None:
                self._failure = broke_off(error)
                return
        if complete is None:
            self._failure = broke_off(None)
            return
        self.log_result = decoded(complete.get("LogResult"))
        self._failure = reported(complete, self.log_result)
