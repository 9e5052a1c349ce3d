from pathlib import Path

import pytest

from lambda_streamify_emulator.errors import RecordingFileError
from lambda_streamify_emulator.recordings.recording_file import reading

HEADER = '{"version":1,"kind":"lambda-stream","layer":"client","function":"story"}\n'


def test_a_recording_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text(HEADER + '[1,"o","one"]\n')

    with reading(path) as reader:
        assert reader.header.more == {"function": "story"}
        assert [event.chunk for event in reader] == [b"one"]


def test_a_line_separator_inside_a_text_does_not_end_the_line(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes((HEADER + '[1,"o","a\u2028b\u0085c"]\n').encode())

    with reading(path) as reader:
        assert [event.data for event in reader] == ["a\u2028b\u0085c"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "the recording {path} cannot be read: No such file or directory"),
        (b"", '{path}: line 1: not a recording: the first line has no "kind": "lambda-stream"'),
        (b"\xff", "{path}: it is not UTF-8 text, so it is not a recording"),
        (HEADER.encode() + b"[1]\n", "{path}: line 2: an event must be an array of three: microseconds, code, data"),
        (HEADER.encode() + b'[1,"o","\xff"]\n', "{path}: it is not UTF-8 text, so it is not a recording"),
    ],
)
def test_each_error_names_the_file(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "a.ndjson"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(RecordingFileError) as raised, reading(path) as reader:
        list(reader)

    assert str(raised.value) == message.format(path=path)


def test_a_folder_is_not_a_recording(tmp_path: Path) -> None:
    with pytest.raises(RecordingFileError, match=r"cannot be read: Is a directory$"), reading(tmp_path):
        pass


def test_an_error_of_the_block_itself_is_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text(HEADER)

    with pytest.raises(BrokenPipeError), reading(path):
        raise BrokenPipeError


@pytest.mark.parametrize("content", [HEADER.encode() + b"[1]\n", HEADER.encode() + b'[1,"o","\xff"]\n'])
def test_of_two_recordings_the_error_names_the_damaged_one(tmp_path: Path, content: bytes) -> None:
    wrong, right = tmp_path / "wrong.ndjson", tmp_path / "right.ndjson"
    wrong.write_bytes(content)
    right.write_text(HEADER)

    with pytest.raises(RecordingFileError) as raised, reading(wrong) as reader, reading(right):
        list(reader)

    assert str(raised.value).startswith(f"{wrong}: ")
