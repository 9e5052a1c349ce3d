import asyncio
from pathlib import Path

import pytest

from asynchronous import run
from lambda_streamify_emulator.errors import EmulatorError
from lambda_streamify_emulator.invocations.channel import FunctionError, ResponseChannel
from lambda_streamify_emulator.invocations.invocation import Invocation
from lambda_streamify_emulator.invocations.prelude import CONTENT_TYPE
from lambda_streamify_emulator.invocations.recording_channel import LAYERS, Recordings
from lambda_streamify_emulator.invocations.watched_channel import WatchedChannel
from lambda_streamify_emulator.recordings.recording import Event, RecordingReader
from waiting import wait_until

PRELUDE = b'{"statusCode": 201, "headers": {"x": "y"}, "cookies": ["a=secret"]}' + bytes(8)
HEAD = {"status_code": 201, "headers": {"x": "y"}, "cookies": ["a=(not recorded)"]}


def events(folder: Path, layer: str) -> list[tuple[str, object]]:
    """Return the events in the recording of this layer, once it is complete."""
    path = folder / f"hello-1.{layer}.ndjson"

    def is_complete() -> bool:
        return '"x",' in path.read_text()

    wait_until(is_complete, f"the end of {path.name}")
    with path.open() as file:
        reader = RecordingReader(file)
        assert (reader.header.layer, reader.header.more["function"]) == (layer, "hello")
        found: list[Event] = list(reader)
    return [(event.code, event.data) for event in found]


def recorded(folder: Path) -> ResponseChannel:
    return watched(Recordings(folder, print), "1")


def watched(recordings: Recordings, request_id: str) -> ResponseChannel:
    watcher = recordings.watch("hello", Invocation(b"{}", request_id=request_id))
    assert watcher is not None
    return WatchedChannel([watcher])


async def read(channel: ResponseChannel) -> list[bytes]:
    pieces = [piece async for piece in channel.pieces()]
    channel.discard()
    return pieces


def test_both_sides_are_recorded_each_with_its_own_pieces(tmp_path: Path) -> None:
    async def main() -> None:
        channel = recorded(tmp_path)
        channel.start(CONTENT_TYPE)
        for piece in (PRELUDE, b"one", b"tw", b"o"):
            channel.write(piece)
            if piece != b"tw":  # one chunk of the runtime, in two pieces
                channel.end_chunk()
        channel.end()
        assert await read(channel) == [PRELUDE, b"one", b"tw", b"o"]

    run(main())

    end = {"reason": "end", "bytes": 6, "chunks": 2}
    assert events(tmp_path, "runtime-api") == [("h", HEAD), ("o", "one"), ("o", "two"), ("x", end)]
    assert events(tmp_path, "client") == [
        ("h", HEAD),
        ("o", "one"),
        ("o", "tw"),
        ("o", "o"),
        ("x", {**end, "chunks": 3}),
    ]


def test_without_a_prelude_all_of_it_is_body(tmp_path: Path) -> None:
    async def main() -> None:
        channel = recorded(tmp_path)
        channel.start("application/json")
        channel.write(b"{}")
        channel.end()
        await read(channel)

    run(main())

    for layer in LAYERS:
        assert events(tmp_path, layer) == [("o", "{}"), ("x", {"reason": "end", "bytes": 2, "chunks": 1})]


@pytest.mark.parametrize(("error_type", "reason"), [("Function.A", "error"), ("Sandbox.Timedout", "timeout")])
def test_the_error_of_a_response_is_recorded(tmp_path: Path, error_type: str, reason: str) -> None:
    async def main() -> None:
        channel = recorded(tmp_path)
        channel.start("text/plain")
        channel.write(b"half")
        channel.end(FunctionError(error_type, b'{"errorMessage": "no"}'))
        await read(channel)

    run(main())

    for layer in LAYERS:
        assert events(tmp_path, layer)[1:] == [
            ("e", {"type": error_type, "message": "no"}),
            ("x", {"reason": reason, "bytes": 4, "chunks": 1}),
        ]


def test_a_client_that_leaves_ends_its_recording_and_not_the_runtimes(tmp_path: Path) -> None:
    async def main() -> None:
        channel = recorded(tmp_path)
        channel.start("text/plain")
        channel.write(b"one")
        channel.end_chunk()
        pieces = channel.pieces()
        await anext(pieces)
        channel.discard()
        channel.write(b"two")
        channel.end_chunk()
        channel.end()
        await asyncio.sleep(0)

    run(main())

    assert events(tmp_path, "client")[-1] == ("x", {"reason": "disconnect", "bytes": 3, "chunks": 1})
    assert events(tmp_path, "runtime-api")[-1] == ("x", {"reason": "end", "bytes": 6, "chunks": 2})


def test_an_invalid_prelude_is_not_recorded(tmp_path: Path) -> None:
    async def main() -> None:
        channel = recorded(tmp_path)
        channel.start(CONTENT_TYPE)
        channel.write(b"no JSON" + bytes(8))
        channel.end()
        await read(channel)

    run(main())

    assert events(tmp_path, "client") == [("x", {"reason": "end", "bytes": 0, "chunks": 0})]


def test_closing_writes_everything_and_marks_incomplete_recordings(tmp_path: Path) -> None:
    recordings = Recordings(tmp_path, print)

    async def main() -> None:
        whole, cut = (watched(recordings, name) for name in ("whole", "cut"))
        for channel in (whole, cut):
            channel.start("text/plain")
            channel.write(b"x" * 100_000)
            channel.end_chunk()
        whole.end()

    run(main())
    recordings.close()

    for name in ("whole", "cut"):
        with (tmp_path / f"hello-{name}.runtime-api.ndjson").open() as file:
            reader = RecordingReader(file)
            assert next(iter(reader)).chunk == b"x" * 100_000
            assert [event.code for event in reader] == (["x"] if name == "whole" else [])
            assert reader.was_cut == (name == "cut")


def test_a_folder_that_cannot_be_made_is_said_in_one_line() -> None:
    with pytest.raises(EmulatorError, match="cannot create the folder /dev/null/x for recordings: Not a directory"):
        Recordings(Path("/dev/null/x"), print)


def test_a_file_that_cannot_be_opened_loses_the_recording_but_not_the_response(tmp_path: Path) -> None:
    warnings: list[str] = []
    recordings = Recordings(tmp_path / "gone", warnings.append)
    (tmp_path / "gone").rmdir()

    assert recordings.watch("hello", Invocation(b"{}")) is None
    assert "cannot be written: No such file or directory" in warnings[0]
