"""One invocation: the event in, the result delivered, as JSON, as a stream or as an error.

The body of a response is always closed, on the thread and in the task that ran it, before the next invocation begins.
"""

from . import current
from .context import LambdaContext, parse_header
from .delivery import Delivery
from .error_report import error_report
from .errors import RuntimeApiError
from .invocation_task import InvocationTask
from .marshal import unmarshal
from .response import as_stream, is_async, summary
from .sending import send, send_async

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable
    from typing import Any

    from .context import FunctionVariables
    from .loader import Handler
    from .logs import Logs
    from .response import StreamingResponse
    from .runtime_api import Request, RuntimeApi
    from .writer import ResponseWriter

_MAY_GO_ON = (400, 410, 413)  # statuses that end the invocation, but not the process


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
        function: "FunctionVariables | None" = None,
    ) -> None:
        self._request = request
        self._function = function
        self._logs = logs
        self._loop = loop
        self._clock = clock
        self._delivery = Delivery(api, request, logs, mode)
        self._task: InvocationTask | None = None

    def run(self, handler: "Handler") -> None:
        """Call `handler` and deliver what it returns or raises.

        Raises what must end the process: an answer of the Runtime API that leaves no way on, and any exception of the
        handler that is not an Exception, such as SystemExit; if the response had started, its end is sent first.
        """
        for hook in current.before_handler:
            hook(self._request.request_id)
        try:
            self._call(handler)
        finally:
            self._delivery.close()
            failure = self._delivery.failure
            if failure is not None:
                self._logs.line("ERROR", f"the response was not delivered: {failure}")
            self._run_hooks()
        if failure is not None and getattr(failure, "status", _MAY_GO_ON[0]) not in _MAY_GO_ON:
            raise failure
        if self._task is not None:
            self._task.close_dropped_generators()

    def _call(self, handler: "Handler") -> None:
        delivery = self._delivery
        token = current.running.set(self)
        try:
            result = self.deliver_now(handler(self._read_event(), self._context()))
            if not delivery.over:
                delivery.answer(result)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises
            if delivery.failure is None or not isinstance(error, RuntimeApiError):
                delivery.fail(error)
        except BaseException as error:
            if self._task is not None and self._task.is_cancellation(error):  # of the function's own doing, not an exit
                delivery.fail(error)
                return
            if delivery.is_open:
                delivery.fail(error)
            raise
        finally:
            current.running.reset(token)

    def _run_hooks(self) -> None:
        for hook in (self._delivery.conclude, *current.after_response):
            try:
                hook()
            except Exception as error:  # noqa: BLE001, PERF203 - whatever a hook raises; the response is out
                self._logs.error(error_report(error, self._request.request_id))

    # --- in ----------------------------------------------------------------------------------------------------------

    def _read_event(self) -> object:
        event = unmarshal(self._request.body, self._request.content_type)
        self._delivery.is_for(event)
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
            function=self._function,
            clock=self._clock,
        )

    # --- out ---------------------------------------------------------------------------------------------------------

    def deliver_now(self, result: "Any") -> object:
        """Send what streams of `result`, before this returns.

        Returns the plain value that is left to be sent, or, of a response that was sent, its status and headers. What a
        body raises once the response has started has been told when it comes out of here.
        """
        try:
            response = as_stream(result)
            if hasattr(result, "__await__") or (response is not None and is_async(response.body)):
                # One task runs the handler's coroutine, its body and the body's end: context variables hold throughout.
                self._task = self._delivery.lock.task = InvocationTask(self._loop())
                response, result = self._task.run(self._send_async(result))
            elif response is not None:
                send(self._delivery, response)
            if not self._has_begun(response, result):
                return result
            self._delivery.finish()
            return summary(self._delivery.response)
        except BaseException as error:
            self.failed(error)
            raise

    async def deliver_now_async(self, result: "Any") -> object:
        """`deliver_now` for where an event loop runs already."""
        try:
            response, result = await self._send_async(result)
            if not self._has_begun(response, result):
                return result
            await self._delivery.finish_async()
            return summary(self._delivery.response)
        except BaseException as error:
            self.failed(error)
            raise

    def open_writer(self, response: "StreamingResponse") -> "ResponseWriter":
        """Begin a response that is written piece by piece; its body is not looked at."""
        from .writer import ResponseWriter  # few functions write

        writer = ResponseWriter(self._delivery, response)
        writer.begin()
        return writer

    async def _send_async(self, result: "Any") -> "tuple[StreamingResponse | None, object]":
        """Await what is awaitable, and send what streams."""
        from asyncio import get_running_loop

        if hasattr(result, "__await__"):
            result = await result
        response = as_stream(result)
        if response is not None:
            await send_async(get_running_loop(), self._delivery, response)
        return response, result

    def _has_begun(self, sent: "StreamingResponse | None", result: object) -> bool:
        """Whether there is a response to end: `sent`, or one that the handler has written."""
        if self._delivery.over or self._delivery.response is None:
            return False
        if sent is None and result is not None:
            self._logs.once("what the handler returned is left out: it has written its response with open_stream")
        return True

    def failed(self, error: BaseException) -> None:
        """Tell `error` now if the response has started; if not, somebody may still answer in another way."""
        self._delivery.give_up(error)
