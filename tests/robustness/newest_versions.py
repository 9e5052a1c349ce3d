"""Print requirements: everything that the project's groups pin, without the pins.

`make test-newest` installs them, to find out what a newer version breaks before a user does.
"""

from collections.abc import Iterable
from pathlib import Path

import tomli
from packaging.requirements import Requirement

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
GROUPS = ("dev", "ecosystem")


def unpinned(lines: Iterable[str]) -> list[str]:
    """Return each package that this Python installs, with its extras and without its version."""
    wanted = [line for line in map(Requirement, lines) if line.marker is None or line.marker.evaluate()]
    return sorted({f"{line.name}[{','.join(sorted(line.extras))}]" if line.extras else line.name for line in wanted})


if __name__ == "__main__":
    groups = tomli.loads(PROJECT.read_text())["dependency-groups"]
    print("\n".join(unpinned(line for group in GROUPS for line in groups[group])))
