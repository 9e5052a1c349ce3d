"""Runs a script with a debugger's door open: python debug_launcher.py PORT FOLDER SCRIPT [ARGUMENT...].

FOLDER is where debugpy lies. It runs in sandboxes: it imports nothing of the emulator. Options for the interpreter,
which a wrapper may put before SCRIPT, come too late and are passed over.
"""

import importlib
import runpy
import sys
from pathlib import Path


def main() -> None:
    """Open the door, then be the script."""
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
