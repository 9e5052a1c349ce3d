"""A writer that sends each chunk in small pieces and lets others run in between: who does not wait spoils the chunk."""

import asyncio
import time
from threading import Condition

from waiting import TIMEOUT_S


class Wire:
    """What a body is written to. `chunks` are those written, `data` their bytes as they came, piece by piece."""

    def __init__(self, fail_at: bytes | None = None) -> None:
        self.chunks: list[bytes] = []
        self.data = b""
        self._fail_at = fail_at
        self._changed = Condition()

    def write(self, chunk: str | bytes | bytearray | memoryview) -> None:
        """Write one chunk."""
        data = self._check(chunk)
        for start in range(0, len(data), 5):
            self.data += data[start : start + 5]
            time.sleep(0)
        self._written(data)

    async def awrite(self, chunk: str | bytes | bytearray | memoryview) -> None:
        """Write one chunk."""
        data = self._check(chunk)
        for start in range(0, len(data), 5):
            self.data += data[start : start + 5]
            await asyncio.sleep(0)
        self._written(data)

    def wait_for(self, number: int) -> None:
        """Return when so many chunks have been written."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.chunks) >= number, TIMEOUT_S), self.chunks

    def _check(self, chunk: str | bytes | bytearray | memoryview) -> bytes:
        data = chunk.encode() if isinstance(chunk, str) else bytes(chunk)
        if data == self._fail_at:
            raise ConnectionError("the reader has gone")
        return data

    def _written(self, data: bytes) -> None:
        with self._changed:
            self.chunks.append(data)
            self._changed.notify_all()
