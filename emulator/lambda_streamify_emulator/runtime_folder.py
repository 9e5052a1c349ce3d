"""The folder that stands for /var/runtime: on AWS it brings boto3, so here it holds links to the emulator's own."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from re import match


def make_runtime_folder(folder: Path) -> Path:
    """Fill `folder` with boto3 and what it needs, and nothing else."""
    folder.mkdir(parents=True)
    for name in _with_dependencies("boto3"):
        for top_level in _top_level(name):
            link = folder / top_level.name
            if not link.exists():
                link.symlink_to(top_level)
    return folder


def _with_dependencies(name: str) -> Iterator[str]:
    seen, waiting = set[str](), [name]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            requirements = distribution(name).requires or []
        except PackageNotFoundError:
            continue  # needed on other platforms only
        yield name
        for requirement in requirements:
            found = match(r"[\w.-]+", requirement)
            if found and "extra ==" not in requirement:
                waiting.append(found[0])


def _top_level(name: str) -> Iterator[Path]:
    installed = distribution(name)
    names = {file.parts[0] for file in installed.files or () if not file.parts[0].startswith((".", "_"))}
    for top_level in sorted(names):
        path = Path(str(installed.locate_file(top_level)))
        if path.suffix == ".py" or (path / "__init__.py").is_file():
            yield path
