"""Reads the event of a command from a file or standard input."""

import json
import sys
from pathlib import Path

from ..errors import EmulatorError


def read_event(path: Path) -> bytes:
    """Return the event's JSON, unchanged. The path - is standard input. Raises EmulatorError if it is not JSON."""
    try:
        event = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        json.loads(event)
    except OSError as error:
        raise EmulatorError(f"the event {path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise EmulatorError(f"the event {path} is not JSON: {error}") from error
    return event
