"""Reports the errors of a command: one line on standard error, and a nonzero exit status."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import typer

from ..errors import EmulatorError
from ..terminal import terminal


@contextmanager
def reporting_errors() -> Iterator[None]:
    """Exit with 2 for an EmulatorError, 130 for Ctrl-C, and 1 if the reader of the output has closed it."""
    try:
        yield
    except EmulatorError as error:
        terminal.complain(str(error))
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except BrokenPipeError:
        # Closing the streams here suppresses Python's own message about the broken pipe.
        for stream in (sys.stderr, sys.stdout):
            with suppress(BrokenPipeError):
                stream.close()
        raise typer.Exit(1) from None
