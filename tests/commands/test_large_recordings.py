"""A recording of a million chunks, written, read and replayed in processes whose memory is looked at."""

import subprocess
import sys
from pathlib import Path

import pytest

CHUNKS = 1_000_000
GROWTH = 4.0  # MB; the file has 40, and as Python's objects its events would take over 200

_PROGRAM = """
import resource, sys
from pathlib import Path
from lambda_streamify_emulator.recordings.recording import Header, RecordingWriter
from lambda_streamify_emulator.recordings.recording_file import reading
from lambda_streamify_emulator.replays.replay import Replay

def write(path, count):
    with path.open("w") as file:
        writer = RecordingWriter(file, Header("client"))
        writer.head(0, 200, {"content-type": "text/plain"})
        for number in range(count):
            writer.chunk(number, b"%019d\\n" % number)
        writer.end(count, "end")

def read(path, count):
    with reading(path) as recording:
        assert sum(event.chunk is not None for event in recording) == count
        assert not recording.was_cut

def replay(path, count):
    assert sum(map(len, Replay(path, mode="instant"))) == 20 * count

def megabytes(work, path, count):
    work(path, count)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

work, folder, count = globals()[sys.argv[1]], Path(sys.argv[2]), int(sys.argv[3])
few, many = folder / "few.ndjson", folder / "many.ndjson"
if work is not write:
    write(few, 1000)
print(-megabytes(work, few, 1000) + megabytes(work, many, count))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("recordings")
    assert growth("write", made) < GROWTH
    return made


def growth(work: str, folder: Path) -> float:
    """By how many MB the process grew from the thousandth chunk to the last."""
    command: list[str | Path] = [sys.executable, "-c", _PROGRAM, work, folder, str(CHUNKS)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def test_a_million_chunks_are_written_in_constant_memory(folder: Path) -> None:
    assert (folder / "many.ndjson").read_bytes().count(b"\n") == CHUNKS + 3


@pytest.mark.parametrize("work", ["read", "replay"])
def test_a_million_chunks_are_read_and_replayed_in_constant_memory(folder: Path, work: str) -> None:
    assert growth(work, folder) < GROWTH
