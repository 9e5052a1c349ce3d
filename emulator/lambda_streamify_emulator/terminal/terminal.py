"""The output of the commands for people. rich chooses colours by the terminal and by NO_COLOR (no-color.org)."""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

from rich.console import Console
from rich.control import strip_control_codes
from rich.text import Text

from .sparkline import ASCII, UNICODE, Glyphs

OUT = Console(highlight=False, soft_wrap=True)
ERR = Console(highlight=False, soft_wrap=True, stderr=True)
# Characters that a terminal obeys instead of showing them (ECMA-48: C0, DEL and C1), except tabs and newlines.
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_IS_JSON: ContextVar[bool] = ContextVar("_IS_JSON", default=False)


@contextmanager
def messages(*, as_json: bool) -> Iterator[None]:
    """Print the messages of the block as text, or each as a JSON object on a line of its own."""
    token = _IS_JSON.set(as_json)
    try:
        yield
    finally:
        _IS_JSON.reset(token)


def json_line(value: object) -> str:
    """Return JSON with every control character escaped; JSON itself requires that only for C0."""
    return CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


def _message(level: str, text: str) -> bool:
    """Print a message as JSON if that is the format; return whether it is."""
    if _IS_JSON.get():
        ERR.file.write(json_line({"type": "message", "level": level, "message": text}) + "\n")
    return _IS_JSON.get()


def say(text: str) -> None:
    """Print a progress message to standard error, because it is not part of the result."""
    if not _message("info", text):
        ERR.print(Text(_harmless(text, ERR), style="dim"))


def complain(text: str) -> None:
    """Print why a command cannot go on."""
    if not _message("error", text):
        ERR.print(Text.assemble(("error: ", "bold red"), _harmless(text, ERR)))


def warn(text: str) -> None:
    """Print what the user should know before the command goes on."""
    if not _message("warning", text):
        ERR.print(Text.assemble(("warning: ", "bold yellow"), _harmless(text, ERR)))


def finding(where: str, severity: str, text: str, fix: str | None) -> None:
    """A mistake in a file, with what to write there; or without, if it is no part of the result."""
    console = ERR if fix is None else OUT
    if console is ERR and _message(severity, f"{where}: {text}"):
        return
    style = {"error": "bold red", "warning": "bold yellow"}.get(severity, "bold")
    console.print(Text.assemble(f"{_harmless(where, console)}: ", (f"{severity}: ", style), _harmless(text, console)))
    if fix is not None:
        console.print(Text(f"    write: {_harmless(fix, console)}".replace("\n", "\n" + " " * 11), style="dim"))


def log(name: str, line: str) -> None:
    """Print a line that a function printed, with its tabs.

    rich does not lay it out: for three lines per invocation, that took a quarter of the emulator's own time.
    """
    ERR.file.write(f"{styled(ERR, f'{name} | ', 'cyan')}{strip_control_codes(line)}\n")


@cache
def styled(console: Console, text: str, style: str) -> str:
    """Return the text with the codes of the style, if the console shows colours. Use this for few different texts."""
    return _styled(console, text, style)


def _styled(console: Console, text: str, style: str) -> str:
    with console.capture() as captured:
        console.print(Text(text, style=style), end="")
    return captured.get()


def chunk(seconds: float, text: str, *, raw: bool = False) -> None:
    """Print a chunk of a response, without trailing line breaks, and the seconds since the request began.

    On a terminal, control characters are printed as Python escapes, so that a stream cannot move the cursor. With `raw`
    they are printed as they are.
    """
    lines = (text if raw else _harmless(text, OUT)).rstrip("\n").replace("\n", "\n" + " " * 12)
    # One write, because another process may write to this terminal too: its lines must not come between these.
    OUT.file.write(f"{_styled(OUT, f'{seconds:8.3f} s  ', 'dim')}{lines}\n")
    OUT.file.flush()


def _harmless(text: str, console: Console) -> str:
    if not console.file.isatty():
        return strip_control_codes(text)
    return CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", text.replace("\r\n", "\n"))


def can_draw() -> bool:
    """Return whether standard error is a terminal that can show a sparkline."""
    return sys.stderr.isatty() and not ERR.is_dumb_terminal


def sparkline_room() -> tuple[int, Glyphs]:
    """Return the largest width of a sparkline, and the characters that standard error can show."""
    plain = ERR.is_dumb_terminal or not ERR.encoding.startswith("utf")
    return max(1, ERR.width - 1), ASCII if plain else UNICODE  # some terminals wrap a full line


def print_sparkline(lines: list[str], glyphs: Glyphs) -> None:
    """Print a sparkline to standard error, because it is not part of the result."""
    *drawn, figures = lines
    for line in drawn:
        text = Text(line, style="dim")
        text.highlight_regex(f"[{glyphs.chunk}{glyphs.several}{glyphs.many}{glyphs.head}]+", "not dim bold")
        text.highlight_regex(f"{glyphs.gap}+", "not dim yellow")
        text.highlight_regex(glyphs.failed, "not dim bold red")
        ERR.print(text)
    ERR.print(Text(figures, style="dim"))
