"""An ASGI app as the runtime serves it: started on the kept loop, then one invocation after the other."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

from http_events import url_event
from invoking import Log, Outcome, invoke, invoke_scripted
from lambda_streamify import asgi
from lambda_streamify._core import current
from lockstep import Lockstep
from scripted_api import Script


class Service:
    """Answers events; `loop` is the process's event loop."""

    def __init__(self, handler: Callable[[Any, Any], Any], loop: asyncio.AbstractEventLoop) -> None:
        self._handler = handler
        self._loop = loop

    def outcome(self, event: Any = None) -> Outcome:
        """Return what came of one invocation."""
        return invoke(self._handler, event or url_event(), loop=lambda: self._loop)

    def answer(self, event: Any = None) -> Any:
        """Return what one invocation has sent; nothing may have failed in it."""
        outcome = self.outcome(event)
        assert outcome.log.errors == []
        return outcome.sent

    def scripted(self, script: Script, event: Any = None) -> Log:
        """Have `script` receive the answer to one event; returns the log."""
        _, log = invoke_scripted(self._handler, event or url_event(), script, loop=lambda: self._loop)
        return log

    def in_lockstep(self, client: Lockstep, event: Any = None) -> None:
        """Answer one event chunk by chunk."""
        log = self.scripted(client.script, event)
        assert client.ended
        assert log.errors == []


def serving(app: Any, **options: Any) -> AbstractContextManager[Service]:
    """Start the app, serve it in the block, and end it."""
    return running(lambda: asgi.handler(app, **options))


@contextmanager
def running(make: Callable[[], Any]) -> Iterator[Service]:
    """Start the apps of the handler that `make` makes, serve it in the block, and end them."""
    startup, shutdown = current.startup, current.shutdown
    current.startup, current.shutdown = [], []
    try:
        with closing(asyncio.new_event_loop()) as loop:
            service = Service(make(), loop)
            for start in current.startup:
                loop.run_until_complete(start())
            yield service
            for stop in current.shutdown:
                loop.run_until_complete(stop())
            loop.run_until_complete(_end())
            loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        current.startup, current.shutdown = startup, shutdown


async def _end() -> None:
    """Cancel what libraries have left running in the background."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
