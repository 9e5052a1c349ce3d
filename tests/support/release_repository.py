"""A repository that holds what this one does, to make a release in."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from built_wheel import export_project
from processes import clean_environment, run

VERSION = "98.7.6"


@dataclass(frozen=True)
class Repository:
    """A clone with one commit."""

    root: Path

    def git(self, *arguments: str) -> str:
        return run("git", *arguments, cwd=self.root).strip()

    def make(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run `make` with these arguments as a person does, with the environment of the tests."""
        variables = [f"PYTHONS={sys.executable}", f"DIST={self.root.parent / 'dist'}"]
        return subprocess.run(
            ["make", *arguments, *variables],
            cwd=self.root,
            env=clean_environment(**environment),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    @property
    def state(self) -> tuple[str, str, str]:
        """What a release may change: the branch, the tags, the files."""
        return self.git("rev-parse", "HEAD"), self.git("tag"), self.git("status", "--porcelain")


def make_repository(folder: Path) -> Repository:
    """Return a new repository in `folder` with the project's files; its environment is the one that runs the tests."""
    repository = Repository(export_project(folder / "clone"))
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.git("config", "user.name", "Test")
    repository.git("config", "user.email", "test@example.org")
    (repository.root / ".venv" / "bin").mkdir(parents=True)
    (repository.root / ".venv" / "bin" / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (repository.root / ".venv" / "bin" / "python").chmod(0o755)
    (repository.root / ".venv" / ".dev").touch()
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--message", "The project")
    return repository


@dataclass(frozen=True)
class Made:
    """The same release twice: tried, and made."""

    repository: Repository
    before: tuple[str, str, str]
    after_trial: tuple[str, str, str]
    trial: Path
    files: Path
    printed: str
