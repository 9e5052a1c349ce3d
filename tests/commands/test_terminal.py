"""`streamify invoke` in a terminal, in a pipe, and where the terminal can do little."""

import os
import pty
import re
import subprocess
from contextlib import suppress

import pytest

from emulator_process import COMMAND, EmulatorProcess, environment
from waiting import TIMEOUT_S

PICTURE = re.compile(r"^([·─╎│┃█]{20,}|[.:|H#-]{20,}) \d+\.\d+ (ms|s)$", re.MULTILINE)
COLOURS = re.compile(r"\x1b\[[\d;]*m")


def shown(emulator: EmulatorProcess, *options: str, terminals: str = "out err", **variables: str) -> tuple[str, str]:
    """Return what an invocation writes to a terminal, and what to a pipe."""
    main, terminal = pty.openpty()
    event = '{"case": "answer", "response": "{\\"body\\": [\\"one\\", \\"two\\"]}"}'
    settings = {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24", **variables}
    process = subprocess.Popen(
        [COMMAND, "invoke", "cases", "--event", "-", *options],
        env=environment(None, AWS_ENDPOINT_URL_LAMBDA=emulator.lambda_api, **settings),
        stdin=subprocess.PIPE,
        stdout=terminal if "out" in terminals else subprocess.PIPE,
        stderr=terminal if "err" in terminals else subprocess.PIPE,
        text=True,
    )
    os.close(terminal)
    piped = "".join(filter(None, process.communicate(event, TIMEOUT_S)))
    read = b""
    with suppress(OSError):  # EIO: nobody has it open any more
        while part := os.read(main, 65536):
            read += part
    os.close(main)
    assert process.returncode == 0
    return read.decode().replace("\r\n", "\n"), piped


def test_in_a_terminal_the_timeline_is_drawn_in_colours(emulator: EmulatorProcess) -> None:
    screen, _ = shown(emulator)

    assert COLOURS.search(screen)
    plain = COLOURS.sub("", screen)
    (picture,) = PICTURE.finditer(plain)
    assert len(picture[0]) == 79
    assert plain.endswith("\n")
    assert "first byte " in plain.splitlines()[-1]


def test_it_is_drawn_where_the_messages_go_and_never_into_the_result(emulator: EmulatorProcess) -> None:
    screen, piped = shown(emulator, terminals="err")
    assert PICTURE.search(COLOURS.sub("", screen))
    assert re.fullmatch(r"( *\d+\.\d+ s  (one|two|onetwo)\n)+", piped)

    screen, piped = shown(emulator, terminals="out")
    assert not PICTURE.search(screen + piped)


@pytest.mark.parametrize(
    ("options", "variables"), [(["--no-timeline"], {}), (["--json"], {}), ([], {"TERM": "dumb"})], ids=str
)
def test_it_is_not_drawn_where_nobody_wants_it(
    emulator: EmulatorProcess, options: list[str], variables: dict[str, str]
) -> None:
    screen, _ = shown(emulator, *options, **variables)

    assert not PICTURE.search(COLOURS.sub("", screen))


def test_asked_for_it_is_drawn_anywhere_with_what_can_be_shown_there(emulator: EmulatorProcess) -> None:
    screen, _ = shown(emulator, "--timeline", TERM="dumb")
    assert PICTURE.search(screen)
    assert screen.isascii()

    _, piped = shown(emulator, "--timeline", terminals="", PYTHONIOENCODING="latin-1")
    assert PICTURE.search(piped)
    assert piped.isascii()


def test_who_wants_no_colours_gets_none(emulator: EmulatorProcess) -> None:
    screen, _ = shown(emulator, NO_COLOR="1")

    assert PICTURE.search(COLOURS.sub("", screen))
    assert not re.search(r"\x1b\[[\d;]*[34]\d", screen)  # bold and dim are no colours: no-color.org
