"""What the commands print for people. Colours follow the terminal and NO_COLOR (no-color.org), as rich has it."""

import sys
from functools import cache

from rich.console import Console
from rich.control import strip_control_codes
from rich.text import Text

from .strip import ASCII, UNICODE, Signs

OUT = Console(highlight=False, soft_wrap=True)
ERR = Console(highlight=False, soft_wrap=True, stderr=True)


def say(text: str) -> None:
    """A line about what goes on; not part of the result, so it goes to standard error."""
    ERR.print(Text(text, style="dim"))


def complain(text: str) -> None:
    """Why a command cannot go on."""
    ERR.print(Text.assemble(("error: ", "bold red"), text))


def warn(text: str) -> None:
    """What the user should know before anything happens."""
    ERR.print(Text.assemble(("warning: ", "bold yellow"), text))


def log(name: str, line: str) -> None:
    """A line that a function printed, with its tabs.

    Not laid out by rich: for three lines an invocation, that took a quarter of what the emulator does for one.
    """
    ERR.file.write(f"{_coloured(ERR, f'{name} | ')}{strip_control_codes(line)}\n")


@cache
def _coloured(console: Console, text: str) -> str:
    with console.capture() as captured:
        console.print(Text(text, style="cyan"), end="")
    return captured.get()


def chunk(seconds: float, text: str) -> None:
    """A chunk of a response, with the time since the request began; the line breaks at its end are not shown."""
    lines = text.rstrip("\n").replace("\n", "\n" + " " * 12)
    # Printed at once: another process writes to this terminal too, and its lines must not come between these.
    OUT.print(Text.assemble((f"{seconds:8.3f} s  ", "dim"), lines))


def draws() -> bool:
    """Whether standard error is a terminal that a picture can be drawn on, and nobody has asked for plain lines."""
    return sys.stderr.isatty() and not ERR.is_dumb_terminal


def room() -> tuple[int, Signs]:
    """How many characters a line of a picture may have, and which ones standard error can show."""
    plain = ERR.is_dumb_terminal or not ERR.encoding.startswith("utf")
    return max(1, ERR.width - 1), ASCII if plain else UNICODE  # some terminals break a line that is full


def picture(lines: list[str], signs: Signs) -> None:
    """A strip: on standard error, for it is no part of the result."""
    *drawn, figures = lines
    for line in drawn:
        text = Text(line, style="dim")
        text.highlight_regex(f"[{signs.chunk}{signs.several}{signs.many}{signs.head}]+", "not dim bold")
        text.highlight_regex(f"{signs.gap}+", "not dim yellow")
        text.highlight_regex(signs.failed, "not dim bold red")
        ERR.print(text)
    ERR.print(Text(figures, style="dim"))
