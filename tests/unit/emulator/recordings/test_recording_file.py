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


def test_a_line_separator_within_a_text_ends_no_line(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes((HEADER + '[1,"o","a\u2028b\u0085c"]\n').encode())

    with reading(path) as reader:
        assert [event.data for event in reader] == ["a\u2028b\u0085c"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "the recording {path} cannot be read: No such file or directory"),
        (b"", '{path}: line 1: not a recording: the first line has no "kind": "lambda-stream"'),
        (b"\xff", "{path}: it is not UTF-8 text, as a recording is"),
        (HEADER.encode() + b"[1]\n", "{path}: line 2: an event is an array of three: microseconds, code, data"),
        (HEADER.encode() + b'[1,"o","\xff"]\n', "{path}: it is not UTF-8 text, as a recording is"),
    ],
)
def test_what_is_wrong_is_said_with_the_name_of_the_file(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "a.ndjson"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(RecordingFileError) as raised, reading(path) as reader:
        list(reader)

    assert str(raised.value) == message.format(path=path)


def test_a_folder_is_no_recording(tmp_path: Path) -> None:
    with pytest.raises(RecordingFileError, match=r"cannot be read: Is a directory$"), reading(tmp_path):
        pass


def test_another_error_of_the_block_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text(HEADER)

    with pytest.raises(BrokenPipeError), reading(path):
        raise BrokenPipeError
