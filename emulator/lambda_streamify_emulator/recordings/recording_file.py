"""Reads recordings from files. Errors are one line each and name the file."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import RecordingFileError
from .recording import RecordingError, RecordingReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from os import PathLike

    from .recording import Event


class _FileReader(RecordingReader):
    """Reads a recording. Its errors name its own file, even if another file is read at the same time."""

    def __init__(self, path: str | PathLike[str], lines: Iterable[str]) -> None:
        self._path = path
        with _file_named_in_errors(path):
            super().__init__(lines)

    def __iter__(self) -> Iterator[Event]:
        with _file_named_in_errors(self._path):
            yield from super().__iter__()


@contextmanager
def reading(path: str | PathLike[str]) -> Iterator[RecordingReader]:
    """Open a recording and yield a reader of it.

    Raises RecordingFileError, also inside the block, if the file cannot be read, is not a recording, or is damaged.
    """
    with _file_named_in_errors(path):
        file = Path(path).open(encoding="utf-8", newline="\n")  # noqa: SIM115 - errors in the block are not this file's
    with file:
        yield _FileReader(path, file)


@contextmanager
def _file_named_in_errors(path: str | PathLike[str]) -> Iterator[None]:
    try:
        yield
    except RecordingError as error:
        raise RecordingFileError(f"{path}: {error}") from error
    except UnicodeDecodeError as error:
        raise RecordingFileError(f"{path}: it is not UTF-8 text, so it is not a recording") from error
    except OSError as error:
        raise RecordingFileError(f"the recording {path} cannot be read: {error.strerror}") from error
