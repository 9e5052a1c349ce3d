"""The log of `streamify serve`: what functions print, and a line for each request, on standard error and in a file."""

from __future__ import annotations

import logging
import re
import time
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from ..errors import LogFileError
from . import terminal
from .request_line import is_problem, json_fields, text_line, utc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import TextIO

    from ..web.exchange import Exchange

# The platform's lines about each invocation, except a REPORT that mentions a problem (AWS Lambda Developer Guide,
# "Viewing logs for Python functions").
_ROUTINE = re.compile(r"(START|END|REPORT) RequestId: [0-9a-f-]{36}(?!.*\tStatus: )")


class ServeLog:
    """Writes the log as text, or with `as_json` as one JSON object a line.

    With `quiet`, standard error gets only what functions print themselves, and problems. `file` gets everything, and no
    function's name before its lines. `wall_clock` returns seconds since the epoch.
    """

    def __init__(
        self,
        *,
        as_json: bool = False,
        quiet: bool = False,
        file: TextIO | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._as_json = as_json
        self._quiet = quiet
        self._file = file
        self._wall_clock = wall_clock

    def line(self, function: str, line: str) -> None:
        """Write a line that a function printed, or that the platform printed about it."""
        is_shown = not (self._quiet and _ROUTINE.match(line))
        if self._as_json:
            fields: dict[str, object] = {
                "time": utc(self._wall_clock()),
                "type": "log",
                "function": function,
                "message": line,
            }
            self._write_json(fields, is_shown=is_shown)
            return
        if is_shown:
            terminal.log(function, line)
        self._write_to_file(line)

    def request(self, exchange: Exchange) -> None:
        """Write the line of a request that has ended. Call this after each of its changes."""
        if exchange.ending is None:
            return
        is_shown = not self._quiet or is_problem(exchange)
        if self._as_json:
            self._write_json(json_fields(exchange), is_shown=is_shown)
            return
        if is_shown:
            terminal.ERR.file.write(f"{text_line(exchange, partial(terminal.styled, terminal.ERR))}\n")
        self._write_to_file(text_line(exchange))

    def _write_json(self, fields: dict[str, object], *, is_shown: bool) -> None:
        text = terminal.json_line(fields)
        if is_shown:
            terminal.ERR.file.write(f"{text}\n")
        self._write_to_file(text)

    def _write_to_file(self, text: str) -> None:
        if self._file is None:
            return
        file = self._file
        try:
            file.write(f"{text}\n")
        except OSError as error:
            self._file = None
            terminal.warn(f"the log file {file.name} gets no further lines: {error.strerror}")


@contextmanager
def serve_log(*, as_json: bool, quiet: bool, path: Path | None) -> Iterator[ServeLog]:
    """Open the log for the block; new lines are added to the end of the file `path`.

    Raises LogFileError if the file cannot be opened. With `as_json`, warnings of libraries are JSON objects too.
    """
    try:
        file = None if path is None else path.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)
    except OSError as error:
        raise LogFileError(f"--log-file {path}: {error.strerror}") from error
    handler = _Messages()
    if as_json:
        logging.getLogger().addHandler(handler)
    try:
        yield ServeLog(as_json=as_json, quiet=quiet, file=file)
    finally:
        logging.getLogger().removeHandler(handler)
        if file is not None:
            with suppress(OSError):  # the warning has been printed
                file.close()


class _Messages(logging.Handler):
    """Prints the warnings of libraries as messages; without a handler, logging prints them as text."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        terminal.warn(self.format(record))
