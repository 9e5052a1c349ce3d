"""One invocation: the event in, the result delivered, as JSON, as a stream or as an error.

Nothing is sent before the first chunk is there, so that a handler which fails before it answers with an ordinary error.
From then on an error becomes HTTP trailers, and is always logged. The body is always closed, on the thread and in the
task that ran it, before the next invocation begins.
"""

from . import framing, lean_json, sources
from .context import LambdaContext, parse_header
from .error_report import error_report, xray_cause
from .errors import RuntimeApiError
from .invocation_task import InvocationTask
from .iteration import Iteration, in_task
from .marshal import marshal, to_json, unmarshal
from .response import StreamingResponse, as_bytes, as_http, as_stream, has_no_body, keepable, prelude_fields, proxy_dict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import AsyncIterator, Callable, Iterator
    from typing import Any

    from .loader import Handler
    from .logs import Logs
    from .response_stream import ResponseStream
    from .runtime_api import Request, RuntimeApi

RAW_CONTENT_TYPE = "application/octet-stream"


class Invocation:
    """One event on its way through the handler.

    `mode` is STREAMIFY_INVOKE_MODE, `loop` gives the process's event loop, `clock` the seconds since the epoch.
    """

    def __init__(
        self,
        api: "RuntimeApi",
        request: "Request",
        logs: "Logs",
        *,
        mode: str,
        loop: "Callable[[], AbstractEventLoop]",
        clock: "Callable[[], float]",
    ) -> None:
        self._api = api
        self._request = request
        self._logs = logs
        self._mode = mode
        self._loop = loop
        self._clock = clock
        self._source = sources.DIRECT
        self._method = ""
        self._stream: ResponseStream | None = None
        self._task: InvocationTask | None = None

    def run(self, handler: "Handler") -> None:
        """Call `handler` and deliver what it returns or raises.

        Raises what must end the process: an answer of the Runtime API that leaves no way on, and any exception of the
        handler that is not an Exception, such as SystemExit; if the response had started, its end is sent first.
        """
        try:
            self._call(handler)
        except RuntimeApiError as error:
            self._logs.line("ERROR", f"the response was not delivered: {error}")
            if getattr(error, "status", 400) not in (400, 410, 413):
                raise
        if self._task is not None:
            self._task.close_dropped_generators()

    def _call(self, handler: "Handler") -> None:
        try:
            self._deliver(handler(self._read_event(), self._context()))
        except RuntimeApiError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a handler raises
            self._fail(error)
        except BaseException as error:
            if self._task is not None and self._task.is_cancellation(error):  # of the function's own doing, not an exit
                self._fail(error)
                return
            if self._stream is not None:
                try:
                    self._fail(error)
                except RuntimeApiError as lost:
                    self._logs.line("ERROR", f"the response was not delivered: {lost}")
            raise

    # --- in ----------------------------------------------------------------------------------------------------------

    def _read_event(self) -> object:
        event = unmarshal(self._request.body, self._request.content_type)
        self._source = sources.source_of(event)
        if self._source.http:
            self._method = sources.http_method(event)  # now: the handler may change its event
        return event

    def _context(self) -> LambdaContext:
        header = self._request.header
        return LambdaContext(
            aws_request_id=self._request.request_id,
            deadline_ms=self._request.deadline_ms,
            invoked_function_arn=header("invoked-function-arn") or "",
            client_context=parse_header(header("client-context"), "Client Context"),
            cognito_identity=parse_header(header("cognito-identity"), "Cognito Identity"),
            tenant_id=header("aws-tenant-id"),
            clock=self._clock,
        )

    # --- out ---------------------------------------------------------------------------------------------------------

    def _deliver(self, result: "Any") -> None:
        response = as_stream(result)
        if hasattr(result, "__await__") or (response is not None and _is_async(response)):
            # One task runs the handler's coroutine, its body and the body's end: context variables hold throughout.
            self._task = InvocationTask(self._loop())
            result = self._task.run(self._deliver_async(result))
            response = as_stream(result)
        if self._stream is None:
            self._deliver_sync(response, result)
        if self._stream is not None:
            self._api.post_invocation_result(self._request, self._stream)

    def _deliver_sync(self, response: "StreamingResponse | None", result: object) -> None:
        answer = self._source.answer(self._mode, streamed=response is not None)
        if response is None and answer == sources.PRELUDE:
            response = as_http(result, lambda value: marshal(value)[0])
        if response is None:
            self._api.post_invocation_result(self._request, *marshal(result))
            return
        with Iteration(response.body) as chunks:
            if answer == sources.COLLECTED:
                self._respond_collected(response, list(map(keepable, chunks)))
            else:
                self._send(response, answer, chunks)

    async def _deliver_async(self, result: "Any") -> object:
        """Await what is awaitable and send a body that needs the event loop; returns what is still to be delivered."""
        if hasattr(result, "__await__"):
            result = await result
        response = as_stream(result)
        if response is None:
            return result
        if not _is_async(response):
            response.body = in_task(response.body)  # type: ignore[arg-type]
        answer = self._source.answer(self._mode, streamed=True)
        async with Iteration(response.body) as chunks:
            if answer == sources.COLLECTED:
                response.body = [keepable(chunk) async for chunk in chunks]
            else:
                await self._send_async(response, answer, chunks)
        return response

    def _send(self, response: StreamingResponse, answer: str, chunks: "Iterator[Any]") -> None:
        bodiless = self._is_bodiless(response, answer)
        first = "" if bodiless or response.eager else next(chunks, "")
        stream, start = self._open(response, answer, first)
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

    async def _send_async(self, response: StreamingResponse, answer: str, chunks: "AsyncIterator[Any]") -> None:
        """`_send` for a body that is iterated in the event loop, which a slow reader must not block."""
        loop = self._loop()
        bodiless = self._is_bodiless(response, answer)
        first = "" if bodiless or response.eager else await anext(chunks, "")
        stream, start = self._open(response, answer, first)
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

    def _is_bodiless(self, response: StreamingResponse, answer: str) -> bool:
        return answer == sources.PRELUDE and has_no_body(response, self._method)

    def _open(self, response: StreamingResponse, answer: str, first: object) -> "tuple[ResponseStream, bytes]":
        """The stream to write to and the prelude to begin with. From here on an error needs trailers."""
        as_bytes(first)  # a wrong type is still an ordinary error
        start, content_type = b"", RAW_CONTENT_TYPE
        if answer == sources.PRELUDE:
            start = framing.prelude(prelude_fields(response, first, fold=self._source is not sources.REST_API))
            content_type = framing.PRELUDE_CONTENT_TYPE
        self._stream = self._api.stream(self._request, content_type)
        return self._stream, start

    def _respond_collected(self, response: StreamingResponse, chunks: "list[str | bytes]") -> None:
        if self._source.http:
            if self._mode == sources.AUTO:
                self._logs.once(f"{self._source.name} callers get no stream: the response is sent in one piece")
            repeats = self._source in (sources.REST_API, sources.LOAD_BALANCER)
            self._api.post_invocation_result(self._request, *marshal(proxy_dict(response, chunks, repeats=repeats)))
        else:
            self._api.post_invocation_result(self._request, b"".join(map(as_bytes, chunks)), RAW_CONTENT_TYPE)

    def _fail(self, error: BaseException) -> None:
        report = error_report(error, self._request.request_id)
        self._logs.error(report)
        if self._stream is None or self._stream.state == "pending":
            cause = lean_json.write(xray_cause(error))
            self._api.post_invocation_error(self._request, to_json(report).encode("utf-8", "replace"), cause)
        elif self._stream.state == "open":
            self._api.post_invocation_error(self._request, framing.error_trailers(report), stream=self._stream)
        elif self._stream.failure is not None:
            raise self._stream.failure  # `error` came on the way out, from closing the body
        elif self._stream.state != "done":
            self._api.close()  # interrupted in the midst of a send: nobody can go on from there


def _is_async(response: StreamingResponse) -> bool:
    return hasattr(response.body, "__aiter__")
