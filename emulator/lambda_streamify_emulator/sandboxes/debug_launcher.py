"""Runs a script to which a debugger can attach: python debug_launcher.py PORT FOLDER SCRIPT [ARGUMENT...].

FOLDER contains debugpy. The launcher runs in sandboxes, so it imports nothing of the emulator. A wrapper may put
options for the interpreter before SCRIPT; the interpreter has already started, so they are ignored.
"""

import importlib
import runpy
import sys
from pathlib import Path


def main() -> None:
    """Listen for a debugger, then run the script."""
    port, folder, *rest = sys.argv[1:]
    while rest[0].startswith("-"):
        rest.pop(0)
    sys.path[0] = folder
    importlib.import_module("debugpy").listen(("127.0.0.1", int(port)))
    sys.path[0] = str(Path(rest[0]).absolute().parent)
    sys.argv = rest
    runpy.run_path(rest[0], run_name="__main__")


if __name__ == "__main__":
    main()
