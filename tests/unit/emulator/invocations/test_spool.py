import os
import random
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import pytest

from lambda_streamify_emulator.invocations import spool as module
from lambda_streamify_emulator.invocations.backlog import BACKLOG_LIMIT_BYTES
from lambda_streamify_emulator.invocations.spool import MEMORY_LIMIT_BYTES, READ_SIZE_BYTES, Spool


class Spooled:
    """A spool, the files that it opens, and its warnings."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.files: list[IO[bytes]] = []
        self.warnings: list[str] = []
        self.spool = Spool(self.warnings.append)

        def opened(**options: int) -> IO[bytes]:
            self.files.append(TemporaryFile(**options))  # type: ignore[call-overload]  # noqa: SIM115
            return self.files[-1]

        monkeypatch.setattr(module, "TemporaryFile", opened)

    def read_all(self) -> bytes:
        body = b""
        while (piece := self.spool.take()) is not None:
            body += piece
        return body


@pytest.fixture
def spooled(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spooled]:
    spooled = Spooled(monkeypatch)
    yield spooled
    spooled.spool.clear()


def test_small_pieces_stay_in_memory_unchanged(spooled: Spooled) -> None:
    for piece in (b"a", b"bc", bytes(MEMORY_LIMIT_BYTES - 3)):
        spooled.spool.add(piece)

    assert [spooled.spool.take() for _ in range(4)] == [b"a", b"bc", bytes(MEMORY_LIMIT_BYTES - 3), None]
    assert spooled.files == []


def test_the_writer_never_waits_however_large_the_backlog_is(spooled: Spooled) -> None:
    piece = bytes(range(256)) * 1024
    for number in range(20):
        spooled.spool.add(b"%2d" % number + piece)
        assert not spooled.spool.is_full

    assert spooled.read_all() == b"".join(b"%2d" % number + piece for number in range(20))
    assert spooled.warnings == []


def test_the_file_is_read_in_pieces(spooled: Spooled) -> None:
    spooled.spool.add(bytes(10 * READ_SIZE_BYTES))

    assert spooled.spool.take() == bytes(READ_SIZE_BYTES)


def test_a_file_that_is_read_to_its_end_takes_no_room(spooled: Spooled) -> None:
    for _ in range(2):
        spooled.spool.add(bytes(MEMORY_LIMIT_BYTES + 1))
        (file,) = spooled.files
        assert Path(f"/dev/fd/{file.fileno()}").stat().st_size == MEMORY_LIMIT_BYTES + 1
        spooled.read_all()
        assert Path(f"/dev/fd/{file.fileno()}").stat().st_size == 0
        spooled.spool.add(b"in memory again")
        assert spooled.spool.take() == b"in memory again"


@pytest.mark.parametrize("seed", range(20))
def test_alternating_reads_and_writes_keep_all_bytes_in_order(spooled: Spooled, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - no secret
    written, read = bytearray(), bytearray()
    for _ in range(200):
        if dice.random() < 0.6:
            piece = dice.randbytes(dice.choice([1, 1000, READ_SIZE_BYTES + 1, MEMORY_LIMIT_BYTES]))
            written += piece
            spooled.spool.add(piece)
        else:
            read += spooled.spool.take() or b""
    read += spooled.read_all()

    assert read == written


def test_what_is_cleared_leaves_no_file(spooled: Spooled) -> None:
    spooled.spool.add(b"in memory")
    spooled.spool.add(bytes(MEMORY_LIMIT_BYTES))
    spooled.spool.clear()

    assert [file.closed for file in spooled.files] == [True]
    assert spooled.spool.take() is None


def test_a_file_that_cannot_be_written_holds_the_writer_and_loses_nothing(
    spooled: Spooled, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = spooled.spool
    spool.add(b"memory,")
    spool.add(b"f" * MEMORY_LIMIT_BYTES)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        spool.add(b",unwritten")
        assert not spool.is_full
        spool.add(b"." * BACKLOG_LIMIT_BYTES)
        assert spool.is_full
    (warning,) = spooled.warnings
    assert warning == (
        "cannot write a temporary file for the response (No space left on device): a slow client now slows the function"
        " down, unlike behind API Gateway; set TMPDIR to a folder with free space"
    )
    assert spooled.read_all() == b"memory," + b"f" * MEMORY_LIMIT_BYTES + b",unwritten" + b"." * BACKLOG_LIMIT_BYTES
    assert not spool.is_full

    spool.add(bytes(2 * MEMORY_LIMIT_BYTES))
    assert not spool.is_full


def test_a_folder_for_temporary_files_that_is_missing_holds_the_writer(
    spooled: Spooled, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nil"))
    spooled.spool.add(bytes(MEMORY_LIMIT_BYTES + 1))

    assert spooled.spool.is_full
    assert len(spooled.warnings) == 1
    assert spooled.read_all() == bytes(MEMORY_LIMIT_BYTES + 1)
