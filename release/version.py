"""The version: where it is written, and how a release sets it."""

import re
from pathlib import Path

from .errors import ReleaseError

PACKAGE = Path("layers/streamify/lambda_streamify/__init__.py")
# Three numbers, and for a trial "a", "b" or "rc" with a number: Semantic Versioning as PyPI spells it (PEP 440).
_FORM = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:(a|b|rc)(\d+))?")
_WRITTEN = [  # each place, and what precedes the version in it
    (PACKAGE, '__version__ = "'),
    (Path("template.yaml"), "    SemanticVersion: "),
    (Path("docs/tutorial/deploy.md"), "streamify-layer-"),
]


def read_version(root: Path) -> str:
    """Return the version of the package in a checkout, such as `0.1.0`."""
    found = re.search(r'^__version__ = "(.+)"$', (root / PACKAGE).read_text(), re.MULTILINE)
    if found is None:
        raise ReleaseError(f'{PACKAGE} has no line __version__ = "...": write one')
    return found[1]


def check_version(version: str) -> None:
    """Raise `ReleaseError` unless the version has the form `1.2.3`, or `1.2.3rc1` for a trial."""
    if _FORM.fullmatch(version) is None:
        raise ReleaseError(f"{version!r} is no version: write three numbers, as in make release VERSION=0.2.0")


def is_trial(version: str) -> bool:
    """Say whether a version is for trial only, such as `0.2.0rc1`."""
    found = _FORM.fullmatch(version)
    return found is not None and found[4] is not None


def order(version: str) -> tuple[int, int, int, str, int]:
    """Return what versions are sorted by: a trial comes before the version that it is for."""
    found = _FORM.fullmatch(version)
    if found is None:
        raise ReleaseError(f"{version!r} is no version of this project")
    major, minor, patch, kind, number = found.groups()
    return int(major), int(minor), int(patch), kind or "z", int(number or 0)


def set_version(root: Path, version: str) -> list[Path]:
    """Write the version into each place that names it; return these places, relative to `root`."""
    old = read_version(root)
    starters = sorted(path.relative_to(root) for path in root.glob("templates/*/cookiecutter.json"))
    places = [*_WRITTEN, *((starter, '"streamify_version": "==') for starter in starters)]
    for place, before in places:
        text = (root / place).read_text()
        if before + old not in text:
            raise ReleaseError(f"{place} does not contain {before + old!r}: write the version {old} there first")
        (root / place).write_text(text.replace(before + old, before + version))
    return sorted({place for place, _ in places})
