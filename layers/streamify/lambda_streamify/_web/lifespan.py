"""The ASGI lifespan protocol: the startup of an app before its first request, and its shutdown after the last.

Source: ASGI specification, "Lifespan Protocol", version 2.0.
"""

from asyncio import FIRST_COMPLETED, Queue, create_task, get_running_loop, wait

from ..errors import HandlerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Future, Task
    from collections.abc import Awaitable, Callable
    from typing import Any

    Message = dict[str, Any]
    App = Callable[[Any, Any, Any], Awaitable[None]]  # frameworks annotate the three arguments differently

AUTO, ON, OFF = MODES = ("auto", "on", "off")

_STARTUP, _SHUTDOWN = "lifespan.startup", "lifespan.shutdown"


class Lifespan:
    """One lifespan of an app, from `start` to `stop`. Call both in the same event loop.

    `mode` is "on" or "auto". With "auto", an app that does not support the protocol runs without it. `state` holds what
    the app stores there for its requests.
    """

    def __init__(self, app: "App", mode: str) -> None:
        self._app = app
        self._mode = mode
        self._task: Task[None] | None = None
        self._messages: Queue[Message] = Queue()
        self._request = ""
        self._answer: Future[Message] | None = None
        self.started = False
        self.state: dict[str, Any] = {}

    async def start(self) -> None:
        """Start the app. Raises HandlerError with the app's message if it cannot start."""
        self.started = True
        task = create_task(self._run())
        answer = await self._exchange(task, _STARTUP)
        if answer is None:
            error = task.exception()
            if self._mode == ON:
                how = f"raised {error!r}" if error else "returned"
                raise HandlerError(
                    f'lifespan is "on", but the app {how} without having started: to run it without lifespan, pass'
                    ' lifespan="off" or lifespan="auto"'
                ) from error
            from logging import getLogger

            getLogger(__name__).info("the app runs without lifespan: %r", error)
        elif answer["type"] == f"{_STARTUP}.failed":
            error = await _wait_for_end(task)
            raise HandlerError(f"the app could not start: {answer.get('message') or repr(error)}") from error
        else:
            self._task = task

    async def stop(self) -> None:
        """Shut the app down. An error is only logged, since no request is left to report it to."""
        task, self._task = self._task, None
        if task is None:
            return
        answer = None if task.done() else await self._exchange(task, _SHUTDOWN)
        error = await _wait_for_end(task)
        failed = answer is not None and answer["type"] == f"{_SHUTDOWN}.failed"
        if failed or error is not None:
            from logging import getLogger

            message = (answer or {}).get("message") or repr(error)
            getLogger(__name__).error("the app failed to shut down: %s", message, exc_info=error)

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        await self._app(scope, self._messages.get, self._send)

    async def _exchange(self, task: "Task[None]", message: str) -> "Message | None":
        """Send `message` to the app, and return its answer, or None if it ends without one."""
        self._request, self._answer = message, get_running_loop().create_future()
        self._messages.put_nowait({"type": message})
        await wait((task, self._answer), return_when=FIRST_COMPLETED)
        return self._answer.result() if self._answer.done() else None

    async def _send(self, message: "Message") -> None:
        request, answer = self._request, self._answer
        answered = answer is None or answer.done()
        if answered and request == _STARTUP and message["type"] == f"{_SHUTDOWN}.failed":
            return  # the app ended by itself with an error, which `stop` logs
        if message["type"] not in (f"{request}.complete", f"{request}.failed"):
            raise HandlerError(
                f"the app sent {message['type']!r}; it must answer with {request}.complete or {request}.failed"
            )
        if answer is None or answered:
            raise HandlerError(f"the app sent {message['type']!r}, but has answered {request} already")
        answer.set_result(message)


async def _wait_for_end(task: "Task[None]") -> "BaseException | None":
    """Return the exception of the task. A task that still runs after its last answer is cancelled."""
    if not task.done():
        task.cancel()
        await wait((task,))
    return None if task.cancelled() else task.exception()
