"""Workers that run in the event loop of a test, and the Runtime API that they ask."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from concurrent_api import Answer, ConcurrentApi
from invoking import Handler, Log
from lambda_streamify._concurrency.loop_watch import LoopWatch
from lambda_streamify._concurrency.worker import Worker
from lambda_streamify._runtime.context import FunctionVariables
from lambda_streamify._runtime.logs import Logs


@dataclass
class Scene:
    """The Runtime API, the workers with their tasks, and what they log."""

    api: ConcurrentApi
    logs: Logs
    log: Log
    workers: list[Worker] = field(default_factory=list)
    running: list[asyncio.Task[Any]] = field(default_factory=list)

    async def answer_to(self, event: object = None, request_id: str = "r", **headers: str) -> Answer:
        """Return the whole answer to one event."""
        self.api.invoke(request_id, event, **headers)
        return await self.api.answer(request_id)

    async def idle(self) -> None:
        """Wait until all workers wait for an event."""
        await self.api.until_waiting(len(self.workers))


@asynccontextmanager
async def working(
    handler: Handler, count: int = 1, *, mode: str = "auto", clock: Callable[[], float] | None = None, **facts: Any
) -> AsyncIterator[Scene]:
    """Run `count` workers during the block, and end them after it. Time is the event loop's."""
    loop = asyncio.get_running_loop()
    log = Log()
    logs = Logs(log, lambda: 1.0)
    scene = Scene(ConcurrentApi(), logs, log)
    for _ in range(count):
        worker = Worker(
            scene.api.client(),
            handler,
            logs,
            mode=mode,
            clock=clock or loop.time,
            function=FunctionVariables(facts),
            watch=LoopWatch(loop, logs),
        )
        scene.workers.append(worker)
        scene.running.append(loop.create_task(worker.run()))
    try:
        yield scene
    finally:
        for worker in scene.workers:
            worker.stop()
        await asyncio.wait(scene.running)
        await scene.api.drop_connections()
