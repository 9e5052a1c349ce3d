"""The repository: what has to be true before a release, and folders that hold one commit and nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from .commands import run
from .errors import ReleaseError


def git(root: Path, *arguments: str | Path) -> str:
    """Return what git prints in the folder `root`."""
    return run("git", *arguments, cwd=root)


def require_clean(root: Path) -> None:
    """Raise `ReleaseError` if something is not committed: a release is made from what everybody can get."""
    changed = git(root, "status", "--porcelain")
    if changed:
        raise ReleaseError(f"these files are not committed; commit or remove them:\n{changed}")


def require_new_tag(root: Path, tag: str) -> None:
    """Raise `ReleaseError` if the tag exists."""
    if git(root, "tag", "--list", tag):
        raise ReleaseError(f"the tag {tag} exists: choose another version, for a published one never changes")


def tags(root: Path) -> list[str]:
    """Return the tags of releases, such as `v0.1.0`."""
    return git(root, "tag", "--list", "v[0-9]*").split()


@contextmanager
def checkout(root: Path, commit: str = "HEAD") -> Iterator[Path]:
    """Give a new folder with the files of one commit. It is removed at the end; commits made in it stay."""
    with TemporaryDirectory(prefix="release-") as scratch:
        folder = Path(scratch).resolve() / "checkout"
        git(root, "worktree", "add", "--quiet", "--detach", folder, commit)
        try:
            yield folder
        finally:
            git(root, "worktree", "remove", "--force", folder)
