import asyncio

from asynchronous import run
from lambda_streamify_emulator.invocations.channel import FunctionError
from lambda_streamify_emulator.invocations.watched_channel import WatchedChannel, Watcher

ERROR = FunctionError("Function.A", b"{}")


class Notes(Watcher):
    """Records the calls that it receives."""

    def __init__(self) -> None:
        self.seen: list[tuple[object, ...]] = []

    def start(self, content_type: str) -> None:
        self.seen.append(("start", content_type))

    def write(self, data: bytes) -> None:
        self.seen.append(("write", data))

    def end_chunk(self) -> None:
        self.seen.append(("border",))

    def end(self, error: FunctionError | None) -> None:
        self.seen.append(("end", error))

    def read(self, data: bytes) -> None:
        self.seen.append(("read", data))

    def read_all(self, error: FunctionError | None) -> None:
        self.seen.append(("read all", error))

    def leave(self) -> None:
        self.seen.append(("leave",))


def test_all_watchers_see_both_sides_of_a_response() -> None:
    one, other = Notes(), Notes()

    async def main() -> None:
        channel = WatchedChannel([one, Watcher(), other])
        channel.start("text/plain")
        channel.write(b"a")
        channel.end_chunk()
        channel.end(ERROR)
        channel.end()
        assert [piece async for piece in channel.pieces()] == [b"a"]
        channel.discard()
        assert channel.error == ERROR

    run(main())

    runtime = [("start", "text/plain"), ("write", b"a"), ("border",), ("border",), ("end", ERROR)]
    client = [("read", b"a"), ("read all", ERROR), ("leave",)]
    assert one.seen == other.seen == runtime + client


def test_watchers_see_that_a_client_disconnects() -> None:
    notes = Notes()

    async def main() -> None:
        channel = WatchedChannel([notes])
        channel.start("text/plain")
        channel.write(b"a")
        pieces = channel.pieces()
        await anext(pieces)
        channel.discard()
        channel.write(b"b")
        await asyncio.sleep(0)

    run(main())

    assert notes.seen[2:] == [("read", b"a"), ("leave",), ("write", b"b")]
