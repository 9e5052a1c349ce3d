"""What an ASGI app does before its first request and after its last: the lifespan protocol.

Source: ASGI specification, "Lifespan Protocol", version 2.0.
"""

from asyncio import FIRST_COMPLETED, Queue, create_task, get_running_loop, wait

from .errors import HandlerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Future, Task
    from collections.abc import Awaitable, Callable
    from typing import Any

    Message = dict[str, Any]
    App = Callable[[Any, Any, Any], Awaitable[None]]  # frameworks differ in how they write the types of the three

AUTO, ON, OFF = MODES = ("auto", "on", "off")

_STARTUP, _SHUTDOWN = "lifespan.startup", "lifespan.shutdown"


class Lifespan:
    """One life of an app, from `start` to `stop`, which are called in the same event loop.

    `mode` is "on" or "auto"; under "auto" an app that knows no lifespan is run without. `state` is what the app has put
    there to have it in each request.
    """

    def __init__(self, app: "App", mode: str) -> None:
        self._app = app
        self._mode = mode
        self._task: Task[None] | None = None
        self._messages: Queue[Message] = Queue()
        self._asked = ""
        self._answer: Future[Message] | None = None
        self.started = False
        self.state: dict[str, Any] = {}

    async def start(self) -> None:
        """Let the app start. Raises HandlerError if it cannot, with what it says about it."""
        self.started = True
        task = create_task(self._run())
        answer = await self._ask(task, _STARTUP)
        if answer is None:
            error = task.exception()
            if self._mode == ON:
                how = f"raised {error!r}" if error else "returned"
                raise HandlerError(
                    f'lifespan is "on", but the app {how} without having started: to run it without, pass'
                    ' lifespan="off" or lifespan="auto"'
                ) from error
            from logging import getLogger

            getLogger(__name__).info("the app runs without lifespan: %r", error)
        elif answer["type"] == f"{_STARTUP}.failed":
            error = await _ended(task)
            raise HandlerError(f"the app could not start: {answer.get('message') or repr(error)}") from error
        else:
            self._task = task

    async def stop(self) -> None:
        """Let the app clean up. What fails is logged: nobody is left to be told."""
        task, self._task = self._task, None
        if task is None:
            return
        answer = None if task.done() else await self._ask(task, _SHUTDOWN)
        error = await _ended(task)
        failed = answer is not None and answer["type"] == f"{_SHUTDOWN}.failed"
        if failed or error is not None:
            from logging import getLogger

            message = (answer or {}).get("message") or repr(error)
            getLogger(__name__).error("the app's lifespan has failed: %s", message, exc_info=error)

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        await self._app(scope, self._messages.get, self._send)

    async def _ask(self, task: "Task[None]", message: str) -> "Message | None":
        """The app's answer to this message; None if it ends without one."""
        self._asked, self._answer = message, get_running_loop().create_future()
        self._messages.put_nowait({"type": message})
        await wait((task, self._answer), return_when=FIRST_COMPLETED)
        return self._answer.result() if self._answer.done() else None

    async def _send(self, message: "Message") -> None:
        asked, answer = self._asked, self._answer
        answered = answer is None or answer.done()
        if answered and asked == _STARTUP and message["type"] == f"{_SHUTDOWN}.failed":
            return  # it ends unasked, of an error that `stop` will tell
        if message["type"] not in (f"{asked}.complete", f"{asked}.failed"):
            raise HandlerError(f"the app sent {message['type']!r} where {asked}.complete or {asked}.failed is due")
        if answer is None or answered:
            raise HandlerError(f"the app sent {message['type']!r}, but has answered {asked} already")
        answer.set_result(message)


async def _ended(task: "Task[None]") -> "BaseException | None":
    """What the task has raised. It has said its last word, so it is cancelled if it goes on."""
    if not task.done():
        task.cancel()
        await wait((task,))
    return None if task.cancelled() else task.exception()
