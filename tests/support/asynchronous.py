"""Tests that need an event loop: bounded in time, and failing on what asyncio would only log."""

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")

PATIENCE = 20.0  # seconds; no test takes one of them on an idle machine


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a test's coroutine; an exception that no task or callback of it gave to anybody fails the test."""
    lost: list[dict[str, Any]] = []

    async def main() -> Result:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: lost.append(context))
        return await asyncio.wait_for(coroutine, PATIENCE)

    gc.freeze()  # what is there already need not be searched
    try:
        result = asyncio.run(main())
        gc.collect()  # a task that failed unseen says so when it is collected
    finally:
        gc.unfreeze()
    assert not lost
    return result
