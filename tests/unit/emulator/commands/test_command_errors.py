import sys

import pytest
import typer

from lambda_streamify_emulator.commands.errors import reporting_errors
from lambda_streamify_emulator.errors import EmulatorError


def status_of(error: BaseException) -> int:
    with pytest.raises(typer.Exit) as raised, reporting_errors():
        raise error
    return int(raised.value.exit_code)


def test_an_error_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(EmulatorError("no [such] thing")) == 2
    assert capsys.readouterr().err == "error: no [such] thing\n"


def test_an_interrupt_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == ""


def test_a_closed_output_is_no_error_message(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closable:
        closed = False

        def close(self) -> None:
            self.closed = True

    output, errors = Closable(), Closable()
    monkeypatch.setattr(sys, "stdout", output)
    monkeypatch.setattr(sys, "stderr", errors)

    assert status_of(BrokenPipeError()) == 1
    assert output.closed
    assert errors.closed


def test_other_exceptions_are_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), reporting_errors():
        raise ZeroDivisionError
