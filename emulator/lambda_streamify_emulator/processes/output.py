"""The output of a sandbox's processes, line by line, from a pipe that can be drained at any time.

asyncio's own pipe does not work here. With it, a process does not count as ended while a child that left its process
group keeps the pipe open. And the platform's lines stand between the output of two invocations, so the emulator must be
able to read everything that was printed so far.
"""

import asyncio
import os
from array import array
from collections.abc import Callable
from contextlib import suppress
from fcntl import ioctl
from termios import FIONREAD

LINE_LIMIT_BYTES = 256 * 1024  # a longer line is logged in parts
READ_SIZE_BYTES = 64 * 1024  # of one read: the capacity of a pipe on Linux


class Output:
    """Calls `log` with each line, which keeps its carriage returns.

    `write_end` is for the process. Close it in this process once the other has it.
    """

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log
        self._rest = b""
        self._ended = asyncio.Event()
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        asyncio.get_running_loop().add_reader(self._read_end, self._read)

    def drain(self) -> None:
        """Log everything printed before this call, including an incomplete line."""
        if not self._ended.is_set():
            available = array("i", [0])
            ioctl(self._read_end, FIONREAD, available)
            if available[0]:
                self._read(available[0])
        self._flush()

    async def end(self, timeout: float) -> None:
        """Read until all writers have closed the pipe, but for at most `timeout` seconds; then close it."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._ended.wait(), timeout)
        self._flush()
        self.close()

    def close(self) -> None:
        """Stop reading, and close the pipe."""
        if not self._ended.is_set():
            self._ended.set()
            asyncio.get_running_loop().remove_reader(self._read_end)
            os.close(self._read_end)

    def _read(self, size: int = READ_SIZE_BYTES) -> None:
        try:
            data = os.read(self._read_end, size)
        except BlockingIOError:  # drain() has read it already
            return
        if data:
            self._take(data)
        else:
            self._flush()
            self.close()

    def _take(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._show(line)
        if len(self._rest) >= LINE_LIMIT_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._rest:
            rest, self._rest = self._rest, b""
            self._show(rest)

    def _show(self, line: bytes) -> None:
        self._log(line.decode("utf-8", "replace"))
