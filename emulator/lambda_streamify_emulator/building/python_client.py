"""AWS's runtime client for Python, awslambdaric, from PyPI. It has a compiled part, so once for each interpreter."""

from pathlib import Path

from ..caching.cache import build_once
from .installers import find_installer, install_packages
from .programs import Run
from .steps import Steps

CLIENT = "awslambdaric"
VERSION = "4.2.2"  # the one that docs/reference/parity.md compares the layer with


def fetch_client(python: Path, version: str, steps: Steps, run: Run) -> Path:
    """Return the folder in the cache with the client for `python`, whose `version` is such as "python3.12".

    Installs it first if it is not there. Raises BuildError if that fails.
    """

    def build(folder: Path) -> None:
        what = f"{CLIENT} {VERSION} for {version} with {find_installer().name}"
        with steps.installing(what, f"installing {CLIENT}"):
            install_packages(f"{CLIENT} for {version}", [f"{CLIENT}=={VERSION}"], folder, run, python)

    # The folder of the interpreter's environment is named after the version and the path of the interpreter.
    return build_once(f"{CLIENT}-{VERSION}-{python.parent.parent.name}", build)
