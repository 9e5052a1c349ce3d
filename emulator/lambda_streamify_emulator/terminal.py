"""What the commands print for people. Colours follow the terminal and NO_COLOR (no-color.org), as rich has it."""

from rich.console import Console
from rich.text import Text

OUT = Console(highlight=False, soft_wrap=True)
ERR = Console(highlight=False, soft_wrap=True, stderr=True)


def say(text: str) -> None:
    """A line about what goes on; not part of the result, so it goes to standard error."""
    ERR.print(Text(text, style="dim"))


def complain(text: str) -> None:
    """Why a command cannot go on."""
    ERR.print(Text.assemble(("error: ", "bold red"), text))


def log(name: str, line: str) -> None:
    """A line that a function printed."""
    ERR.print(Text.assemble((f"{name} | ", "cyan"), line))


def chunk(seconds: float, text: str) -> None:
    """A chunk of a response, with the time since the request began; the line breaks at its end are not shown."""
    first, *rest = text.rstrip("\n").split("\n")
    OUT.print(Text.assemble((f"{seconds:8.3f} s  ", "dim"), first))
    for line in rest:
        OUT.print(Text(" " * 12 + line))
