"""The format of recordings: a text file with a stream's chunks and their times.

docs/reference/recording-format.md has an example and describes every field.

This module imports only the standard library, because `functions/replay` contains a copy of it.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from reprlib import Repr
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

VERSION = 1
KIND = "lambda-stream"
LAYERS = ("runtime-api", "client", "yield")

# The codes of events.
HEAD, TEXT, BASE64, ERROR, END = CODES = ("h", "o", "b", "e", "x")
REASONS = ("end", "error", "timeout", "disconnect")

# The largest integer that every JSON parser represents exactly (RFC 7493, section 2.2): 285 years of microseconds.
NUMBER_LIMIT = 2**53 - 1

# Hidden by default, because a recording may be passed on to people who must not see them.
SECRET_HEADERS = frozenset(
    (
        "authorization",
        "cookie",
        "proxy-authorization",
        "set-cookie",
        "x-amz-security-token",
        "x-api-key",
        "x-auth-token",
        "x-csrf-token",
    )
)
HIDDEN = "(not recorded)"


class RecordingError(ValueError):
    """A file is not a recording, or is damaged. `line` is a line number, from 1; `reason` says what is wrong."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


class Event(NamedTuple):
    """An event of a stream, `time` microseconds after the request began. Events with unknown codes are kept."""

    time: int
    code: str
    data: Any

    @property
    def chunk(self) -> bytes | None:
        """The bytes of a chunk; None for any other event."""
        if self.code == TEXT:
            return str(self.data).encode("utf-8")
        return b64decode(self.data) if self.code == BASE64 else None


def chunk_event(time: int, data: bytes) -> Event:
    """Return a chunk as an event: as text if it is UTF-8, so that people can read it, otherwise as base64.

    `time` is in microseconds since the request began.
    """
    try:
        return Event(time, TEXT, data.decode("utf-8"))
    except UnicodeDecodeError:
        return Event(time, BASE64, b64encode(data).decode("ascii"))


def error_message(details: str) -> str:
    """Return the message of an error report; the whole report if it is not valid JSON."""
    try:
        return str(json.loads(details)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return details


@dataclass(frozen=True)
class Header:
    """The first line. `layer` says where the stream was recorded; `more` holds any other fields."""

    layer: str
    more: Mapping[str, Any] = field(default_factory=dict)

    def line(self) -> str:
        """Return the line, with its newline."""
        return _line({"version": VERSION, "kind": KIND, "layer": self.layer, **self.more})


class RecordingWriter:
    """Writes a recording to `file`, one line per event, and keeps only counts. Times are in microseconds.

    Cookies and the headers in SECRET_HEADERS are hidden unless `secrets` is true.
    """

    def __init__(self, file: TextIO, header: Header, *, secrets: bool = False) -> None:
        self._file = file
        self._secrets = secrets
        self.chunks = 0
        self.bytes = 0
        file.write(header.line())

    def head(self, time: int, status_code: int, headers: Mapping[str, str], cookies: Iterable[str] = ()) -> None:
        """Write status, headers and cookies."""
        shown = {name: value if self._is_shown(name) else HIDDEN for name, value in headers.items()}
        kept = [cookie if self._secrets else f"{cookie.partition('=')[0]}={HIDDEN}" for cookie in cookies]
        self.event(Event(time, HEAD, {"status_code": status_code, "headers": shown, "cookies": kept}))

    def chunk(self, time: int, data: bytes) -> None:
        """Write a chunk."""
        self.chunks += 1
        self.bytes += len(data)
        self.event(chunk_event(time, data))

    def error(self, time: int, error_type: str, message: str) -> None:
        """Write an error that ends the stream, as reported in its trailers or its last event."""
        self.event(Event(time, ERROR, {"type": error_type, "message": message}))

    def end(self, time: int, reason: str, **more: Any) -> None:
        """Write the end of the stream. `reason` is "end", "error", "timeout" or "disconnect"."""
        self.event(Event(time, END, {"reason": reason, "bytes": self.bytes, "chunks": self.chunks, **more}))

    def event(self, event: Event) -> None:
        """Write any event."""
        self._file.write(_line(list(event)))

    def _is_shown(self, name: str) -> bool:
        return self._secrets or name.lower() not in SECRET_HEADERS


def _line(value: object) -> str:
    line = json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
    # JSON headers may contain a lone surrogate, which UTF-8 cannot encode: it stays a JSON escape.
    return line if line.isascii() else line.encode("utf-8", "backslashreplace").decode("utf-8")


class RecordingReader:
    """Reads a recording: the `header` at once, the events one line at a time during the only iteration.

    Raises RecordingError for a damaged line. A recording that stops before its end event is not damaged: all of its
    events are yielded, and `was_cut` is true afterwards.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = _numbered(lines)
        self.was_cut = True
        number, text = next(self._lines, (1, ""))
        self.header = _header(number, text)

    def __iter__(self) -> Iterator[Event]:
        latest = 0
        for number, text in self._lines:
            if not self.was_cut:
                raise RecordingError(number, "an event after the end of the stream")
            event = _event(number, text)
            if event.time < latest:
                raise RecordingError(number, f"the time goes backwards, from {latest} to {event.time} microseconds")
            latest = event.time
            self.was_cut = event.code != END
            yield event


def _numbered(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield the lines that are neither blank nor comments, with their numbers. Raise for a line that was cut."""
    for number, text in enumerate(lines, 1):
        if text.strip() and not text.startswith("#"):
            if not text.endswith("\n") and not _is_json(text):
                raise RecordingError(number, f"the line is cut: it ends with {text[-20:]!r}")
            yield number, text


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _parsed(number: int, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise RecordingError(number, f"not JSON: {error}") from None
    except ValueError:  # an integer of thousands of digits
        raise RecordingError(number, f"it contains a number larger than {NUMBER_LIMIT}") from None
    except RecursionError:
        raise RecordingError(number, "its arrays or objects are nested too deeply") from None


_BRIEF = Repr()
_BRIEF.maxstring = _BRIEF.maxother = _BRIEF.maxlong = 60


def _brief(value: object) -> str:
    """Return the value for a message, which stays one short line whatever the file contains."""
    return _BRIEF.repr(value)


def _header(number: int, text: str) -> Header:
    fields = _parsed(number, text) if text else None
    if not isinstance(fields, dict) or fields.pop("kind", None) != KIND:
        raise RecordingError(number, f'not a recording: the first line has no "kind": "{KIND}"')
    version = fields.pop("version", None)
    if version != VERSION or isinstance(version, bool):
        raise RecordingError(number, f"version is {_brief(version)}; this program reads version {VERSION}")
    layer = fields.pop("layer", None)
    if layer not in LAYERS:
        raise RecordingError(number, f"layer is {_brief(layer)}; it must be one of {', '.join(LAYERS)}")
    return Header(layer, fields)


def _event(number: int, text: str) -> Event:
    fields = _parsed(number, text)
    if not isinstance(fields, list) or len(fields) != 3:
        raise RecordingError(number, "an event must be an array of three: microseconds, code, data")
    time, code, data = fields
    if not _is_count(time):
        raise RecordingError(
            number, f"the time is {_brief(time)}; it must be a whole number of microseconds, up to {NUMBER_LIMIT}"
        )
    if not isinstance(code, str):
        raise RecordingError(number, f"the code is {_brief(code)}; it must be a string")
    if code == TEXT:
        _check_text(number, data)
    elif code == BASE64:
        _check_base64(number, data)
    elif code in _FIELDS:
        _check_object(number, code, data)
    return Event(time, code, data)


def _check_text(number: int, data: object) -> None:
    if not isinstance(data, str):
        raise RecordingError(number, f"a text chunk must be a string, not {type(data).__name__}")
    try:
        data.encode("utf-8")
    except UnicodeEncodeError:
        raise RecordingError(number, "a text chunk contains a lone surrogate; write such bytes in base64") from None


def _check_base64(number: int, data: object) -> None:
    if not isinstance(data, str):
        raise RecordingError(number, f"a chunk in base64 must be a string, not {type(data).__name__}")
    try:
        b64decode(data, validate=True)
    except ValueError as error:
        raise RecordingError(number, f"the chunk is not base64: {error}") from None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= NUMBER_LIMIT


def _is_text(value: object) -> bool:
    return isinstance(value, str)


# The fields of the objects, each with its check and a description of valid values.
_FIELDS: dict[str, dict[str, tuple[Callable[[Any], bool], str]]] = {
    HEAD: {
        "status_code": (lambda value: _is_count(value) and 100 <= value <= 599, "a number from 100 to 599"),
        "headers": (
            lambda value: isinstance(value, dict) and all(map(_is_text, value.values())),
            "an object of strings",
        ),
        "cookies": (lambda value: isinstance(value, list) and all(map(_is_text, value)), "an array of strings"),
    },
    ERROR: {"type": (_is_text, "a string"), "message": (_is_text, "a string")},
    END: {
        "reason": (lambda value: value in REASONS, f"one of {', '.join(REASONS)}"),
        "bytes": (_is_count, f"a whole number up to {NUMBER_LIMIT}"),
        "chunks": (_is_count, f"a whole number up to {NUMBER_LIMIT}"),
    },
}


def _check_object(number: int, code: str, data: object) -> None:
    for name, (is_valid, kind) in _FIELDS[code].items():
        if not isinstance(data, dict) or name not in data:
            raise RecordingError(number, f"the data of {code!r} must be an object with {name}, which is missing")
        if not is_valid(data[name]):
            raise RecordingError(number, f"{name} is {_brief(data[name])}; it must be {kind}")
