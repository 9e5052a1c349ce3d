"""Everything that a release publishes, in one folder: packages, layer, checksums, bill of materials."""

import shutil
from pathlib import Path

from .building import build_twice, digests, require_bytecode
from .changelog import section
from .errors import ReleaseError
from .sbom import bill_of_materials
from .version import read_version

PACKAGES, LAYER = "packages", "layer"


def make_artifacts(
    root: Path, commit: str, out: Path, *, version: str, pythons: str, versions: tuple[str, ...]
) -> Path:
    """Build the files of `commit` into the new folder `out`; return the layer's zip.

    `out/packages` holds what PyPI gets and `out/layer` the layer's zip; beside them are `SHA256SUMS`, the bill of
    materials and the release notes. `pythons` are the interpreters that write the layer's bytecode, and `versions` are
    those that it must have bytecode for.
    """
    if out.exists():
        shutil.rmtree(out)
    built = out / "built"
    files = build_twice(root, commit, built, pythons)
    (archive,) = (file for file in files if file.suffix == ".zip")
    require_bytecode(archive, versions)
    (out / f"{archive.stem.replace('-layer', '')}.cdx.json").write_text(bill_of_materials(built, version))
    sums = [f"{digest}  {name}\n" for name, digest in digests(built).items()]
    (out / "SHA256SUMS").write_text("".join(sums))
    for file in files:
        place = out / (LAYER if file == archive else PACKAGES)
        place.mkdir(exist_ok=True)
        file.rename(place / file.name)
    built.rmdir()
    return out / LAYER / archive.name


def write_notes(root: Path, out: Path, version: str) -> None:
    """Write the release notes: the section of the changelog, and how to check a file."""
    said = section((root / "CHANGELOG.md").read_text(), version)
    check = "Check a downloaded file with `sha256sum --check --ignore-missing SHA256SUMS`.\n"
    (out / "NOTES.md").write_text(f"{said}\n{check}")


def require_tag(root: Path, tag: str) -> str:
    """Return the version of the checkout; raises `ReleaseError` unless it is the one that the tag names."""
    version = read_version(root)
    if tag != f"v{version}":
        raise ReleaseError(f"the tag is {tag}, and the package's version is {version}: tags come from make release")
    return version
