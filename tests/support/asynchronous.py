"""Tests that need an event loop: bounded in time, and failing on what asyncio would only log."""

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")

TIMEOUT_S = 60.0  # no test takes one second on an idle machine; a busy one may need twenty for its processes


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a test's coroutine; an exception that no task or callback of it gave to anybody fails the test."""
    lost: list[dict[str, Any]] = []

    async def main() -> Result:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: lost.append(context))
        return await asyncio.wait_for(coroutine, TIMEOUT_S)

    gc.collect()
    gc.freeze()  # what lives on, the collected tests above all, need not be searched again
    result = asyncio.run(main())
    gc.collect()  # a task that failed unseen says so when it is collected
    assert not lost
    return result
