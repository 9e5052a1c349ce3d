"""The queue of a function's asynchronous events: accepted at once, run when a sandbox is free, retried on failure.

Sources: AWS Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation": two more
attempts, the first after one minute, the second after two. LocalStack's tests of 2024, recorded on AWS: the request id
stays the same. AWS does not document the size of its queue, only that events may be lost if there are too many.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from ..invocations.channel import FunctionError
from ..invocations.invocation import Invocation

LIMIT_BYTES = 32 * 1024 * 1024  # of a function's events that wait, run, or wait for a retry
OVERHEAD_BYTES = 8 * 1024  # the most memory that the emulator needs for an event besides its bytes


class Invoke(Protocol):
    """Starts an invocation; with `wait_if_full`, as soon as a sandbox is free."""

    async def __call__(self, invocation: Invocation, *, wait_if_full: bool) -> None:
        """Return when the invocation runs, or has failed."""


class QueueFull(Exception):
    """The queue is full: the event is not accepted."""


class EventQueue:
    """Runs events with `invoke`. `delays` are the seconds before each further attempt; `log` reports failures."""

    def __init__(
        self,
        invoke: Invoke,
        delays: Sequence[float],
        log: Callable[[str], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._invoke = invoke
        self._delays = delays
        self._log = log
        self._sleep = sleep
        self._size = 0
        self._running: dict[asyncio.Task[None], int] = {}

    def add(self, invocation: Invocation) -> None:
        """Queue the event of `invocation`. Raises QueueFull if the queue has no room for it."""
        size = len(invocation.event) + OVERHEAD_BYTES
        if self._size + size > LIMIT_BYTES:
            raise QueueFull(f"{len(self._running)} asynchronous events wait; the limit is {LIMIT_BYTES} bytes")
        running = asyncio.create_task(self._run(invocation))
        self._size += size
        self._running[running] = size  # the event loop keeps only a weak reference
        running.add_done_callback(self._forget)

    async def stop(self) -> None:
        """Drop all events. Those that run end with their sandboxes."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def finish(self) -> None:
        """Wait until no event is left; those that fail are tried again as ever."""
        while self._running:
            await asyncio.wait(self._running)

    async def _run(self, invocation: Invocation) -> None:
        error = await self._attempt(invocation)
        for delay in self._delays:
            if error is None:
                return
            self._log(f"{invocation.request_id} has failed ({error.error_type}): it is tried again in {delay:g} s")
            await self._sleep(delay)
            invocation = invocation.new_attempt()
            error = await self._attempt(invocation)
        if error is not None:
            attempts = len(self._delays) + 1
            self._log(
                f"{invocation.request_id} has failed ({error.error_type}), {attempts} times: the event is dropped"
            )

    async def _attempt(self, invocation: Invocation) -> FunctionError | None:
        await self._invoke(invocation, wait_if_full=True)
        async for _ in invocation.channel.pieces():
            pass
        return invocation.channel.error

    def _forget(self, running: "asyncio.Task[None]") -> None:
        self._size -= self._running.pop(running)
