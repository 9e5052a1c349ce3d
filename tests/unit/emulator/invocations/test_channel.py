import asyncio

import pytest

from asynchronous import run
from lambda_streamify_emulator.invocations.backlog import BACKLOG_LIMIT_BYTES
from lambda_streamify_emulator.invocations.channel import FunctionError, FunctionFailed, ResponseChannel

ERROR = FunctionError("Function.ValueError", b"{}")


async def read(channel: ResponseChannel) -> list[bytes]:
    return [piece async for piece in channel.pieces()]


async def until_blocked() -> None:
    """Let every other task run as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_pieces_come_out_as_they_went_in() -> None:
    async def main() -> None:
        channel = ResponseChannel()
        reader = asyncio.create_task(read(channel))
        channel.start("text/plain")
        channel.write(b"a")
        await until_blocked()
        channel.write(b"b")
        channel.write(b"c")
        await until_blocked()
        assert not reader.done()
        channel.end()

        assert await reader == [b"a", b"b", b"c"]
        assert channel.error is None

    run(main())


def test_each_piece_is_handed_out_before_the_next_is_written() -> None:
    async def main() -> None:
        channel = ResponseChannel()
        pieces = channel.pieces()
        for number in range(100):
            waiting = asyncio.ensure_future(anext(pieces))
            await until_blocked()
            assert not waiting.done()
            channel.write(b"%d" % number)
            assert await waiting == b"%d" % number

    run(main())


def test_what_was_written_before_the_end_is_read_after_it() -> None:
    async def main() -> None:
        channel = ResponseChannel()
        channel.start("text/plain")
        channel.write(b"a")
        channel.end(ERROR)

        assert await channel.wait_for_start() == "text/plain"
        assert await read(channel) == [b"a"]
        assert channel.error is ERROR

    run(main())


def test_only_the_first_end_counts() -> None:
    channel = ResponseChannel()
    channel.end(ERROR)
    channel.end()
    channel.end(FunctionError("Runtime.ExitError", b"{}"))

    assert channel.error is ERROR

    other = ResponseChannel()
    other.end()
    other.end(ERROR)
    assert other.error is None


def test_the_start_wakes_the_reader_with_the_content_type() -> None:
    async def main() -> None:
        channel = ResponseChannel()
        waiting = asyncio.create_task(channel.wait_for_start())
        await until_blocked()
        assert not waiting.done()
        channel.start("text/event-stream")

        assert await waiting == "text/event-stream"
        assert await channel.wait_for_start() == "text/event-stream"

    run(main())


@pytest.mark.parametrize("early", [True, False])
def test_a_failure_before_the_start_is_raised(early: bool) -> None:  # noqa: FBT001 - before the reader waits, or after
    async def main() -> None:
        channel = ResponseChannel()
        if early:
            channel.end(ERROR)
        waiting = asyncio.create_task(channel.wait_for_start())
        await until_blocked()
        channel.end(ERROR)

        with pytest.raises(FunctionFailed, match=r"^Function\.ValueError$") as raised:
            await waiting
        assert raised.value.error is ERROR

    run(main())


def test_an_end_without_start_and_error_is_a_failure_too() -> None:
    async def main() -> None:
        channel = ResponseChannel()
        channel.end()

        with pytest.raises(FunctionFailed) as raised:
            await channel.wait_for_start()
        assert raised.value.error == FunctionError("Runtime.Unknown", b"{}")

    run(main())


class Writer:
    """Writes as the Runtime API does: after each piece it waits for room."""

    def __init__(self, channel: ResponseChannel, piece: int) -> None:
        self.channel = channel
        self.piece = piece
        self.written = 0
        self.resumed = 0

    def write(self) -> None:
        while not self.channel.is_full:
            self.channel.write(bytes(self.piece))
            self.written += self.piece
        self.channel.call_when_room(self._resume)

    def _resume(self) -> None:
        self.resumed += 1


@pytest.mark.parametrize("piece", [1, 1000, BACKLOG_LIMIT_BYTES - 1, BACKLOG_LIMIT_BYTES, 4 * BACKLOG_LIMIT_BYTES])
def test_a_writer_that_waits_for_room_is_at_most_one_piece_over_the_limit(piece: int) -> None:
    writer = Writer(ResponseChannel(), piece)
    writer.write()

    assert BACKLOG_LIMIT_BYTES <= writer.written < BACKLOG_LIMIT_BYTES + piece
    assert writer.resumed == 0


def test_a_reader_that_makes_room_lets_the_writer_go_on_once() -> None:
    async def main() -> None:
        channel = ResponseChannel()
        writer = Writer(channel, BACKLOG_LIMIT_BYTES // 4)
        writer.write()
        pieces = channel.pieces()

        await anext(pieces)
        assert writer.resumed == 1
        await anext(pieces)
        assert writer.resumed == 1
        assert not channel.is_full

    run(main())


def test_a_writer_does_not_resume_while_the_channel_is_full() -> None:
    async def main() -> None:
        channel = ResponseChannel()
        channel.write(b"small")
        writer = Writer(channel, 2 * BACKLOG_LIMIT_BYTES)
        writer.write()
        pieces = channel.pieces()

        assert await anext(pieces) == b"small"
        assert writer.resumed == 0
        await anext(pieces)
        assert writer.resumed == 1

    run(main())


def test_a_writer_resumes_at_once_if_there_is_room() -> None:
    writer = Writer(ResponseChannel(), 1)
    writer.channel.call_when_room(writer._resume)  # noqa: SLF001

    assert writer.resumed == 1


def test_a_discarded_response_is_dropped_and_does_not_block_the_writer() -> None:
    async def main() -> None:
        channel = ResponseChannel()
        writer = Writer(channel, BACKLOG_LIMIT_BYTES)
        writer.write()
        channel.discard()
        assert writer.resumed == 1

        for _ in range(10):
            channel.write(bytes(BACKLOG_LIMIT_BYTES))
            assert not channel.is_full
        channel.end()
        assert await read(channel) == []

    run(main())


def test_a_reader_that_waits_sees_the_end_of_a_discarded_response() -> None:
    async def main() -> None:
        channel = ResponseChannel()
        reader = asyncio.create_task(read(channel))
        await until_blocked()
        channel.discard()
        channel.write(b"nobody")
        channel.end()

        assert await reader == []

    run(main())
