import asyncio

from asynchronous import run
from lambda_streamify_emulator.invocations.channel import FunctionError
from lambda_streamify_emulator.invocations.lockstep import LockstepChannel, Steps
from lambda_streamify_emulator.invocations.prelude import CONTENT_TYPE, PRELUDE_LIMIT_BYTES

PRELUDE = b"{}" + bytes(8)


class Held:
    """A channel in lockstep, and the pieces that it has let pass."""

    def __init__(self, content_type: str = "text/plain") -> None:
        self.steps = Steps()
        self.steps.begin()
        self.channel = LockstepChannel(self.steps)
        self.channel.start(content_type)
        self.passed: list[bytes] = []
        self._reading = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        async for piece in self.channel.pieces():
            self.passed.append(piece)

    def chunk(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.channel.write(piece)
        self.channel.end_chunk()

    async def settled(self) -> list[bytes]:
        """Let every task run as far as it can."""
        for _ in range(10):
            await asyncio.sleep(0)
        return self.passed

    async def end(self) -> list[bytes]:
        await self._reading
        return self.passed


def test_a_chunk_is_held_back_until_it_is_asked_for() -> None:
    async def main() -> None:
        held = Held()
        held.chunk(b"a")
        held.chunk(b"b")
        held.chunk(b"c")
        held.channel.end()
        assert await held.settled() == [b"a"]

        held.steps.request(1)
        assert await held.settled() == [b"a", b"b"]

        held.steps.request(2)
        assert await held.end() == [b"a", b"b", b"c"]

    run(main())


def test_the_first_chunk_passes_before_there_is_a_second() -> None:
    async def main() -> None:
        held = Held()
        held.chunk(b"a")

        assert await held.settled() == [b"a"]
        assert (held.steps.size(0), held.steps.size(1)) == (1, None)
        held.channel.end()
        await held.end()

    run(main())


def test_the_last_piece_of_a_chunk_waits_until_it_is_known_to_be_the_last() -> None:
    async def main() -> None:
        held = Held()
        held.channel.write(b"ab")
        assert await held.settled() == []  # the reader could not know whether the chunk is complete

        held.channel.write(b"cd")
        assert await held.settled() == [b"ab"]

        held.channel.end_chunk()
        assert await held.settled() == [b"ab", b"cd"]
        assert held.steps.size(0) == 4
        held.channel.end()
        await held.end()

    run(main())


def test_a_response_without_chunk_ends_counts_as_one_chunk() -> None:
    async def main() -> None:
        held = Held()
        held.channel.write(b"ab")
        held.channel.write(b"cd")
        held.channel.end()

        assert await held.end() == [b"ab", b"cd"]
        assert (held.steps.size(0), held.steps.size(1)) == (4, None)

    run(main())


def test_the_prelude_belongs_to_no_chunk() -> None:
    async def main() -> None:
        for first in ([PRELUDE + b"abc"], [PRELUDE[:3], PRELUDE[3:], b"abc"]):
            held = Held(CONTENT_TYPE)
            held.chunk(*first)
            held.chunk(b"de")
            held.channel.end()

            assert b"".join(await held.settled()) == PRELUDE + b"abc"
            assert (held.steps.size(0), held.steps.size(1)) == (3, 2)
            held.steps.release_all()
            await held.end()

    run(main())


def test_a_prelude_in_a_chunk_of_its_own_is_handed_out_with_the_first_one_of_the_body() -> None:
    async def main() -> None:
        held = Held(CONTENT_TYPE)
        held.chunk(PRELUDE)
        assert await held.settled() == [PRELUDE]
        assert held.steps.size(0) is None

        held.chunk(b"abc")
        assert await held.settled() == [PRELUDE, b"abc"]
        assert held.steps.size(0) == 3
        held.channel.end()
        await held.end()

    run(main())


def test_a_response_of_a_prelude_alone_ends() -> None:
    async def main() -> None:
        held = Held(CONTENT_TYPE)
        held.chunk(PRELUDE)
        held.channel.end()

        assert await held.end() == [PRELUDE]
        assert held.steps.size(0) is None

    run(main())


def test_an_invalid_prelude_is_not_held_back() -> None:
    async def main() -> None:
        held = Held(CONTENT_TYPE)
        held.chunk(b"x" * PRELUDE_LIMIT_BYTES)
        held.chunk(b"y")

        assert await held.settled() == [b"x" * PRELUDE_LIMIT_BYTES, b"y"]
        held.channel.end()
        await held.end()

    run(main())


def test_nothing_is_held_for_a_reader_that_has_left() -> None:
    async def main() -> None:
        held = Held()
        for _ in range(3):
            held.chunk(b"a")
        await held.settled()
        held.steps.release_all()

        held.channel.end()
        assert await held.end() == [b"a"] * 3

    run(main())


def test_only_the_first_end_counts() -> None:
    async def main() -> None:
        held = Held()
        held.chunk(b"a")
        held.channel.end()
        held.channel.end(FunctionError("Late", b"{}"))

        assert await held.end() == [b"a"]
        assert held.channel.error is None

    run(main())


def test_the_reader_may_be_in_another_thread() -> None:
    async def main() -> None:
        held = Held()
        held.chunk(b"a")
        held.chunk(b"b")
        held.channel.end()
        await held.settled()

        await asyncio.to_thread(held.steps.request, 1)

        assert await held.end() == [b"a", b"b"]

    run(main())


def test_asking_is_harmless_when_the_emulator_has_stopped() -> None:
    steps = Steps()

    async def main() -> None:
        steps.begin()

    run(main())
    steps.release_all()
