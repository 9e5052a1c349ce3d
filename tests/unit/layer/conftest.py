import asyncio
from collections.abc import Iterator

import pytest

from invoking import Loop


@pytest.fixture
def loop() -> Iterator[Loop]:
    """The event loop, for handlers that need one."""
    made = asyncio.new_event_loop()
    yield lambda: made
    made.close()
