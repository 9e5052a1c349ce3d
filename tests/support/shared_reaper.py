"""One reaper for the sandboxes of all tests of a process, as an emulator has one for all of its sandboxes."""

import atexit
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from lambda_streamify_emulator.processes.reaper import Reaper


@cache
def shared_reaper() -> Reaper:
    """Return it; it ends with this process."""
    reaper = Reaper(Path(mkdtemp()))
    atexit.register(reaper.close)
    return reaper
