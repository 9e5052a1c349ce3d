"""A function for several invocations at a time in one event loop."""

import asyncio
import logging
import os
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

from lambda_streamify import observe, resumable, sse
from lambda_streamify.resume import MemoryStore

waiting: list[str] = []
all_wait = asyncio.Event()
store = MemoryStore()
asked: list[str] = []
all_asked = asyncio.Event()

observe.log_streams()


async def together(event: Any, context: Any) -> Any:
    """Stream two chunks; the second follows when as many invocations as the event says have sent the first."""
    return chunks(event["count"], context)


async def chunks(count: int, context: Any) -> AsyncIterator[str]:
    logger = logging.getLogger()
    yield f"{context.aws_request_id} {os.getpid()}\n"
    logger.warning("%s waits", context.aws_request_id)
    waiting.append(context.aws_request_id)
    if len(waiting) == count:
        all_wait.set()
    await all_wait.wait()
    logger.warning("%s goes on", context.aws_request_id)
    await asyncio.to_thread(logger.warning, "%s is in a thread", context.aws_request_id)
    yield f"{context.aws_request_id} {context.xray_trace_id} {os.environ.get('_X_AMZN_TRACE_ID')}\n"


async def resumed(key: str, _context: Any) -> Any:
    """Stream the run of this key. It goes on when four invocations have asked for theirs."""
    asked.append(key)
    if len(asked) == 4:
        all_asked.set()
    return resumable(sse.events(words(key)), store, key=key, after="")


async def words(key: str) -> AsyncIterator[str]:
    yield f"{key} begins"
    await all_asked.wait()
    yield f"{key} ends"


async def mixed(event: Any, _context: Any) -> Any:
    """Do what the event says."""
    if event == "exit":
        raise SystemExit(3)
    if event == "exit in a task":
        await asyncio.wait((asyncio.create_task(leave()),))
    if event == "block":
        time.sleep(1.5)  # noqa: ASYNC251 - what the log must tell
    if event == "thread":
        threading.Thread(target=logging.getLogger().warning, args=("without a context",)).start()
    return event


async def leave() -> None:
    """Raise SystemExit in a task that the runtime does not know."""
    raise SystemExit(4)


def plain(_event: Any, _context: Any) -> None:
    """Cannot share an event loop."""
