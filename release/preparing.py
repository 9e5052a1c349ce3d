"""`make release`: a release as one commit and one tag, made aside and kept only if everything has passed."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

from .artifacts import make_artifacts, write_notes
from .building import SUPPORTED
from .changelog import close_unreleased
from .checkouts import checkout, git, require_clean, require_new_tag, tags
from .errors import ReleaseError
from .layer_settings import layer_settings
from .rehearsal import rehearse
from .version import check_version, order, set_version

REGIONS = Path(__file__).with_name("regions.json")


def prepare(
    root: Path,
    version: str,
    *,
    out: Path,
    pythons: str,
    versions: tuple[str, ...],
    dry_run: bool,
    say: Callable[[str], None],
) -> None:
    """Make the release of `version` in the repository `root`; its files go to `out`.

    With `dry_run` the same is done, and neither the branch nor a tag is changed. Raises `ReleaseError`, and then
    nothing has been changed either.
    """
    tag = f"v{version}"
    check_version(version)
    require_clean(root)
    require_new_tag(root, tag)
    _require_newer(root, version)
    with checkout(root) as folder:
        commit = _commit(folder, version)
        changed = git(folder, "show", "--name-only", "--format=", commit).split()
        say(f"the commit changes {', '.join(changed)}")
        archive = make_artifacts(root, commit, out, version=version, pythons=pythons, versions=versions)
        write_notes(folder, out, version)
        if lacking := [version for version in SUPPORTED if version not in versions]:
            say(f"this layer has no bytecode for Python {', '.join(lacking)}; release.yml builds it again with all")
        say("built twice, the same bytes:\n" + (out / "SHA256SUMS").read_text().rstrip())
        regions = json.loads(REGIONS.read_text())
        arns = rehearse(archive, layer_settings(folder), regions)
        say(f"rehearsed on moto: the layer is public in {len(arns)} regions, {next(iter(arns.values()))} ...")
    if dry_run:
        say(f"dry run: no commit and no tag were kept. The files are in {out}")
        return
    git(root, "merge", "--quiet", "--ff-only", commit)
    git(root, "tag", "--annotate", tag, commit, "--message", f"lambda-streamify {version}")
    say(f"committed and tagged {tag}. The files are in {out}\nnext, publish it: git push origin HEAD {tag}")


def _commit(folder: Path, version: str) -> str:
    """Commit the version and the changelog in a checkout; return the commit."""
    today = dt.datetime.now(tz=dt.timezone.utc).date().isoformat()
    changelog = folder / "CHANGELOG.md"
    changelog.write_text(close_unreleased(changelog.read_text(), version, today))
    git(folder, "add", "CHANGELOG.md", *set_version(folder, version))
    git(folder, "commit", "--quiet", "--no-verify", "--message", f"Release {version}")
    return git(folder, "rev-parse", "HEAD")


def _require_newer(root: Path, version: str) -> None:
    released = [tag.removeprefix("v") for tag in tags(root)]
    newest = max(released, key=order, default=None)
    if newest is not None and order(version) <= order(newest):
        raise ReleaseError(f"{version} is not newer than {newest}, which is released: choose a higher version")
