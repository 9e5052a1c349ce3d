"""One response on its way to the Runtime API: whether it has started, how its chunks go out, how it ends.

Nothing is sent before the first chunk is there, so that what fails before it is an ordinary error. From then on an
error becomes HTTP trailers.
"""

from . import current, framing, lean_json, sources
from .error_report import error_report, xray_cause
from .errors import ResponseError, RuntimeApiError, StreamStateError
from .marshal import marshal, to_json
from .response import as_bytes, as_http, has_no_body, keepable, prelude_fields
from .sending import send
from .write_lock import WriteLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Mapping
    from typing import Any

    from .logs import Logs
    from .response import Chunk, StreamingResponse
    from .response_stream import ResponseStream
    from .runtime_api import Request, RuntimeApi

RAW_CONTENT_TYPE = "application/octet-stream"


class Delivery:
    """The answer to one request; `mode` is STREAMIFY_INVOKE_MODE.

    Either `answer` sends a plain value; or `claim`, `open` and `end` a response whose body yields its chunks; or
    `begin`, `push` and `end` one that is written piece by piece, where `lock` is held by whoever pushes or ends. `fail`
    tells an error in the way that is left. Raises RuntimeApiError where the Runtime API takes no more; `failure` keeps
    it.
    """

    def __init__(self, api: "RuntimeApi", request: "Request", logs: "Logs", mode: str) -> None:
        self._api = api
        self._request = request
        self._logs = logs
        self._mode = mode
        self._source = sources.DIRECT
        self._method = ""
        self._style = sources.COOKIES
        self._how = sources.RAW
        self._stream: ResponseStream | None = None
        self.collected: list[str | bytes] = []
        self._failure: RuntimeApiError | None = None
        self._told: BaseException | None = None
        self._sent = False  # something has gone out that the API's methods for an answer have not seen
        self.lock = WriteLock()
        self.response: StreamingResponse | None = None  # the one that streams, from its beginning on
        self.over = False  # nothing more can be said

    def is_for(self, event: "Any") -> None:
        """Look up how whoever sent `event` must be answered. Now: the handler may change its event."""
        self._source = sources.source_of(event)
        self._how = self._source.answer(self._mode, streamed=True)
        if self._source.http:
            self._method = sources.http_method(event)
            if self.collects:
                self._style = sources.header_style(event)

    @property
    def is_open(self) -> bool:
        """Whether status and headers have left: an error can only be told at the end of the body."""
        return self._stream is not None and self._stream.state != "pending"

    @property
    def failure(self) -> "RuntimeApiError | None":
        """Why the Runtime API did not take the answer."""
        return self._failure or (None if self._stream is None else self._stream.failure)

    # --- a value -----------------------------------------------------------------------------------------------------

    def answer(self, value: object) -> None:
        """Send a plain value in one piece, as this caller is to get it."""
        if self._source.answer(self._mode, streamed=False) == sources.PRELUDE:
            self._how = sources.PRELUDE
            send(self, as_http(value, lambda body: marshal(body)[0]))
            self.end()
        else:
            self._post(self._api.post_invocation_result, self._request, *marshal(value))

    @property
    def collects(self) -> bool:
        """Whether this caller gets the body in one piece."""
        return self._how == sources.COLLECTED

    # --- a body that is written piece by piece -----------------------------------------------------------------------

    def begin(self, response: "StreamingResponse") -> None:
        """Let chunks be pushed. Status and headers are checked now, and leave with the first of them."""
        prelude_fields(response, "", fold=True)
        self._head(response, "")  # it may be too large
        self.claim(response)
        if response.eager:
            self.push("", b"")

    def push(self, chunk: "Chunk", data: bytes) -> None:
        """Send or collect one chunk, whose bytes are `data`; wait while the reader is slow."""
        stream = self._usable_stream()
        if self.collects:
            self.collected.append(keepable(chunk))
        elif stream is None:
            stream, start = self.open(self._written, chunk)
            stream.open(start, b"" if self.is_bodiless(self._written) else data)
        elif data and not self.is_bodiless(self._written):
            stream.flush()  # what a task that was cancelled has left
            stream.write(data)

    async def push_async(self, loop: "AbstractEventLoop", chunk: "Chunk", data: bytes) -> None:
        """`push` for coroutines."""
        stream = self._usable_stream()
        if self.collects:
            self.collected.append(keepable(chunk))
        elif stream is None:
            stream, start = self.open(self._written, chunk)
            await stream.open_async(loop, start, b"" if self.is_bodiless(self._written) else data)
        elif data and not self.is_bodiless(self._written):
            await stream.drain(loop)
            if not stream.write_nowait(data):
                await stream.drain(loop)

    # --- the end -----------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """End the response, unless that has been done."""
        with self.lock:
            if not self.over:
                self.end()

    async def finish_async(self) -> None:
        """`finish` inside of the event loop, in which tasks may be in the midst of a write."""
        async with self.lock:
            if not self.over:
                self.end()

    def end(self) -> None:
        """End the response that was sent, collected or written; the lock is held."""
        if self.collects:
            self._end_collected()
            return
        stream = self._usable_stream()
        if stream is None:  # begun and never written
            stream, start = self.open(self._written, "")
            stream.open(start)
        self._post(stream.end)

    def conclude(self) -> None:
        """Once the handler's call is over: call the API's method for an answer, if the answer went out without."""
        if not self._sent:
            return
        if self._told is None:
            self._api.post_invocation_result(self._request, b"", sent=True)
        else:
            report = error_report(self._told, self._request.request_id)
            self._api.post_invocation_error(self._request, _in_json(report), sent=True)

    def _end_collected(self) -> None:
        self._sent = True
        if self._source.http:
            if self._mode == sources.AUTO:
                self._logs.once(f"{self._source.name} callers get no stream: the response is sent in one piece")
            from .proxy_response import proxy_dict  # few responses are collected

            answer = marshal(proxy_dict(self._written, self.collected, self._style))
        else:
            answer = b"".join(map(as_bytes, self.collected)), RAW_CONTENT_TYPE
        self._post(self._api.respond, self._request, *answer)

    def _post(self, post: "Callable[..., None]", *arguments: object) -> None:
        self.over = True
        try:
            post(*arguments)
        except RuntimeApiError as failure:
            self._failure = failure
            raise
        except BaseException:  # a signal handler's: the answer to this must not be taken for that of the next request
            self._api.close()
            raise

    def give_up(self, error: BaseException) -> None:
        """Tell `error` if the response has started. If not, drop it: there may be another in its place."""
        if self.lock.waits_for_caller:
            return  # it is told when the handler is over
        with self.lock:
            if self.is_open:
                if self.failure is None or not isinstance(error, RuntimeApiError):
                    self._fail(error)
            elif not self.over:
                self.response, self._stream, self.collected, self._sent = None, None, [], False

    def fail(self, error: BaseException) -> None:
        """Log `error`, and tell the caller of it if there is still a way to. The same one is told once."""
        with self.lock:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if error is self._told:
            return
        self._told = error
        report = error_report(error, self._request.request_id)
        self._logs.error(report)
        try:
            self._tell(error, report)
        except RuntimeApiError as failure:
            self._failure = failure
        except BaseException:  # as above
            self._api.close()
            raise

    def _tell(self, error: BaseException, report: "Mapping[str, Any]") -> None:
        stream = self._stream
        over, self.over = self.over, True
        if stream is not None and stream.state == "open" and stream.failure is None:
            stream.end(framing.error_trailers(report))
        elif stream is not None and stream.state in ("failed", "torn") and stream.failure is None:
            self._api.close()  # interrupted in the midst of a send: nobody can go on from there
        elif not over and not self.is_open:
            cause = lean_json.write(xray_cause(error))
            self._api.post_invocation_error(self._request, _in_json(report), cause)

    def close(self) -> None:
        """Let nobody write any more: the invocation is over."""
        with self.lock:
            self.over = True

    # -----------------------------------------------------------------------------------------------------------------

    def _usable_stream(self) -> "ResponseStream | None":
        """The stream, once there is one; raises what it has failed with, which the function's code has caught."""
        if self._stream is not None and self._stream.failure is not None:
            raise self._stream.failure
        return self._stream

    def claim(self, response: "StreamingResponse") -> None:
        """Make `response` the one that answers; raises ResponseError if there is one."""
        if self.response is not None:
            raise ResponseError(
                "there are two responses: the handler returned one that streams, but one was already written or sent in"
                " this invocation; return None from a handler that uses open_stream"
            )
        self.response = response

    @property
    def _written(self) -> "StreamingResponse":
        if self.response is None:
            raise StreamStateError("no response has begun that could be written or ended")
        return self.response

    def is_bodiless(self, response: "StreamingResponse") -> bool:
        """Whether no byte of the body may be sent."""
        return self._how == sources.PRELUDE and has_no_body(response, self._method)

    def open(self, response: "StreamingResponse", first: object) -> "tuple[ResponseStream, bytes]":
        """The stream to write to and the prelude to begin with. From here on an error needs trailers."""
        as_bytes(first)  # a wrong type is still an ordinary error
        start = self._head(response, first)
        content_type = framing.PRELUDE_CONTENT_TYPE if start else RAW_CONTENT_TYPE
        self._sent = True
        try:
            self._stream = self._api.stream(self._request, content_type, current.stream_factory)
        except RuntimeApiError as failure:
            self._failure = failure
            raise
        return self._stream, start

    def _head(self, response: "StreamingResponse", first: object) -> bytes:
        """The prelude, for a caller who gets one. Raises ResponseError if status or headers cannot be sent."""
        if self._how != sources.PRELUDE:
            return b""
        return framing.prelude(prelude_fields(response, first, fold=self._source is not sources.REST_API))


def _in_json(report: "Mapping[str, Any]") -> bytes:
    return to_json(report).encode("utf-8", "replace")
