import io
import os
import threading
import tracemalloc
from pathlib import Path

import pytest

from lambda_streamify_emulator.recordings.recorder import CHUNK_OVERHEAD_BYTES, Recorder, create, now
from lambda_streamify_emulator.recordings.recording import Event, Header, RecordingReader
from waiting import TIMEOUT_S

CLIENT = Header("client")


class Kept(io.StringIO):
    """A file whose text is available after it is closed."""

    def close(self) -> None:
        self.text = self.getvalue()
        super().close()


class SlowDisk(Kept):
    """A disk that blocks writes until the test releases it."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.free = threading.Event()

    def write(self, text: str) -> int:
        self.reached.set()
        assert self.free.wait(TIMEOUT_S)
        return super().write(text)


def events(text: str) -> list[Event]:
    return list(RecordingReader(io.StringIO(text)))


def test_each_event_has_the_time_since_the_start() -> None:
    times = iter([10.0, 10.5, 11.0, 12.25, 13.0])
    file = Kept()
    recorder = Recorder(file, CLIENT, clock=lambda: next(times))

    recorder.head(200, {"content-type": "text/plain"}, iter(["a=1"]))
    recorder.chunk(b"one")
    recorder.error("Function.A", "why")
    recorder.end("error")
    recorder.close()

    assert [(event.time, event.code) for event in events(file.text)] == [
        (500_000, "h"),
        (1_000_000, "o"),
        (2_250_000, "e"),
        (3_000_000, "x"),
    ]
    assert file.closed


def test_a_slow_disk_never_delays_the_stream_and_the_end_counts_lost_chunks() -> None:
    disk = SlowDisk()
    recorder = Recorder(disk, CLIENT, pending_limit=3 * CHUNK_OVERHEAD_BYTES + 10)
    assert disk.reached.wait(TIMEOUT_S)

    for chunk in (b"12345", b"6789", b"too much", b"x"):
        recorder.chunk(chunk)
    recorder.end("end")
    disk.free.set()
    recorder.close()

    *chunks, end = events(disk.text)
    assert [event.chunk for event in chunks] == [b"12345", b"6789", b"x"]
    assert end.data == {"reason": "end", "bytes": 18, "chunks": 4, "lost": {"chunks": 1, "bytes": 8}}


def test_pending_small_chunks_take_no_more_memory_than_large_ones() -> None:
    disk = SlowDisk()
    recorder = Recorder(disk, CLIENT, pending_limit=1_000_000)
    assert disk.reached.wait(TIMEOUT_S)

    tracemalloc.start()
    for _ in range(20_000):
        recorder.chunk(b"x")
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    disk.free.set()
    recorder.close()

    assert taken < 2_000_000, taken


def test_a_single_chunk_over_the_limit_is_written() -> None:
    file = Kept()
    recorder = Recorder(file, CLIENT, pending_limit=1)

    recorder.chunk(b"large")
    recorder.close()

    assert [event.chunk for event in events(file.text)] == [b"large"]


def test_without_an_end_the_recording_was_cut() -> None:
    file = Kept()
    recorder = Recorder(file, CLIENT)
    recorder.chunk(b"one")
    recorder.close()

    reader = RecordingReader(io.StringIO(file.text))
    assert [event.chunk for event in reader] == [b"one"]
    assert reader.was_cut


def test_a_full_disk_raises_only_at_the_end() -> None:
    recorder = Recorder(Path("/dev/full").open("w"), CLIENT)  # noqa: SIM115 - the recorder closes it
    recorder.chunk(b"x" * 100_000)
    recorder.end("end")

    with pytest.raises(OSError, match="No space left"):
        recorder.close()


def test_secrets_are_hidden_by_default() -> None:
    file = Kept()
    recorder = Recorder(file, CLIENT)
    recorder.head(200, {"set-cookie": "a=1"})
    recorder.close()

    assert "(not recorded)" in file.text


def test_the_time_of_day_is_in_utc() -> None:
    assert now().endswith("Z")
    assert len(now()) == len("2026-11-22T10:00:00Z")


def test_a_file_for_a_recording_has_the_name_that_messages_show(tmp_path: Path) -> None:
    with create(tmp_path / "stream.ndjson") as file:
        assert str(file.name) == str(tmp_path / "stream.ndjson")


@pytest.mark.parametrize("there", [True, False])
def test_only_its_owner_can_read_a_recording(tmp_path: Path, *, there: bool) -> None:
    path = tmp_path / "a.ndjson"
    if there:
        path.write_text("older, and longer than what comes")
        path.chmod(0o644)
    with create(path) as file:
        file.write("new\n")

    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new\n", 0o600)


def test_a_pipe_keeps_its_mode(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o644)
    mode = (tmp_path / "pipe").stat().st_mode
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with create(tmp_path / "pipe"):
        assert (tmp_path / "pipe").stat().st_mode == mode
    os.close(reader)
