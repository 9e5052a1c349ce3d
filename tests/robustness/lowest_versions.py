"""Print requirements: the lowest versions that our extras allow, and the tools that the emulator's tests run with.

`make test-lowest` installs them. What those packages need in turn is pip's choice, as it is on a user's machine.
"""

from collections.abc import Iterable
from importlib.metadata import requires
from pathlib import Path

import tomli
from packaging.requirements import Requirement

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
DISTRIBUTION = "lambda-streamify"
EXTRAS = ("emulator", "load", "tls")
TOOLS = ("awslambdaric", "hypothesis", "jsonschema", "pytest", "pytest-xdist")


def lowest(requirement: Requirement) -> str:
    """Return the requirement with its lower bound as the only version."""
    bounds = [bound.version for bound in requirement.specifier if bound.operator == ">="]
    if len(bounds) != 1:
        raise SystemExit(f"{requirement.name} has no lower bound: say in pyproject.toml from which version on it works")
    return f"{requirement.name}=={bounds[0]}"


def wanted(lines: Iterable[str]) -> list[str]:
    """Return what to install, one requirement an item; `lines` are the package's own requirements."""
    found = list(map(Requirement, lines))
    group = map(Requirement, tomli.loads(PROJECT.read_text())["dependency-groups"]["dev"])
    tools = [tool for tool in group if tool.name in TOOLS and (tool.marker is None or tool.marker.evaluate())]
    lows = [lowest(line) for extra in EXTRAS for line in found if _is_of(extra, line)]
    return lows + [f"{tool.name}{tool.specifier}" for tool in tools]


def _is_of(extra: str, line: Requirement) -> bool:
    return line.marker is not None and line.marker.evaluate({"extra": extra})


if __name__ == "__main__":
    print("\n".join(wanted(requires(DISTRIBUTION) or [])))
