"""One invocation among others in the same event loop."""

from asyncio import get_running_loop

from .._response.response import as_http
from .._response.sources import PRELUDE
from .._runtime.invocation import Invocation
from .._runtime.sending import send_async
from .._wire.marshal import marshal
from ..errors import BadRequest, HandlerError, RuntimeApiError
from .async_delivery import AsyncDelivery

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from .._runtime.context import LambdaContext
    from .._runtime.delivery import Delivery
    from .._runtime.loader import Handler


class AsyncInvocation(Invocation):
    """One invocation, whose parts run in two tasks: `call` in one that may be cancelled, the rest in the worker's."""

    delivery_type: "type[Delivery]" = AsyncDelivery

    if TYPE_CHECKING:
        _delivery: AsyncDelivery

    async def call(self, handler: "Handler") -> "BaseException | None":
        """Call the handler, and send what it returns. Returns the error, which a SystemExit is here too.

        asyncio would end the event loop, and with it the other invocations, if a task raised SystemExit.
        """
        try:
            try:
                result = await self._deliver_async(handler(self._read_event(), self._make_context()))
                self._api.check_process()
            except BadRequest as error:
                result = self._refusal(error)
            if not self._delivery.is_over:
                await _send_value(self._delivery, result)
        except BaseException as error:  # noqa: BLE001 - a handler may raise anything
            self._exit_if_forked(error)
            return error
        return None

    async def end(self, error: "BaseException | None") -> None:
        """Report `error`, if there is one, end the response, and run the hooks."""
        delivery = self._delivery
        try:
            if error is not None and (delivery.failure is None or not isinstance(error, RuntimeApiError)):
                await delivery.fail_async(error)
        finally:
            await delivery.close_async()
            if delivery.failure is not None:
                self._logs.line("ERROR", f"the response was not delivered: {delivery.failure}")
            self._run_hooks()

    async def deliver_now_async(self, result: "Any") -> object:
        """Send `result` if it streams. An error is sent before it is raised here."""
        try:
            return await super().deliver_now_async(result)
        except BaseException:
            await self._delivery.settle()
            raise

    def _make_context(self) -> "LambdaContext":
        context = super()._make_context()
        context.xray_trace_id = self._request.header("trace-id")
        return context


async def _send_value(delivery: AsyncDelivery, value: object) -> None:
    """Send a plain value in the response format of this caller."""
    route = delivery.route
    if route.source.response_format(route.mode, streamed=False) == PRELUDE:
        route.response_format = PRELUDE
        loop = get_running_loop()
        await send_async(loop, delivery, as_http(value, lambda body: marshal(body)[0]))
        await delivery.end_async(loop)
    else:
        delivery.answer(value)
        await delivery.settle()


def no_second_loop() -> "NoReturn":
    """Stand in for an event loop of the invocation's own. Raises HandlerError."""
    raise HandlerError(
        "streaming was called in a thread for an asynchronous response, but this process has one event loop for all"
        " invocations: await the response in the handler"
    )
