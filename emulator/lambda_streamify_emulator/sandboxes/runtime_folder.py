"""The folder that replaces /var/runtime: the packages that are there on AWS.

They are boto3 and AWS's runtime client for Python, awslambdaric, with the script that starts it. They come from the
emulator's own environment. If the client is not there, or not for the function's Python, it is linked when a function
needs it.
"""

import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from re import match

from ..building.python_client import CLIENT
from . import aws_bootstrap

OWN_VERSION = f"python{sys.version_info[0]}.{sys.version_info[1]}"


def make_runtime_folder(folder: Path, opt: Path, version: str) -> Path:
    """Create and return `folder`, for functions that run on `version`, such as "python3.12", with layers in `opt`."""
    folder.mkdir(parents=True)
    wanted = ["boto3", CLIENT] if has_client(version) else ["boto3"]
    for name in _with_dependencies(*wanted):
        _link(folder, _top_level(name))
    # A copy, not a link: Python resolves links before it puts the script's folder on its search path.
    script = Path(aws_bootstrap.__file__).read_text(encoding="utf-8")
    (folder / "bootstrap.py").write_text(script.replace('OPT = "/opt"', f"OPT = {str(opt)!r}"), encoding="utf-8")
    return folder


def has_client(version: str) -> bool:
    """Whether the emulator's environment has AWS's runtime client for the Python `version`. It has a compiled part."""
    try:
        distribution(CLIENT)
    except PackageNotFoundError:
        return False
    return version == OWN_VERSION


def link_client(folder: Path, client: Path) -> None:
    """Link the packages that are installed in the folder `client` into the runtime folder `folder`."""
    _link(folder, _packages(path for path in client.iterdir() if not path.name.startswith((".", "_"))))


def _with_dependencies(*names: str) -> Iterator[str]:
    seen, waiting = set[str](), [*names]
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
    return _packages(Path(str(installed.locate_file(top_level))) for top_level in names)


def _packages(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the paths that Python can import."""
    for path in sorted(paths):
        if path.suffix in (".py", ".so") or (path / "__init__.py").is_file():
            yield path


def _link(folder: Path, paths: Iterable[Path]) -> None:
    for path in paths:
        with suppress(FileExistsError):  # a package that both need, or that another function has linked
            (folder / path.name).symlink_to(path)
