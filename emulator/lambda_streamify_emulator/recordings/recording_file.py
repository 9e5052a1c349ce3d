"""Recordings in files: opened, read and closed, and what is wrong with them said in one line with the file's name."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import RecordingFileError
from .recording import RecordingError, RecordingReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike


@contextmanager
def reading(path: str | PathLike[str]) -> Iterator[RecordingReader]:
    """A reader of the recording, for the block.

    Raises RecordingFileError, from within the block too, for a file that cannot be read, is none, or is damaged.
    """
    try:
        with Path(path).open(encoding="utf-8", newline="\n") as file:
            yield RecordingReader(file)
    except RecordingError as error:
        raise RecordingFileError(f"{path}: {error}") from error
    except UnicodeDecodeError as error:
        raise RecordingFileError(f"{path}: it is not UTF-8 text, as a recording is") from error
    except OSError as error:
        if error.filename is None:  # not of this file: whatever the block does
            raise
        raise RecordingFileError(f"the recording {path} cannot be read: {error.strerror}") from error
