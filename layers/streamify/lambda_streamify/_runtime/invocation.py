"""One invocation: calls the handler with the event, and delivers the result as JSON, as a stream or as an error.

The body of a response is always closed in the thread and the task that iterated it, before the next invocation begins.
"""

from .._core import current
from .._core.error_report import error_report
from .._response.response import as_stream, is_async, summary
from .._response.sources import Route
from .._wire.marshal import unmarshal
from ..errors import BadRequest, RuntimeApiError
from .context import LambdaContext, parse_header
from .delivery import Delivery
from .sending import send, send_async, send_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable
    from typing import Any

    from .._response.response import StreamingResponse
    from .._response.writer import ResponseWriter
    from .context import FunctionVariables, InvocationRequest
    from .invocation_task import InvocationTask
    from .loader import Handler
    from .logs import Logs
    from .runtime_api import RuntimeApi

PENDING_TASK_LIMIT = 100  # more tasks are considered a leak; one task takes about 5 KB (measured)
_RECOVERABLE_STATUSES = (400, 410, 413)  # the invocation ends, but the process continues


class Invocation:
    """One invocation of the handler.

    `mode` is STREAMIFY_INVOKE_MODE. `loop` returns the event loop of the process, `clock` the seconds since the epoch.
    """

    delivery_type: "type[Delivery]" = Delivery

    def __init__(
        self,
        api: "RuntimeApi",
        request: "InvocationRequest",
        logs: "Logs",
        *,
        mode: str,
        loop: "Callable[[], AbstractEventLoop]",
        clock: "Callable[[], float]",
        function: "FunctionVariables | None" = None,
    ) -> None:
        self._api = api
        self._request = request
        self._function = function
        self._logs = logs
        self._loop = loop
        self._clock = clock
        self._mode = mode
        self._delivery = self.delivery_type(api, request, logs, self)
        self.request_id = request.request_id
        self.tenant_id = request.header("aws-tenant-id")
        self.event: object = None
        self.context: LambdaContext | None = None
        self.observed: dict[object, Any] = {}
        self._task: InvocationTask | None = None

    def run(self, handler: "Handler") -> None:
        """Call `handler`, and deliver what it returns or raises.

        Raises only what must end the process: a Runtime API error that the runtime cannot recover from, and an
        exception of the handler that is not an Exception, such as SystemExit. If the response has started, its end is
        sent first.
        """
        for hook in current.before_handler:
            hook(self)
        try:
            try:
                self._call(handler)
            except Exception as error:  # noqa: BLE001 - a signal handler raised while another error was reported
                self._delivery.fail(error)
        finally:
            self._delivery.close()
            failure = self._delivery.failure
            if failure is not None:
                self._logs.line("ERROR", f"the response was not delivered: {failure}")
            self._run_hooks()
        if failure is not None and getattr(failure, "status", _RECOVERABLE_STATUSES[0]) not in _RECOVERABLE_STATUSES:
            raise failure
        if self._task is not None and self._task.close_dropped_generators() > PENDING_TASK_LIMIT:
            self._logs.once(
                f"more than {PENDING_TASK_LIMIT} tasks of past invocations are still pending, and each keeps its"
                " memory: await or cancel the tasks of a handler before it returns"
            )

    def _call(self, handler: "Handler") -> None:
        delivery = self._delivery
        token = current.running.set(self)
        try:
            try:
                result = self.deliver_now(handler(self._read_event(), self._make_context()))
                self._api.check_process()
            except BadRequest as error:
                result = self._refusal(error)
            if not delivery.is_over:
                send_value(delivery, result)
        except Exception as error:  # noqa: BLE001 - a handler may raise anything
            self._exit_if_forked(error)
            if delivery.failure is None or not isinstance(error, RuntimeApiError):
                delivery.fail(error)
        except BaseException as error:
            self._exit_if_forked(error)
            if self._task is not None and self._task.is_cancellation(error):  # the function's own, not an exit
                delivery.fail(error)
                return
            if delivery.is_open:
                delivery.fail(error)
            raise
        finally:
            current.running.reset(token)

    def _refusal(self, error: BadRequest) -> object:
        """Return the response that reports `error` to the client. Raises `error` if that cannot be sent."""
        from .._response.refusal import can_refuse, refusal  # imported late: most requests can be read

        self.failed(error)
        delivery, route = self._delivery, self._delivery.route
        if self._api.is_forked or delivery.is_over or delivery.is_open or not can_refuse(route.source):
            raise error
        return refusal(error, route.header_style, lambda message: self._logs.line("WARNING", message))

    def _exit_if_forked(self, error: BaseException) -> None:
        """End this process if the handler has forked it."""
        if self._api.is_forked:
            from .forks import end_process  # imported late: few handlers fork

            end_process(error, self._logs, self._request.request_id)

    def _run_hooks(self) -> None:
        for hook in (Invocation._notify_hooks, *current.after_response):
            try:
                hook(self)
            except Exception as error:  # noqa: BLE001, PERF203 - a hook may raise anything; the response has been sent
                self._logs.error(error_report(error, self._request.request_id))

    def _notify_hooks(self) -> None:
        self._delivery.notify_hooks()

    # --- the handler's arguments -------------------------------------------------------------------------------------

    def _read_event(self) -> object:
        self.event = event = unmarshal(self._request.body, self._request.content_type)
        self._delivery.route = Route(event, self._mode)  # now: the handler may change its event
        return event

    def _make_context(self) -> LambdaContext:
        header = self._request.headers.get
        client, identity = header("lambda-runtime-client-context"), header("lambda-runtime-cognito-identity")
        self.context = LambdaContext(
            aws_request_id=self.request_id,
            deadline_ms=self._request.deadline_ms,
            invoked_function_arn=header("lambda-runtime-invoked-function-arn") or "",
            client_context=parse_header(client, "Client Context") if client else None,
            cognito_identity=parse_header(identity, "Cognito Identity") if identity else None,
            tenant_id=self.tenant_id,
            function=self._function,
            clock=self._clock,
        )
        return self.context

    # --- the handler's result ----------------------------------------------------------------------------------------

    def deliver_now(self, result: "Any") -> object:
        """Send `result` if it streams, before this returns.

        Returns a plain value unsent, and the status and headers of a response that was sent. If a body raises after the
        response has started, the error is reported to the caller before it is raised here.
        """
        try:
            response = as_stream(result)
            if hasattr(result, "__await__") or (response is not None and is_async(response.body)):
                # One task awaits the handler's coroutine, iterates the body and closes it, so all see the same context
                # variables.
                from .invocation_task import InvocationTask

                self._task = self._delivery.lock.task = InvocationTask(self._loop())
                return self._task.run(self._deliver_async(result))
            if response is not None:
                returned = send(self._delivery, response)
                if returned is not None:
                    return self.deliver_now(returned)
            if not self._has_open_response(response, result):
                return result
            self._delivery.finish()
            return summary(self._delivery.response)
        except BaseException as error:
            self.failed(error)
            raise

    async def deliver_now_async(self, result: "Any") -> object:
        """Do the same as `deliver_now`, in a running event loop."""
        try:
            return await self._deliver_async(result)
        except BaseException as error:
            self.failed(error)
            raise

    def open_writer(self, response: "StreamingResponse") -> "ResponseWriter":
        """Begin `response`, whose body is ignored, and return a writer for it."""
        from .._response.writer import ResponseWriter  # imported late: few functions use a writer

        writer = ResponseWriter(self._delivery, response)
        writer.begin()
        return writer

    async def _deliver_async(self, result: "Any") -> object:
        """Await `result` if possible, send it if it streams, and end the response. Returns what `deliver_now` does."""
        from asyncio import get_running_loop

        loop = get_running_loop()
        if hasattr(result, "__await__"):
            result = await result
        response = as_stream(result)
        if response is not None:
            returned = await send_async(loop, self._delivery, response)
            if returned is not None:
                return await self._deliver_async(returned)
        if not self._has_open_response(response, result):
            return result
        await self._delivery.finish_async(loop)
        return summary(self._delivery.response)

    def _has_open_response(self, sent: "StreamingResponse | None", result: object) -> bool:
        """Return whether there is a response to end: `sent`, or a response that the handler has written."""
        if self._delivery.is_over or self._delivery.response is None:
            return False
        if sent is None and result is not None:
            self._logs.once("the handler's return value is left out: it has written its response with open_stream")
        return True

    def failed(self, error: BaseException) -> None:
        """Report `error` now if the response has started. If not, a decorator may still return another response."""
        if not self._api.is_forked:
            self._delivery.abort(error)
