"""The delivery of one response to the Runtime API: its start, its chunks and its end.

Nothing is sent before the first chunk exists, so an earlier error is an ordinary invocation error. A later error is
sent as HTTP trailers.
"""

from .._core import current, fast_json
from .._core.error_report import error_report, xray_cause
from .._core.iteration import leave_out
from .._response import sources
from .._response.response import keepable, prelude_fields
from .._response.write_lock import WriteLock
from .._wire import framing
from .._wire.marshal import marshal, report_json
from ..errors import ResponseError, RuntimeApiError, StreamStateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Mapping
    from typing import Any

    from .._response.response import Chunk, StreamingResponse
    from .._wire.response_stream import ResponseStream
    from .context import InvocationRequest
    from .logs import Logs
    from .runtime_api import RuntimeApi


class Delivery:
    """The answer to one request, in the response format of `route`.

    `answer` sends a plain value as JSON. `set_response`, `open` and `end` send a response whose body yields its chunks.
    `begin`, `push` and `end` send a response that code writes; callers of `push` and `end` hold `lock`. `fail` reports
    an error in the way still possible. If the Runtime API takes no more, RuntimeApiError is raised and kept in
    `failure`.
    """

    def __init__(
        self, api: "RuntimeApi", request: "InvocationRequest", logs: "Logs", invocation: "current.Running"
    ) -> None:
        self._api = api
        self._request = request
        self._logs = logs
        self._invocation: current.Running | None = invocation  # until `close`, which breaks the reference cycle
        self._stream: ResponseStream | None = None
        self.route = sources.UNKNOWN
        self.collected: list[str | bytes] = []
        self._failure: RuntimeApiError | None = None
        self._reported_error: BaseException | None = None
        self._is_bodiless = False  # whether no chunk may be sent, once the stream of a writer is open
        self._needs_hook_call = False  # an answer was sent without the API's methods that monitoring tools wrap
        self.lock = WriteLock()
        self.response: StreamingResponse | None = None  # the response that streams, once it has begun
        self.is_over = False  # whether nothing more can be sent

    @property
    def is_open(self) -> bool:
        """Whether status and headers have been sent. From then on an error can only be sent at the end of the body."""
        return self._stream is not None and self._stream.state != "pending"

    @property
    def failure(self) -> "RuntimeApiError | None":
        """Why the Runtime API did not take the answer."""
        return self._failure or (None if self._stream is None else self._stream.failure)

    def answer(self, value: object) -> None:
        """Send a plain value as a buffered JSON response."""
        self._post(self._api.post_invocation_result, self._request, *marshal(value))

    @property
    def collects(self) -> bool:
        """Whether this caller gets a buffered response."""
        return self.route.response_format == sources.COLLECTED

    # --- bodies that code writes -------------------------------------------------------------------------------------

    def begin(self, response: "StreamingResponse") -> None:
        """Accept chunks for `response`. Status and headers are checked now, and sent with the first chunk."""
        prelude_fields(response, "", fold=True)
        self.route.prelude(response, "")  # raises if the prelude is too large
        self.set_response(response)
        if response.eager:
            self.push("", b"")

    def push(self, chunk: "Chunk", data: bytes) -> None:
        """Send or collect one chunk, whose bytes are `data`. Blocks while the client reads slowly."""
        stream = self._usable_stream()
        if self.collects:
            self.collected.append(keepable(chunk))
        elif stream is None:
            stream, start = self.open(self._current_response, chunk)
            self._is_bodiless = self.route.is_bodiless(self._current_response)
            stream.open(start, b"" if self._is_bodiless else data)
        elif not (self._is_bodiless or self.is_over):  # after `AsyncDelivery.end`, its task sends the rest
            stream.flush()  # the rest of an earlier chunk
            if data:
                stream.write(data)

    async def push_async(self, loop: "AbstractEventLoop", chunk: "Chunk", data: bytes) -> None:
        """Do the same as `push`, for coroutines."""
        stream = self._usable_stream()
        if self.collects:
            self.collected.append(keepable(chunk))
        elif stream is None:
            stream, start = self.open(self._current_response, chunk)
            self._is_bodiless = self.route.is_bodiless(self._current_response)
            await stream.open_async(loop, start, b"" if self._is_bodiless else data)
        elif not (self._is_bodiless or self.is_over):
            await stream.drain(loop)
            if data and not stream.write_nowait(data):
                await stream.drain(loop)

    def push_nowait(self, response: "StreamingResponse", data: bytes) -> "bool | None":
        """Send what the socket takes now of a chunk that is not the first. `writer.Sink` says what this returns."""
        stream = self._stream
        if stream is None or stream.state != "open" or stream.record[0] or self._is_bodiless or not data:
            return None
        return None if self.is_over or self.response is not response else stream.write_nowait(data)

    push_nowait_in_task = push_nowait

    def finish(self) -> None:
        """End the response unless it has ended."""
        with self.lock:
            if not self.is_over:
                self.end()

    async def finish_async(self, loop: "AbstractEventLoop") -> None:
        """Do the same as `finish`, in the event loop, where tasks may be writing."""
        async with self.lock:
            if not self.is_over:
                await self.end_async(loop)

    def end(self) -> None:
        """End the response. The caller holds the lock."""
        if self.collects:
            self._end_collected()
            return
        stream = self._usable_stream()
        if stream is None:  # the response has begun, but no chunk was written
            stream, start = self.open(self._current_response, "")
            stream.open(start)
        self._post(stream.end)

    async def end_async(self, loop: "AbstractEventLoop") -> None:
        """Do the same as `end`, for coroutines: other tasks run until the Runtime API has taken the response."""
        if self.collects:
            self._end_collected()
            return
        stream = self._usable_stream()
        if stream is None:
            stream, start = self.open(self._current_response, "")
            await stream.open_async(loop, start)
        self.is_over = True
        try:
            await stream.end_async(loop)
        except RuntimeApiError as failure:
            self._failure = failure
            raise
        except BaseException:  # a cancellation, or a signal handler's error
            if stream.state != "done":
                self._close_if_answer_pending()
            raise

    def notify_hooks(self) -> None:
        """After the handler has returned, call the API's method that tools wrap, if the answer was sent without it."""
        if not self._needs_hook_call:
            return
        if self._reported_error is None:
            self._api.post_invocation_result(self._request, b"", sent=True)
        else:
            report = error_report(self._reported_error, self._request.request_id)
            self._api.post_invocation_error(self._request, report_json(report), sent=True)

    def _end_collected(self) -> None:
        from .._response.proxy_response import collected_answer  # imported late: few responses are collected

        self._needs_hook_call = True
        answer = collected_answer(self.route, self._current_response, self.collected, self._logs.once)
        self._post(self._api.respond, self._request, *answer)

    def _post(self, post: "Callable[..., None]", *arguments: object) -> None:
        self.is_over = True
        try:
            post(*arguments)
        except RuntimeApiError as failure:
            self._failure = failure
            raise
        except BaseException:  # a signal handler's error
            self._close_if_answer_pending()
            raise

    def abort(self, error: BaseException) -> None:
        """Report `error` if the response has started. If not, discard the response: another may replace it."""
        if self.lock.would_deadlock:
            return  # the error is reported when the handler ends
        self.lock.reclaim()
        with self.lock:
            if self.is_open:
                if self.failure is None or not isinstance(error, RuntimeApiError):
                    self._fail(error)
            elif not self.is_over:
                self._discard_response()

    def _discard_response(self) -> None:
        self.response, self._stream, self.collected, self._needs_hook_call = None, None, [], False

    def fail(self, error: BaseException) -> None:
        """Log `error`, and report it to the caller if that is still possible. The same error is reported only once."""
        self.lock.reclaim()
        with self.lock:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if error is self._reported_error:
            return
        self._reported_error = error
        report = error_report(error, self._request.request_id)
        self._logs.error(report)
        try:
            self._send_error(error, report)
        except RuntimeApiError as failure:
            self._failure = failure
        except BaseException:  # a signal handler's error
            self._close_if_answer_pending()
            raise

    def _close_if_answer_pending(self) -> None:
        """Close the connection if an answer may still arrive: it would be read as the answer to the next request."""
        stream = self._stream
        if self._request.is_answered or (stream is not None and stream.state not in ("pending", "open")):
            self._api.close()

    def _send_error(self, error: BaseException, report: "Mapping[str, Any]") -> None:
        stream = self._stream
        self.is_over = True
        if stream is not None and stream.state == "open" and stream.failure is None:
            stream.end(framing.error_trailers(report))
        elif stream is not None and stream.state == "failed" and stream.failure is None:
            self._api.close()  # a signal handler raised before the answer to the stream was read
        elif not self._request.is_answered and not self.is_open:
            self._api.post_invocation_error(self._request, report_json(report), fast_json.write(xray_cause(error)))

    def close(self) -> None:
        """Refuse further writes: the invocation is over."""
        self.lock.reclaim()
        with self.lock:
            self.is_over = True
            self._invocation = None

    def _usable_stream(self) -> "ResponseStream | None":
        """Return the stream, None before the first chunk. Raises a stream's failure again, if its writer caught it."""
        if self._stream is not None and self._stream.failure is not None:
            raise self._stream.failure
        return self._stream

    def set_response(self, response: "StreamingResponse") -> None:
        """Make `response` the answer. Raises ResponseError if there is a response already."""
        if self.response is not None:
            raise ResponseError(
                "there are two responses: the handler returned one that streams, but one was already written or sent in"
                " this invocation; return None from a handler that uses open_stream"
            )
        self.response = response

    def take_replacement(self, returned: object) -> object:
        """Return the value that replaces the response, or None. `returned` is what the body's generator returned.

        A replaced response is discarded; nothing of it has been sent.
        """
        if returned is None:
            return None
        if self._current_response.is_bare and not self.is_open and not self.collected:
            self._discard_response()
            return returned
        leave_out(returned, self._logs.once)
        return None

    @property
    def _current_response(self) -> "StreamingResponse":
        if self.response is None:
            raise StreamStateError("no response has begun, so none can be written or ended")
        return self.response

    def open(self, response: "StreamingResponse", first: object) -> "tuple[ResponseStream, bytes]":
        """Create the stream for a valid `first` chunk, or "". Returns both it and the prelude."""
        start = self.route.prelude(response, first)
        content_type = framing.PRELUDE_CONTENT_TYPE if start else sources.RAW_CONTENT_TYPE
        self._needs_hook_call = True
        factory, invocation = current.stream_factory, self._invocation
        observed = None if factory is None else lambda *arguments: factory(invocation, *arguments)
        try:
            self._stream = self._api.stream(self._request, content_type, observed)
        except RuntimeApiError as failure:
            self._failure = failure
            raise
        return self._stream, start
