import io
import threading
import tracemalloc
from pathlib import Path

import pytest

from lambda_streamify_emulator.recordings.recorder import WAITING, Recorder, now
from lambda_streamify_emulator.recordings.recording import Event, Header, RecordingReader
from waiting import PATIENCE

CLIENT = Header("client")


class Kept(io.StringIO):
    """A file whose text is there after it was closed."""

    def close(self) -> None:
        self.text = self.getvalue()
        super().close()


class SlowDisk(Kept):
    """A disk that takes nothing before the test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.free = threading.Event()

    def write(self, text: str) -> int:
        self.reached.set()
        assert self.free.wait(PATIENCE)
        return super().write(text)


def events(text: str) -> list[Event]:
    return list(RecordingReader(io.StringIO(text)))


def test_each_event_has_the_time_since_the_beginning() -> None:
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


def test_a_stream_is_never_held_up_by_the_disk_and_the_end_tells_what_was_lost() -> None:
    disk = SlowDisk()
    recorder = Recorder(disk, CLIENT, pending_limit=3 * WAITING + 10)
    assert disk.reached.wait(PATIENCE)

    for chunk in (b"12345", b"6789", b"too much", b"x"):
        recorder.chunk(chunk)
    recorder.end("end")
    disk.free.set()
    recorder.close()

    *chunks, end = events(disk.text)
    assert [event.chunk for event in chunks] == [b"12345", b"6789", b"x"]
    assert end.data == {"reason": "end", "bytes": 18, "chunks": 4, "lost": {"chunks": 1, "bytes": 8}}


def test_small_chunks_that_wait_for_the_disk_take_no_more_than_large_ones() -> None:
    disk = SlowDisk()
    recorder = Recorder(disk, CLIENT, pending_limit=1_000_000)
    assert disk.reached.wait(PATIENCE)

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


def test_without_an_end_the_recording_says_that_it_was_cut() -> None:
    file = Kept()
    recorder = Recorder(file, CLIENT)
    recorder.chunk(b"one")
    recorder.close()

    reader = RecordingReader(io.StringIO(file.text))
    assert [event.chunk for event in reader] == [b"one"]
    assert reader.was_cut


def test_a_full_disk_is_told_at_the_end_and_harms_nothing_before() -> None:
    recorder = Recorder(Path("/dev/full").open("w"), CLIENT)  # noqa: SIM115 - the recorder closes it
    recorder.chunk(b"x" * 100_000)
    recorder.end("end")

    with pytest.raises(OSError, match="No space left"):
        recorder.close()


def test_secrets_are_hidden_unless_asked_for() -> None:
    file = Kept()
    recorder = Recorder(file, CLIENT)
    recorder.head(200, {"set-cookie": "a=1"})
    recorder.close()

    assert "(not recorded)" in file.text


def test_the_time_of_day_is_in_utc() -> None:
    assert now().endswith("Z")
    assert len(now()) == len("2026-11-22T10:00:00Z")
