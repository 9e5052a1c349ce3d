"""For callers: what boto3's `invoke_with_response_stream` returns, as prelude, chunks, and how the stream ended.

Lambda takes the prelude off for function URLs only. A caller over this API gets it in the stream: JSON, 8 NULs, body.
Sources: AWS Lambda API Reference, "InvokeWithResponseStream", and botocore's model of it. That maps the Content-Type of
the HTTP response, which is the encoding of the events (`application/vnd.amazon.eventstream`), to
ResponseStreamContentType; whether AWS ever gives the function's own type there was not checked.
"""

from .errors import StreamFailed, StreamStateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

PRELUDE_TYPE = "application/vnd.awslambda.http-integration-response"
DELIMITER = b"\0" * 8
# API Gateway wants the delimiter within the first 16 KB; for function URLs no limit is published.
PRELUDE_LIMIT = 16 * 1024
# A stream that is not said to have a prelude has one if it begins so. JSON of another kind is not held back for that.
_BEGINNINGS = (b'{"statusCode"', b'{"headers"', b'{"multiValueHeaders"', b'{"cookies"', b"{}\0")


def read_stream(response: "Mapping[str, Any]", *, prelude: "bool | None" = None) -> "ReceivedStream":
    """What a function streams; `response` is the dict that boto3's `invoke_with_response_stream` has returned.

    `prelude` says whether the stream begins with one; if it is None, the stream's content type or first bytes do.
    Raises StreamFailed if there is no stream in the dict, for example because `invoke` has returned it.
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
    """The chunks of one response, as they come; what has been read is gone.

    When all that was delivered has been handed out, a stream that did not end well raises StreamFailed.
    """

    def __init__(self, events: "Iterable[Mapping[str, Any]]", *, prelude: "bool | None" = None) -> None:
        self.log_result: str | None = None  # the last 4 KB of the log, at the end, if the call has LogType="Tail"
        self._events = events
        self._payloads = self._read_events()
        self._expected = prelude
        self._prelude: dict[str, Any] | None = None
        self._begun = False  # whether it is known if there is a prelude
        self._held: list[bytes] = []  # chunks that came before that was known
        self._failure: StreamFailed | None = None
        self._closed = False

    @property
    def prelude(self) -> "dict[str, Any] | None":
        """The prelude as it was sent, or None if there is none. This waits until one or the other is certain."""
        if not self._begun:
            self._begin()
            self._begun = True
        return self._prelude

    @property
    def status_code(self) -> "int | None":
        """The status of the prelude, 200 if that names none; None without a prelude."""
        return None if self.prelude is None else self.prelude.get("statusCode", 200)

    @property
    def headers(self) -> "dict[str, str]":
        """The headers of the prelude, named as they were sent; {} without a prelude."""
        return (self.prelude or {}).get("headers") or {}

    @property
    def cookies(self) -> "list[str]":
        """The prelude's cookies, each as a Set-Cookie header has it; [] without a prelude."""
        return (self.prelude or {}).get("cookies") or []

    def __iter__(self) -> "Iterator[bytes]":
        return self

    def __next__(self) -> bytes:
        self.prelude  # noqa: B018 - from here on, what comes is the body
        chunk = self._held.pop(0) if self._held else self._next_payload()
        if chunk is not None:
            return chunk
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        raise StopIteration

    def read(self) -> bytes:
        """All that is still to come. If the stream fails, what came until then is `partial` of the error."""
        chunks = []
        try:
            for chunk in self:
                chunks.append(chunk)  # noqa: PERF402 - list(self) would lose them with the error
        except StreamFailed as failure:
            failure.partial = b"".join(chunks)
            raise
        return b"".join(chunks)

    def lines(self) -> "Iterator[str]":
        """Each line of UTF-8 as soon as it is whole, without its line break; at the end, one that has none."""
        rest: list[bytes] = []
        failure = None
        try:
            for chunk in self:
                first, *others = chunk.split(b"\n")
                rest.append(first)
                for other in others:
                    yield _text(rest)
                    rest = [other]
        except StreamFailed as error:
            failure = error
        if any(rest):
            yield _text(rest, "strict" if failure is None else "replace")  # cut within a character, it may be
        if failure is not None:
            raise failure

    def close(self) -> None:
        """Stop reading and hang up. The function is not told, and runs to its end."""
        self._closed = True
        close = getattr(self._events, "close", None)
        if close is not None:
            close()

    def __enter__(self) -> "ReceivedStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self) -> None:
        """Read until it is certain whether there is a prelude, and take it off."""
        head = b""
        while self._may_be_prelude(head):
            chunk = self._next_payload()
            if chunk is None:
                break
            self._held.append(chunk)
            head += chunk
        end = _end_of_prelude(head)
        if end >= 0 and self._may_begin_prelude(head):
            self._prelude = _json_object(head[:end])
        if self._prelude is not None:
            body = head[end + len(DELIMITER) :]
            self._held = [body] if body else []
        elif self._expected and self._failure is None:
            self._failure = StreamFailed(f"the stream should begin with a prelude, but begins with {head[:80]!r}")

    def _may_be_prelude(self, head: bytes) -> bool:
        """Whether this beginning of the stream is one of a prelude, as far as it goes, and not all of it."""
        open_ended = _end_of_prelude(head) < 0 and len(head) < PRELUDE_LIMIT + len(DELIMITER)
        return open_ended and self._may_begin_prelude(head)

    def _may_begin_prelude(self, head: bytes) -> bool:
        if self._expected is not None:
            return self._expected
        return any(head.startswith(beginning) or beginning.startswith(head) for beginning in _BEGINNINGS)

    def _next_payload(self) -> "bytes | None":
        if self._closed:
            raise StreamStateError("the stream is closed: read it before close(), or inside its with block")
        return next(self._payloads, None)

    def _read_events(self) -> "Iterator[bytes]":
        """The payloads that are not empty. At the end it is known whether the stream has failed."""
        complete = None
        try:
            # On to the very end, behind InvokeComplete: only then can the connection be used again.
            for event in self._events:
                if "InvokeComplete" in event:
                    complete = event["InvokeComplete"]
                elif payload := event.get("PayloadChunk", {}).get("Payload"):
                    yield payload
        except Exception as error:  # noqa: BLE001 - botocore's or urllib3's, neither of which can be named here
            if complete is None:
                self._failure = StreamFailed(f"the stream broke off before InvokeComplete: {error!r}")
                self._failure.__cause__ = error
                return
        if complete is None:
            self._failure = StreamFailed("the stream ended without InvokeComplete: the connection was cut")
            return
        self.log_result = _decoded(complete.get("LogResult"))
        if complete.get("ErrorCode"):
            self._failure = _failure(complete, self.log_result)


def _end_of_prelude(head: bytes) -> int:
    return head.find(DELIMITER, 0, PRELUDE_LIMIT + len(DELIMITER))


def _json_object(text: "bytes | str") -> "dict[str, Any] | None":
    from json import loads

    try:
        value = loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _failure(complete: "Mapping[str, Any]", log_result: "str | None") -> StreamFailed:
    """What InvokeComplete says of an error."""
    code, text = complete["ErrorCode"], complete.get("ErrorDetails")
    details = (_json_object(text) if text else None) or text
    message = details.get("errorMessage", text) if isinstance(details, dict) else text
    told = f"{code}: {message}" if message else code
    return StreamFailed(f"the function failed: {told}", error_code=code, error_details=details, log_result=log_result)


def _decoded(log_result: "str | None") -> "str | None":
    """The text of a LogResult, which is in base64."""
    from binascii import a2b_base64

    return log_result and a2b_base64(log_result).decode("utf-8", "replace")


def _text(parts: "list[bytes]", errors: str = "strict") -> str:
    return b"".join(parts).removesuffix(b"\r").decode("utf-8", errors)
