import io
import re

import pytest
from rich.console import Console

from lambda_streamify_emulator.terminal import terminal
from lambda_streamify_emulator.terminal.sparkline import ASCII, UNICODE, Glyphs


def test_results_go_to_standard_output_and_everything_else_to_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    terminal.chunk(1.5, "chunk")
    terminal.say("saying")
    terminal.complain("complaint")
    terminal.log("hello", "line")

    output, errors = capsys.readouterr()
    assert output == "   1.500 s  chunk\n"
    assert errors == "saying\nerror: complaint\nhello | line\n"


@pytest.mark.parametrize("text", ["[red]x[/red]", "[/]", ":smile:", "x" * 500, "a  b", "\\[x]"])
def test_text_is_printed_as_it_stands(capsys: pytest.CaptureFixture[str], text: str) -> None:
    terminal.log(text, text)
    terminal.complain(text)
    terminal.chunk(0, text)

    output, errors = capsys.readouterr()
    assert output == f"   0.000 s  {text}\n"
    assert errors == f"{text} | {text}\nerror: {text}\n"


def test_a_functions_line_keeps_its_tabs_and_loses_what_would_move_the_cursor(
    capsys: pytest.CaptureFixture[str],
) -> None:
    terminal.log("hello", "REPORT\tDuration: 1 ms\t\rgone\a \x1b[31mred\x1b[0m")

    assert capsys.readouterr().err == "hello | REPORT\tDuration: 1 ms\tgone \x1b[31mred\x1b[0m\n"


def test_the_name_before_a_functions_line_is_coloured_where_colours_are_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr(terminal, "ERR", Console(highlight=False, soft_wrap=True, stderr=True))
    terminal.log("hello", "line")

    assert screen.getvalue() == "\x1b[36mhello | \x1b[0mline\n"


def test_a_chunk_of_several_lines_is_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    class Pipe(io.StringIO):
        def write(self, text: str) -> int:
            written.extend([text] if text else [])
            return len(text)

    monkeypatch.setattr("sys.stdout", Pipe())
    terminal.chunk(0, "event: done\ndata: {}\n\n")

    assert written == ["   0.000 s  event: done\n            data: {}\n"]


def test_a_chunk_of_several_lines_is_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.chunk(12.3456, "one\n\ntwo\n")
    terminal.chunk(0, "\n")

    assert capsys.readouterr().out == "  12.346 s  one\n            \n            two\n   0.000 s  \n"


def test_a_sparkline_is_drawn_on_a_terminal_and_not_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not terminal.can_draw()

    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    assert terminal.can_draw()

    monkeypatch.setenv("TERM", "dumb")
    assert not terminal.can_draw()


HOSTILE = "a\x1b[2J\x9b31m\x7f\b\rb\tc\r\nd\n"


def test_a_terminal_gets_no_control_characters_of_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setattr("sys.stderr", screen)
    terminal.chunk(0, HOSTILE)
    terminal.complain("\x1b[2J")

    assert screen.getvalue() == ("   0.000 s  a\\x1b[2J\\x9b31m\\x7f\\x08\\x0db\tc\n            d\nerror: \\x1b[2J\n")


def test_with_raw_control_characters_are_printed_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    terminal.chunk(0, "a\x1b[2J\b\r\n", raw=True)

    assert screen.getvalue() == "   0.000 s  a\x1b[2J\b\r\n"


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("term", "encoding", "glyphs"),
    [("xterm", "utf-8", UNICODE), ("dumb", "utf-8", ASCII), ("xterm", "ascii", ASCII), ("xterm", "latin-1", ASCII)],
)
def test_a_sparkline_consists_of_characters_that_the_terminal_can_show(
    monkeypatch: pytest.MonkeyPatch, term: str, encoding: str, glyphs: Glyphs
) -> None:
    screen = Terminal()
    monkeypatch.setattr(Terminal, "encoding", encoding)
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("COLUMNS", "80")

    assert terminal.sparkline_room() == (79, glyphs)


def test_a_sparkline_is_coloured_where_colours_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    screens = []
    for no_color in ("", "1"):
        screens.append(Terminal())
        monkeypatch.setattr("sys.stderr", screens[-1])
        monkeypatch.setenv("NO_COLOR", no_color)
        monkeypatch.setattr(terminal, "ERR", Console(highlight=False, soft_wrap=True, stderr=True))
        terminal.print_sparkline(["·│─┃ ✗1 s", "figures"], UNICODE)

    coloured, plain = (screen.getvalue() for screen in screens)
    assert "\x1b[33m─" in coloured
    assert "\x1b[1;31m✗" in coloured
    assert not re.search(r"\x1b\[[\d;]*[34]\d", plain)  # bold and dim are no colours: no-color.org
    assert re.sub(r"\x1b\[[\d;]*m", "", plain) == "·│─┃ ✗1 s\nfigures\n"
