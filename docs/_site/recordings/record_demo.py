"""Records `make demo` in a terminal, as asciicast version 2: a line of settings, then [seconds, "o", text].

    .venv/bin/python docs/_site/recordings/record_demo.py

Run it twice: the first run installs what the demo needs, and the recording would show that.
"""

import fcntl
import json
import os
import pty
import struct
import termios
import time
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
COLUMNS, ROWS = 96, 30


def main() -> None:
    """Run the command, and write what it prints."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(ROOT)
        environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(ROWS)}
        os.execvpe("make", ["make", "--silent", "demo"], environment)  # noqa: S606, S607 - the one on PATH
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    settings = {"version": 2, "width": COLUMNS, "height": ROWS, "title": "make demo"}
    began, lines = time.monotonic(), [json.dumps(settings)]
    while text := _read(terminal):
        lines.append(json.dumps([round(time.monotonic() - began, 3), "o", text]))
    os.waitpid(process, 0)
    (HERE / "demo.cast").write_text("\n".join(lines) + "\n")


def _read(terminal: int) -> str:
    """Return what was printed; "" at the end, where Linux raises an error."""
    try:
        return os.read(terminal, 1 << 16).decode()
    except OSError:
        return ""


if __name__ == "__main__":
    main()
