import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from asynchronous import run
from lambda_streamify_emulator.processes.log_socket import LogSocket
from lambda_streamify_emulator.processes.output import LINE_LIMIT_BYTES


class Scene:
    """A socket for logs, the lines that it logged, and the workers that are connected to it."""

    def __init__(self, stack: ExitStack) -> None:
        self.lines: list[str] = []
        self.logs = LogSocket(self.lines.append)
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="s-")))  # tmp_path may be too long for a socket
        self.path = self.logs.open(folder)
        self.folder = folder
        self._stack = stack

    def connect(self) -> socket.socket:
        connection = self._stack.enter_context(socket.socket(socket.AF_UNIX))
        assert self.path is not None
        connection.connect(self.path)
        return connection

    async def logged(self, lines: int) -> None:
        while len(self.lines) < lines:  # noqa: ASYNC110 - it has no event for this
            await asyncio.sleep(0)


@asynccontextmanager
async def listening() -> AsyncIterator[Scene]:
    with ExitStack() as stack:
        scene = Scene(stack)
        try:
            yield scene
        finally:
            scene.logs.close()
        assert list(scene.folder.iterdir()) == []


def test_lines_of_different_connections_do_not_mix() -> None:
    async def main() -> None:
        async with listening() as scene:
            first, second = scene.connect(), scene.connect()
            first.sendall(b"one ")
            second.sendall(b"other\n")
            await scene.logged(1)
            first.sendall(b"line\nmore")
            await scene.logged(2)
            assert scene.lines == ["other", "one line"]
            first.close()
            await scene.logged(3)
            assert scene.lines[2] == "more"

    run(main())


def test_everything_that_was_written_is_logged_on_demand() -> None:
    async def main() -> None:
        async with listening() as scene:
            workers = [scene.connect() for _ in range(3)]
            for number, worker in enumerate(workers):
                worker.sendall(f"{number}\n".encode() * 20_000)
            scene.logs.drain()
            assert scene.lines == [line for number in range(3) for line in [str(number)] * 20_000]

    run(main())


def test_a_long_line_is_logged_in_parts_and_the_last_one_at_the_end() -> None:
    async def main() -> None:
        async with listening() as scene:
            worker = scene.connect()
            worker.sendall(b"x" * (LINE_LIMIT_BYTES // 2))
            scene.logs.drain()
            worker.sendall(b"x" * (LINE_LIMIT_BYTES // 2))
            await scene.logged(1)
            worker.sendall(b"rest")
        assert [len(line) for line in scene.lines] == [LINE_LIMIT_BYTES, 4]

    run(main())


def test_without_room_for_its_path_there_is_no_socket(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    logs = LogSocket(print)

    assert logs.open(folder) is None
    logs.close()
    assert list(folder.iterdir()) == []
