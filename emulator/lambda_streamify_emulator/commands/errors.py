"""How the errors of a command reach people: one line on standard error and an exit status that is not zero."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from ..errors import EmulatorError
from . import terminal


@contextmanager
def errors_told() -> Iterator[None]:
    """Exit with 2 for an error, 130 for Ctrl-C, 1 if nobody reads the output any more."""
    try:
        yield
    except EmulatorError as error:
        terminal.complain(str(error))
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has left; nobody wants to hear of it
        raise typer.Exit(1) from None
