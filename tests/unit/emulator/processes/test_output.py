import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from asynchronous import run
from lambda_streamify_emulator.processes.output import LINE_LIMIT_BYTES, Output


class Printed:
    """An output, the lines that it logged, and the process's end of the pipe."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.output = Output(self.lines.append)

    def write(self, data: bytes) -> None:
        assert os.write(self.output.write_end, data) == len(data)

    async def logged(self, lines: int) -> None:
        while len(self.lines) < lines:  # noqa: ASYNC110 - an output has no event for this
            await asyncio.sleep(0)


@asynccontextmanager
async def printing() -> AsyncIterator[Printed]:
    printed = Printed()
    try:
        yield printed
    finally:
        os.close(printed.output.write_end)
        await printed.output.end(10)


def test_lines_are_logged_as_they_come() -> None:
    async def main() -> None:
        async with printing() as printed:
            printed.write(b"one\ntwo\nha")
            await printed.logged(2)
            assert printed.lines == ["one", "two"]
            printed.write(b"lf\n\n")
            await printed.logged(4)
            assert printed.lines == ["one", "two", "half", ""]

    run(main())


def test_carriage_returns_stay_in_a_line() -> None:
    async def main() -> None:
        async with printing() as printed:
            printed.write(b"[ERROR] a\rTraceback\r  File\ndos\r\n")
            await printed.logged(2)
            assert printed.lines == ["[ERROR] a\rTraceback\r  File", "dos\r"]

    run(main())


def test_draining_logs_all_that_was_printed_before_it_at_once() -> None:
    async def main() -> None:
        async with printing() as printed:
            printed.write(b"x\n" * 30_000 + b"half")
            printed.output.drain()
            assert printed.lines == ["x"] * 30_000 + ["half"]
            printed.write(b" a line\n")
            printed.output.drain()
            printed.output.drain()
            assert printed.lines[30_000:] == ["half", " a line"]

    run(main())


def test_what_was_drained_is_not_read_again() -> None:
    async def main() -> None:
        async with printing() as printed:
            printed.write(b"one\n")
            asyncio.get_running_loop().call_soon(printed.output.drain)  # the loop has already found it readable
            await printed.logged(1)
            printed.write(b"two\n")
            await printed.logged(2)
            assert printed.lines == ["one", "two"]

    run(main())


def test_the_end_ends_the_last_line() -> None:
    async def main() -> None:
        async with printing() as printed:
            printed.write(b"no end")
        assert printed.lines == ["no end"]

    run(main())


def test_ending_waits_at_most_for_the_timeout() -> None:
    async def main() -> None:
        printed = Printed()
        printed.write(b"half")
        await printed.output.end(0)
        assert printed.lines == ["half"]
        printed.output.drain()
        os.close(printed.output.write_end)

    run(main())


def test_a_line_that_is_too_long_is_logged_in_parts() -> None:
    async def main() -> None:
        async with printing() as printed:
            for _ in range(LINE_LIMIT_BYTES // 1024):
                printed.write(b"x" * 1024)
                printed.output._read()  # noqa: SLF001 - a pipe holds less than a line may
            assert printed.lines == ["x" * LINE_LIMIT_BYTES]

    run(main())
