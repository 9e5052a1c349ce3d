"""The event that a command is given: a file, or standard input."""

import json
import sys
from pathlib import Path

from ..errors import EmulatorError


def read_event(path: Path) -> bytes:
    """The event's JSON, as it stands; - is standard input. Raises EmulatorError for what is none."""
    try:
        event = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        json.loads(event)
    except OSError as error:
        raise EmulatorError(f"the event {path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise EmulatorError(f"the event {path} is not JSON: {error}") from error
    return event
