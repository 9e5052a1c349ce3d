"""One response on its way to the Runtime API: whether it has started, how its chunks go out, how it ends.

Nothing is sent before the first chunk is there, so that what fails before it is an ordinary error. From then on an
error becomes HTTP trailers.
"""

from _thread import allocate_lock

from . import current, framing, lean_json, sources
from .error_report import error_report, xray_cause
from .errors import ResponseError, RuntimeApiError, StreamStateError
from .iteration import InTask, Iteration
from .marshal import marshal, to_json
from .response import as_bytes, as_http, has_no_body, is_async, keepable, prelude_fields, proxy_dict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import AsyncIterator, Iterator, Mapping
    from typing import Any

    from .logs import Logs
    from .response import Chunk, StreamingResponse
    from .response_stream import ResponseStream
    from .runtime_api import Request, RuntimeApi
    from .writer import ResponseWriter

RAW_CONTENT_TYPE = "application/octet-stream"


class Delivery:
    """The answer to one request; `mode` is STREAMIFY_INVOKE_MODE.

    Either `answer` sends a plain value; or `send` and `end` a response whose body yields its chunks; or `begin`, `push`
    and `end` one that is written piece by piece, where `lock` is held by whoever pushes or ends. `fail` tells an error
    in the way that is left. Raises RuntimeApiError where the Runtime API takes no more; `failure` keeps it.
    """

    def __init__(self, api: "RuntimeApi", request: "Request", logs: "Logs", mode: str) -> None:
        self._api = api
        self._request = request
        self._logs = logs
        self._mode = mode
        self._source = sources.DIRECT
        self._method = ""
        self._how = sources.RAW
        self._stream: ResponseStream | None = None
        self._collected: list[str | bytes] = []
        self._failure: RuntimeApiError | None = None
        self._told: BaseException | None = None
        self.lock = allocate_lock()
        self.response: StreamingResponse | None = None  # the one that streams, from its beginning on
        self.over = False  # nothing more can be said

    def is_for(self, event: "Any") -> None:
        """Look up how whoever sent `event` must be answered. Now: the handler may change its event."""
        self._source = sources.source_of(event)
        self._how = self._source.answer(self._mode, streamed=True)
        if self._source.http:
            self._method = sources.http_method(event)

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
            self.send(as_http(value, lambda body: marshal(body)[0]))
            self.end()
        else:
            self._post(*marshal(value))

    # --- a body that yields its chunks -------------------------------------------------------------------------------

    def send(self, response: "StreamingResponse") -> None:
        """Send or collect all chunks of the body, which is closed on return."""
        self._claim(response)
        with Iteration(response.body) as chunks:
            if self._how == sources.COLLECTED:
                self._collected = list(map(keepable, chunks))
            elif self._writes_itself(response, "write_to"):
                response.body.write_to(self._writer())  # type: ignore[union-attr]
            else:
                self._send(response, chunks)

    async def send_async(self, loop: "AbstractEventLoop", response: "StreamingResponse") -> None:
        """`send` for a body that is iterated in the event loop, which a slow reader must not block."""
        self._claim(response)
        async with Iteration(response.body if is_async(response.body) else InTask(response.body)) as chunks:
            if self._how == sources.COLLECTED:
                self._collected = [keepable(chunk) async for chunk in chunks]
            elif self._writes_itself(response, "awrite_to"):
                await response.body.awrite_to(self._writer())  # type: ignore[union-attr]
            elif self._writes_itself(response, "write_to"):
                response.body.write_to(self._writer())  # type: ignore[union-attr]
            else:
                await self._send_async(loop, response, chunks)

    def _send(self, response: "StreamingResponse", chunks: "Iterator[Any]") -> None:
        bodiless = self._is_bodiless(response)
        first = "" if bodiless or response.eager else next(chunks, "")
        stream, start = self._open(response, first)
        stream.open(start, as_bytes(first))
        if bodiless:
            return
        write = stream.write
        del first
        for chunk in chunks:
            data = chunk if type(chunk) is bytes else as_bytes(chunk)
            if data:
                write(data)
            del chunk, data  # while a view of it lives, a body cannot resize the bytearray that it yielded

    async def _send_async(
        self, loop: "AbstractEventLoop", response: "StreamingResponse", chunks: "AsyncIterator[Any]"
    ) -> None:
        bodiless = self._is_bodiless(response)
        first = "" if bodiless or response.eager else await anext(chunks, "")
        stream, start = self._open(response, first)
        await stream.open_async(loop, start, as_bytes(first))
        if bodiless:
            return
        write_nowait = stream.write_nowait
        del first
        async for chunk in chunks:
            data = chunk if type(chunk) is bytes else as_bytes(chunk)
            if data and not write_nowait(data):
                await stream.drain(loop)
            del chunk, data

    def _writes_itself(self, response: "StreamingResponse", method: str) -> bool:
        """Whether the body has a way of its own to be sent: it keeps time, and a plain iteration would not."""
        return hasattr(response.body, method) and not self._is_bodiless(response)

    def _writer(self) -> "ResponseWriter":
        from .writer import ResponseWriter  # few bodies need one

        if self._written.eager:
            self.push("", b"")
        return ResponseWriter(self)

    # --- a body that is written piece by piece -----------------------------------------------------------------------

    def begin(self, response: "StreamingResponse") -> None:
        """Let chunks be pushed. Status and headers are checked now, and leave with the first of them."""
        prelude_fields(response, "", fold=True)
        self._claim(response)
        if response.eager:
            self.push("", b"")

    def push(self, chunk: "Chunk", data: bytes) -> None:
        """Send or collect one chunk, whose bytes are `data`; wait while the reader is slow."""
        stream = self._stream
        if self._how == sources.COLLECTED:
            self._collected.append(keepable(chunk))
        elif stream is None:
            stream, start = self._open(self._written, chunk)
            stream.open(start, b"" if self._is_bodiless(self._written) else data)
        elif data and not self._is_bodiless(self._written):
            stream.flush()  # what a task that was cancelled has left
            stream.write(data)

    async def push_async(self, loop: "AbstractEventLoop", chunk: "Chunk", data: bytes) -> None:
        """`push` for coroutines."""
        stream = self._stream
        if self._how == sources.COLLECTED:
            self._collected.append(keepable(chunk))
        elif stream is None:
            stream, start = self._open(self._written, chunk)
            await stream.open_async(loop, start, b"" if self._is_bodiless(self._written) else data)
        elif data and not self._is_bodiless(self._written):
            await stream.drain(loop)
            if not stream.write_nowait(data):
                await stream.drain(loop)

    # --- the end -----------------------------------------------------------------------------------------------------

    def end(self) -> None:
        """End the response that was sent, collected or written."""
        if self._how == sources.COLLECTED:
            self._end_collected()
            return
        stream = self._stream
        if stream is None:  # begun and never written
            stream, start = self._open(self._written, "")
            stream.open(start)
        if stream.failure is not None:
            raise stream.failure  # the function's code has caught it
        self.over = True
        try:
            self._api.post_invocation_result(self._request, stream)
        except RuntimeApiError as failure:
            self._failure = failure
            raise

    def _end_collected(self) -> None:
        if self._source.http:
            if self._mode == sources.AUTO:
                self._logs.once(f"{self._source.name} callers get no stream: the response is sent in one piece")
            repeats = self._source in (sources.REST_API, sources.LOAD_BALANCER)
            self._post(*marshal(proxy_dict(self._written, self._collected, repeats=repeats)))
        else:
            self._post(b"".join(map(as_bytes, self._collected)), RAW_CONTENT_TYPE)

    def _post(self, data: bytes, content_type: str) -> None:
        self.over = True
        try:
            self._api.post_invocation_result(self._request, data, content_type)
        except RuntimeApiError as failure:
            self._failure = failure
            raise

    def fail(self, error: BaseException) -> None:
        """Log `error`, and tell the caller of it if there is still a way to. The same one is told once."""
        if error is self._told:
            return
        self._told = error
        report = error_report(error, self._request.request_id)
        self._logs.error(report)
        try:
            self._tell(error, report)
        except RuntimeApiError as failure:
            self._failure = failure

    def _tell(self, error: BaseException, report: "Mapping[str, Any]") -> None:
        stream = self._stream
        with self.lock:
            over, self.over = self.over, True
        if stream is not None and stream.state == "open" and stream.failure is None:
            self._api.post_invocation_error(self._request, framing.error_trailers(report), stream=stream)
        elif stream is not None and stream.state in ("failed", "torn") and stream.failure is None:
            self._api.close()  # interrupted in the midst of a send: nobody can go on from there
        elif not over and not self.is_open:
            cause = lean_json.write(xray_cause(error))
            self._api.post_invocation_error(self._request, to_json(report).encode("utf-8", "replace"), cause)

    def forget(self) -> None:
        """Drop a response of which nothing has left."""
        with self.lock:
            if not self.over:
                self.response, self._stream, self._collected = None, None, []

    def close(self) -> None:
        """Let nobody write any more: the invocation is over."""
        with self.lock:
            self.over = True

    # -----------------------------------------------------------------------------------------------------------------

    def _claim(self, response: "StreamingResponse") -> None:
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

    def _is_bodiless(self, response: "StreamingResponse") -> bool:
        return self._how == sources.PRELUDE and has_no_body(response, self._method)

    def _open(self, response: "StreamingResponse", first: object) -> "tuple[ResponseStream, bytes]":
        """The stream to write to and the prelude to begin with. From here on an error needs trailers."""
        as_bytes(first)  # a wrong type is still an ordinary error
        start, content_type = b"", RAW_CONTENT_TYPE
        if self._how == sources.PRELUDE:
            start = framing.prelude(prelude_fields(response, first, fold=self._source is not sources.REST_API))
            content_type = framing.PRELUDE_CONTENT_TYPE
        self._stream = self._api.stream(self._request, content_type, current.stream_factory)
        return self._stream, start
