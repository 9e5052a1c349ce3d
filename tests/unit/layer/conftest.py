import asyncio
from collections.abc import Iterator

import pytest

from invoking import Loop
from lambda_streamify._core import current


@pytest.fixture(autouse=True)
def _no_invocation_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test begins like a new process, before its first invocation."""
    monkeypatch.setattr(current, "latest", None)


@pytest.fixture
def loop() -> Iterator[Loop]:
    """An event loop, for handlers that need one."""
    made = asyncio.new_event_loop()
    yield lambda: made
    made.close()
