"""The files of a release, built twice in different folders: the bytes must be the same."""

import hashlib
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

from .checkouts import checkout
from .commands import run
from .errors import ReleaseError

SUPPORTED = ("3.10", "3.11", "3.12", "3.13", "3.14")


def build_twice(root: Path, commit: str, out: Path, pythons: str) -> list[Path]:
    """Build the wheel, the sdist and the layer's zip of a commit into `out`, which has to be empty; return them.

    `pythons` names the interpreters that write the layer's bytecode, separated by spaces. Raises `ReleaseError` if
    two builds differ.
    """
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="release-again-") as scratch:
        again = Path(scratch)
        # Other folders and another umask: neither may show in the files.
        for folder, umask in ((out, 0o022), (again, 0o077)):
            with checkout(root, commit) as source:
                _build(source, folder.resolve(), pythons, umask)
        differing = [name for name, digest in digests(out).items() if digests(again).get(name) != digest]
    if differing:
        raise ReleaseError(f"two builds of {commit} differ in {', '.join(differing)}: find out why before a release")
    return sorted(out.iterdir())


def _build(source: Path, out: Path, pythons: str, umask: int) -> None:
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, source, cwd=source, umask=umask)
    with TemporaryDirectory(prefix="release-layer-") as scratch:
        names = [f"PYTHONS={pythons}", f"LAYER_PYTHONS={pythons}", f"PYTHON={sys.executable}"]
        run("make", "layer", f"DIST={scratch}", *names, cwd=source, umask=umask)
        (archive,) = Path(scratch).glob("*.zip")
        (out / archive.name).write_bytes(archive.read_bytes())


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file, by name."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def require_bytecode(archive: Path, versions: tuple[str, ...]) -> None:
    """Raise `ReleaseError` unless the layer's zip has bytecode of each module for each of these Python versions."""
    names = ZipFile(archive).namelist()
    modules = sum(name.startswith("python/") and name.endswith(".py") for name in names)
    found = {version: sum(name.endswith(f".{_tag(version)}.pyc") for name in names) for version in versions}
    missing = [version for version, count in found.items() if count != modules]
    if missing:
        raise ReleaseError(
            f"{archive.name} has no bytecode for Python {', '.join(missing)}: functions there would compile the layer"
            " at each cold start. Name the interpreters that there are:"
            " make release VERSION=... PYTHONS='python3.10 python3.11 ...'"
        )


def _tag(version: str) -> str:
    return f"cpython-{version.replace('.', '')}"
