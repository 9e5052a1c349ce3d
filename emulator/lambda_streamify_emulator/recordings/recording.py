"""A stream with the time of each chunk, as a text file: docs/recording-format.md has an example and every field.

This module needs the standard library only: `functions/replay` carries a copy of it.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

VERSION = 1
KIND = "lambda-stream"
LAYERS = ("runtime-api", "client", "yield")

# Codes of events.
HEAD, TEXT, BASE64, ERROR, END = CODES = ("h", "o", "b", "e", "x")
REASONS = ("end", "error", "timeout", "disconnect")

# What is not written unless asked: whoever reads a recording may not be who made the request.
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
    """A file that is no recording, or a damaged one. `line` is a number, from 1; `reason` says what is wrong there."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


class Event(NamedTuple):
    """What happened `time` microseconds after the request began. Events of codes that are not known are kept."""

    time: int
    code: str
    data: Any

    @property
    def chunk(self) -> bytes | None:
        """The bytes of a chunk, None for any other event."""
        if self.code == TEXT:
            return str(self.data).encode("utf-8")
        return b64decode(self.data) if self.code == BASE64 else None


def chunk_event(time: int, data: bytes) -> Event:
    """A chunk as an event: text where it is UTF-8, so that people can read it, else base64."""
    try:
        return Event(time, TEXT, data.decode("utf-8"))
    except UnicodeDecodeError:
        return Event(time, BASE64, b64encode(data).decode("ascii"))


def error_message(details: str) -> str:
    """The message in an error report, which should be JSON."""
    try:
        return str(json.loads(details)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return details


@dataclass(frozen=True)
class Header:
    """The first line. `layer` is where the stream was seen, `more` whatever else stands there."""

    layer: str
    more: Mapping[str, Any] = field(default_factory=dict)

    def line(self) -> str:
        """The line, with its end."""
        return _line({"version": VERSION, "kind": KIND, "layer": self.layer, **self.more})


class RecordingWriter:
    """Writes a recording to `file`, one line an event; nothing is kept but counts.

    Headers that may hold secrets are hidden unless `secrets`.
    """

    def __init__(self, file: TextIO, header: Header, *, secrets: bool = False) -> None:
        self._file = file
        self._secrets = secrets
        self.chunks = 0
        self.bytes = 0
        file.write(header.line())

    def head(self, time: int, status_code: int, headers: Mapping[str, str], cookies: Iterable[str] = ()) -> None:
        """Status, headers and cookies have come."""
        shown = {name: value if self._shows(name) else HIDDEN for name, value in headers.items()}
        kept = [cookie if self._secrets else f"{cookie.partition('=')[0]}={HIDDEN}" for cookie in cookies]
        self.event(Event(time, HEAD, {"status_code": status_code, "headers": shown, "cookies": kept}))

    def chunk(self, time: int, data: bytes) -> None:
        """A chunk has come."""
        self.chunks += 1
        self.bytes += len(data)
        self.event(chunk_event(time, data))

    def error(self, time: int, error_type: str, message: str) -> None:
        """The stream ends in an error, told in its trailers or its last event."""
        self.event(Event(time, ERROR, {"type": error_type, "message": message}))

    def end(self, time: int, reason: str, **more: Any) -> None:
        """The stream is over. `reason`: "end", "error", "timeout" or "disconnect"."""
        self.event(Event(time, END, {"reason": reason, "bytes": self.bytes, "chunks": self.chunks, **more}))

    def event(self, event: Event) -> None:
        """Write any event."""
        self._file.write(_line(list(event)))

    def _shows(self, name: str) -> bool:
        return self._secrets or name.lower() not in SECRET_HEADERS


def _line(value: object) -> str:
    line = json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
    # Half a character, which a header in JSON may hold and UTF-8 cannot, is escaped as JSON has it.
    return line if line.isascii() else line.encode("utf-8", "backslashreplace").decode("utf-8")


class RecordingReader:
    """Reads a recording: its `header` at once, its events when it is iterated, once and one line at a time.

    Raises RecordingError for what is damaged. A recording that stops without its end is none of that: `was_cut` is true
    afterwards, and all events up to there have been handed out.
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
    """The lines that say something, with their numbers. One without its end is cut."""
    for number, text in enumerate(lines, 1):
        if text.strip() and not text.startswith("#"):
            if not text.endswith("\n") and not _is_json(text):
                raise RecordingError(number, f"the line is cut: it ends with {text[-20:]!r}")
            yield number, text


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _parsed(number: int, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecordingError(number, f"no JSON: {error}") from None


def _header(number: int, text: str) -> Header:
    fields = _parsed(number, text) if text else None
    if not isinstance(fields, dict) or fields.pop("kind", None) != KIND:
        raise RecordingError(number, f'not a recording: the first line has no "kind": "{KIND}"')
    version = fields.pop("version", None)
    if version != VERSION or isinstance(version, bool):
        raise RecordingError(number, f"version {version!r} of the format; this program reads version {VERSION}")
    layer = fields.pop("layer", None)
    if layer not in LAYERS:
        raise RecordingError(number, f"layer {layer!r}; it is one of {', '.join(LAYERS)}")
    return Header(layer, fields)


def _event(number: int, text: str) -> Event:
    fields = _parsed(number, text)
    if not isinstance(fields, list) or len(fields) != 3:
        raise RecordingError(number, "an event is an array of three: microseconds, code, data")
    time, code, data = fields
    if not _is_count(time):
        raise RecordingError(number, f"the time is {time!r}; it is a whole number of microseconds, 0 or more")
    if not isinstance(code, str):
        raise RecordingError(number, f"the code is {code!r}; it is a string")
    if code == TEXT:
        _check_text(number, data)
    elif code == BASE64:
        _check_base64(number, data)
    elif code in _FIELDS:
        _check_object(number, code, data)
    return Event(time, code, data)


def _check_text(number: int, data: object) -> None:
    if not isinstance(data, str):
        raise RecordingError(number, f"a text chunk is a string, not {type(data).__name__}")
    try:
        data.encode("utf-8")
    except UnicodeEncodeError:
        raise RecordingError(number, "a text chunk holds half a character; such bytes are written in base64") from None


def _check_base64(number: int, data: object) -> None:
    if not isinstance(data, str):
        raise RecordingError(number, f"a chunk in base64 is a string, not {type(data).__name__}")
    try:
        b64decode(data, validate=True)
    except ValueError as error:
        raise RecordingError(number, f"the chunk is not base64: {error}") from None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_text(value: object) -> bool:
    return isinstance(value, str)


# What the objects must hold, and what each field must be.
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
        "bytes": (_is_count, "a whole number"),
        "chunks": (_is_count, "a whole number"),
    },
}


def _check_object(number: int, code: str, data: object) -> None:
    for name, (is_right, kind) in _FIELDS[code].items():
        if not isinstance(data, dict) or name not in data:
            raise RecordingError(number, f"the data of {code!r} is an object with {name}, which is missing")
        if not is_right(data[name]):
            raise RecordingError(number, f"{name} is {data[name]!r}; it is {kind}")
