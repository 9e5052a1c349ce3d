"""What the processes of a sandbox print, line by line, from a pipe that can be read up to a point in time.

Not asyncio's own pipe of a process: with it a process has not ended while a child that left its group holds the other
end. And the platform's own lines stand between those of two invocations, so what has been printed must be told from
what is yet to come.
"""

import asyncio
import os
from array import array
from collections.abc import Callable
from contextlib import suppress
from fcntl import ioctl
from termios import FIONREAD

LINE_LIMIT = 256 * 1024  # bytes of a line, beyond which it is shown in parts
READ_SIZE = 64 * 1024  # bytes at a time: what a pipe holds on Linux


class Output:
    """Calls `log` with each line. `write_end` is for the process; close it here once the process has it."""

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log
        self._rest = b""
        self._ended = asyncio.Event()
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        asyncio.get_running_loop().add_reader(self._read_end, self._read)

    def drain(self) -> None:
        """Log what has been printed so far, half a line too; what is printed meanwhile may be left for later."""
        if not self._ended.is_set():
            available = array("i", [0])
            ioctl(self._read_end, FIONREAD, available)
            if available[0]:
                self._read(available[0])
        self._flush()

    async def end(self, patience: float) -> None:
        """Wait until nobody can print any more, but no longer than `patience` seconds; then read no more."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._ended.wait(), patience)
        self._flush()
        self.close()

    def close(self) -> None:
        """Read no more."""
        if not self._ended.is_set():
            self._ended.set()
            asyncio.get_running_loop().remove_reader(self._read_end)
            os.close(self._read_end)

    def _read(self, size: int = READ_SIZE) -> None:
        try:
            data = os.read(self._read_end, size)
        except BlockingIOError:  # drained since it was known to be readable
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
        if len(self._rest) >= LINE_LIMIT:
            self._flush()

    def _flush(self) -> None:
        if self._rest:
            rest, self._rest = self._rest, b""
            self._show(rest)

    def _show(self, line: bytes) -> None:
        # A record of several lines has carriage returns inside.
        for part in line.decode("utf-8", "replace").rstrip("\r").split("\r"):
            self._log(part)
