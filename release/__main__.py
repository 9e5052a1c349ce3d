"""The commands of a release; the Makefile's targets run them, and RELEASING.md says when."""

import argparse
import json
import sys
from pathlib import Path

from .artifacts import make_artifacts, require_tag, write_notes
from .building import SUPPORTED
from .changelog import section
from .errors import ReleaseError
from .interpreters import version_of
from .layer_arns import record
from .layer_settings import layer_settings
from .preparing import REGIONS, prepare
from .publishing import publish_everywhere
from .version import is_trial, read_version

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Run the command that the arguments name; return its exit status."""
    arguments = _arguments()
    try:
        {
            "prepare": _prepare,
            "artifacts": _artifacts,
            "notes": _notes,
            "publish-layer": _publish_layer,
        }[arguments.command](arguments)
    except ReleaseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m release", description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository")
    commands = parser.add_subparsers(dest="command", required=True)
    preparing = commands.add_parser("prepare", help="commit, tag and build a version")
    preparing.add_argument("version", nargs="?", default="")
    preparing.add_argument("--dry-run", action="store_true", help="keep neither the commit nor the tag")
    building = commands.add_parser("artifacts", help="build the files of the commit that is checked out")
    building.add_argument("--tag", help="the tag, which must name the package's version")
    for command in (preparing, building):
        command.add_argument("--out", type=Path, required=True, help="the folder of the files; it is emptied first")
        command.add_argument("--pythons", default="", help="interpreters that write the layer's bytecode")
    notes = commands.add_parser("notes", help="print the section of the changelog")
    notes.add_argument("version")
    publishing = commands.add_parser("publish-layer", help="publish the layer's zip in each region")
    publishing.add_argument("archive", type=Path)
    publishing.add_argument(
        "--regions", default="", help="regions, separated by spaces; by default all of regions.json"
    )
    return parser.parse_args()


def _prepare(arguments: argparse.Namespace) -> None:
    pythons, versions = _pythons(arguments.pythons)
    prepare(
        arguments.root,
        arguments.version,
        out=arguments.out,
        pythons=pythons,
        versions=versions,
        dry_run=arguments.dry_run,
        say=print,
    )


def _artifacts(arguments: argparse.Namespace) -> None:
    version = read_version(arguments.root) if arguments.tag is None else require_tag(arguments.root, arguments.tag)
    if arguments.tag is not None:
        section((arguments.root / "CHANGELOG.md").read_text(), version)  # the notes: better missed now than at the end
    pythons, versions = _pythons(arguments.pythons)
    make_artifacts(arguments.root, "HEAD", arguments.out, version=version, pythons=pythons, versions=versions)
    if arguments.tag is not None:
        write_notes(arguments.root, arguments.out, version)
    print((arguments.out / "SHA256SUMS").read_text(), end="")


def _pythons(given: str) -> tuple[str, tuple[str, ...]]:
    """Return the interpreters, and the versions that the layer must have bytecode for: all, or those that are named."""
    names = given.split()
    return (given, tuple(map(version_of, names))) if names else (" ".join(f"python{v}" for v in SUPPORTED), SUPPORTED)


def _notes(arguments: argparse.Namespace) -> None:
    print(section((arguments.root / "CHANGELOG.md").read_text(), arguments.version), end="")


def _publish_layer(arguments: argparse.Namespace) -> None:
    import boto3

    version = read_version(arguments.root)
    if arguments.archive.name != f"streamify-layer-{version}.zip" or is_trial(version):
        raise ReleaseError(f"{arguments.archive.name} is not the layer of {version}, or this is a trial version")
    regions = arguments.regions.split() or json.loads(REGIONS.read_text())
    settings = layer_settings(arguments.root)
    arns = publish_everywhere(
        arguments.archive, settings, regions, lambda region: boto3.client("lambda", region_name=region)
    )
    record(arguments.root, version, arns)
    print("\n".join(arns.values()))


if __name__ == "__main__":
    sys.exit(main())
