from pathlib import Path

import pytest

from lambda_streamify_emulator.errors import EmulatorError
from lambda_streamify_emulator.template.dotenv import read_env_file


def read(folder: Path, text: str) -> dict[str, str]:
    file = folder / ".env"
    file.write_bytes(text.encode())
    return read_env_file(file)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A=b", "b"),
        ("export A=b", "b"),
        ("  A = b  ", "b"),
        ("A=", ""),
        ("A=''", ""),
        ("A=b c # a comment", "b c"),
        ("A=b#c", "b#c"),
        ("A=#c", ""),
        ("A='b # $c'  # d", "b # $c"),
        ('A="b # c"', "b # c"),
        (r'A="b\nc\"d\\"', 'b\nc"d\\'),
        ("A='b\nc'", "b\nc"),
        ("A=https://example.com/?a=b", "https://example.com/?a=b"),
        ('A={"b": 1}', '{"b": 1}'),
        ("A=${B}", "${B}"),
        ("A=b\r\n", "b"),
        ("\ufeffA=b", "b"),
        ("A=old\nA=b", "b"),
    ],
)
def test_a_value_is_what_other_readers_of_the_form_find(tmp_path: Path, text: str, value: str) -> None:
    assert read(tmp_path, text) == {"A": value}


def test_empty_lines_and_comments_are_no_variables(tmp_path: Path) -> None:
    assert read(tmp_path, "\n# A=b\n   \nB=c\n  # d\n\nE=f") == {"B": "c", "E": "f"}


@pytest.mark.parametrize("text", ["A=b\nnonsense", "A=b\n1=c", "A=b\nC='d", "A=b\nC='d'e", "A=b\n=c"])
def test_a_line_that_is_no_assignment_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(EmulatorError, match=r"\.env: line 2: write it as NAME=VALUE"):
        read(tmp_path, text)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(EmulatorError, match=r"none: it cannot be read: No such file"):
        read_env_file(tmp_path / "none")
    (tmp_path / "latin").write_bytes(b"A=\xe9")
    with pytest.raises(EmulatorError, match=r"latin: it is not UTF-8 text"):
        read_env_file(tmp_path / "latin")
