import io
import json
import logging
from pathlib import Path

import pytest
from rich.console import Console

from exchanges import exchanged
from lambda_streamify_emulator.errors import LogFileError
from lambda_streamify_emulator.terminal import terminal
from lambda_streamify_emulator.terminal.serve_log import ServeLog, serve_log

ID = "0123abcd-0123-4567-89ab-0123456789ab"
ROUTINE = [
    f"START RequestId: {ID} Version: $LATEST",
    f"END RequestId: {ID}",
    f"REPORT RequestId: {ID}\tDuration: 1.00 ms\t",
]
TIMED_OUT = f"REPORT RequestId: {ID}\tDuration: 1.00 ms\tStatus: timeout"


def test_lines_of_functions_have_their_names_and_requests_are_lines(capsys: pytest.CaptureFixture[str]) -> None:
    log = ServeLog()

    log.line("chat", "printed")
    log.request(exchanged(b"x"))

    assert capsys.readouterr().err == ("chat | printed\nPOST /chat 200 3.2 s first byte 0.31 s 1 chunk 1 B  chat\n")


def test_a_request_that_runs_has_no_line_yet(capsys: pytest.CaptureFixture[str]) -> None:
    exchange = exchanged()
    exchange.ending = None

    ServeLog().request(exchange)

    assert capsys.readouterr().err == ""


def test_quiet_leaves_what_functions_print_and_problems(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with serve_log(as_json=False, quiet=True, path=tmp_path / "log") as log:
        for line in (*ROUTINE, TIMED_OUT, "START of mine"):
            log.line("chat", line)
        log.request(exchanged())
        log.request(exchanged(status=502))

    assert capsys.readouterr().err == (f"chat | {TIMED_OUT}\nchat | START of mine\nPOST /chat 502 3.2 s  chat\n")
    assert (tmp_path / "log").read_text().splitlines() == [
        *ROUTINE,
        TIMED_OUT,
        "START of mine",
        "POST /chat 200 3.2 s  chat",
        "POST /chat 502 3.2 s  chat",
    ]


def test_the_file_gets_lines_as_they_were_printed_after_those_that_it_has(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("before\n")

    with serve_log(as_json=False, quiet=False, path=path) as log:
        log.line("chat", '{"level": "INFO"}')
        log.line("chat", "\udc80")  # a byte of a function's that is no UTF-8
        assert path.read_text() == 'before\n{"level": "INFO"}\n\\udc80\n'


def test_with_json_each_line_is_an_object(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with (
        terminal.messages(as_json=True),
        serve_log(as_json=True, quiet=False, path=tmp_path / "log") as log,
    ):
        log.line("chat", "a\x1bb\x9b")
        log.request(exchanged(b"x"))
        terminal.say("starting")
        terminal.warn("careful")
        terminal.finding("template.yaml:3", "error", "wrong [rule]", None)
        logging.getLogger("a.library").warning("of %s", "a library")
        terminal.complain("over")

    text = capsys.readouterr().err
    lines = [json.loads(line) for line in text.splitlines()]
    assert not terminal.CONTROLS.search(text.replace("\n", ""))
    assert [line["type"] for line in lines] == ["log", "request", *["message"] * 5]
    assert (lines[0]["function"], lines[0]["message"], lines[0]["time"][-1]) == ("chat", "a\x1bb\x9b", "Z")
    assert lines[1]["status"] == 200
    assert [(line["level"], line["message"]) for line in lines[2:]] == [
        ("info", "starting"),
        ("warning", "careful"),
        ("error", "template.yaml:3: wrong [rule]"),
        ("warning", "of a library"),
        ("error", "over"),
    ]
    assert [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()] == lines[:2]


def test_messages_are_text_again_after_the_block(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.messages(as_json=True), serve_log(as_json=True, quiet=False, path=None):
        pass
    terminal.say("text")

    assert capsys.readouterr().err == "text\n"


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    path = tmp_path / "absent" / "log"

    with (
        pytest.raises(LogFileError, match=f"^--log-file {path}: No such file or directory$"),
        serve_log(as_json=False, quiet=False, path=path),
    ):
        pass


def test_a_full_disk_ends_the_file_and_not_the_emulator(capsys: pytest.CaptureFixture[str]) -> None:
    with serve_log(as_json=False, quiet=False, path=Path("/dev/full")) as log:
        log.line("chat", "one")
        log.line("chat", "two")

    assert capsys.readouterr().err == (
        "chat | one\nwarning: the log file /dev/full gets no further lines: No space left on device\nchat | two\n"
    )


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("no_color", "coloured"), [(None, True), ("1", False)])
def test_a_terminal_shows_the_status_in_colour_unless_no_color_is_set(
    monkeypatch: pytest.MonkeyPatch,
    no_color: str | None,
    coloured: bool,  # noqa: FBT001
) -> None:
    screen = Screen()
    monkeypatch.setenv("TERM", "xterm-256color")
    if no_color is not None:
        monkeypatch.setenv("NO_COLOR", no_color)
    console = Console(highlight=False, soft_wrap=True, file=screen)
    monkeypatch.setattr(terminal, "ERR", console)

    ServeLog().request(exchanged())

    expected = "\x1b[32m200\x1b[0m" if coloured else "200"
    assert screen.getvalue() == f"POST /chat {expected} 3.2 s  chat\n"
