"""The wheel as a release has it, and environments with it in which nothing else is installed than what is named."""

import importlib.metadata
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement

from processes import ROOT, run


def export_project(export: Path) -> Path:
    """Return the folder, filled with what git has or would add: what a clone holds, not what lies about."""
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for name in listed:
        if (ROOT / name).is_file():
            (export / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, export / name)
    return export


def build_wheel(export: Path, dist: Path) -> Path:
    """Return the wheel, built from an export of the project."""
    export_project(export)
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", dist, cwd=export)
    (built,) = dist.iterdir()
    return built


def make_environment(folder: Path, wheel: Path, distributions: Iterable[str]) -> Path:
    """Return the folder of executables of a new virtual environment with the wheel and these, and what they need."""
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel)
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    for name in set[str]().union(*map(_with_dependencies, distributions)):
        _link_distribution(name, packages)
    return folder / "bin"


def extra_distributions(extra: str) -> list[str]:
    """Return the names of the distributions that an extra of ours adds."""
    lines = map(Requirement, importlib.metadata.requires("lambda-streamify") or [])
    return [line.name for line in lines if line.marker is not None and line.marker.evaluate({"extra": extra})]


def _with_dependencies(name: str) -> set[str]:
    found, waiting = set[str](), [name]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            lines = map(Requirement, importlib.metadata.requires(name) or [])
            waiting += [line.name for line in lines if line.marker is None or line.marker.evaluate({"extra": ""})]
    return found


def _link_distribution(name: str, packages: Path) -> None:
    """Linked from the environment that runs the tests: nothing is fetched."""
    distribution = importlib.metadata.distribution(name)
    for top in {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
        if not (packages / top).exists():
            (packages / top).symlink_to(Path(str(distribution.locate_file(top))))
