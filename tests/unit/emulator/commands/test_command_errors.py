import sys

import pytest
import typer

from lambda_streamify_emulator.commands.errors import errors_told
from lambda_streamify_emulator.errors import EmulatorError


def status_of(error: BaseException) -> int:
    with pytest.raises(typer.Exit) as raised, errors_told():
        raise error
    return int(raised.value.exit_code)


def test_an_error_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(EmulatorError("no [such] thing")) == 2
    assert capsys.readouterr().err == "error: no [such] thing\n"


def test_an_interrupt_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == ""


def test_a_reader_that_has_left_hears_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closable:
        closed = False

        def close(self) -> None:
            self.closed = True

    stream = Closable()
    monkeypatch.setattr(sys, "stderr", stream)

    assert status_of(BrokenPipeError()) == 1
    assert stream.closed


def test_a_mistake_of_the_program_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), errors_told():
        raise ZeroDivisionError
