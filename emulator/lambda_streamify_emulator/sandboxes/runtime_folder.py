"""The folder that stands for /var/runtime: what the emulator's own environment has of what lies there on AWS.

That is boto3 and, if it is installed, AWS's runtime client for Python, awslambdaric, with the script that starts it.
"""

import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from re import match

from . import aws_bootstrap

CLIENT = "awslambdaric"
OWN_VERSION = f"python{sys.version_info[0]}.{sys.version_info[1]}"


def make_runtime_folder(folder: Path, opt: Path, version: str) -> Path:
    """Fill `folder` for functions that run on the Python `version`, such as "python3.12"; their layers are in `opt`."""
    folder.mkdir(parents=True)
    wanted = ["boto3"] if lacks_client(version) else ["boto3", CLIENT]
    for name in _with_dependencies(*wanted):
        for top_level in _top_level(name):
            link = folder / top_level.name
            if not link.exists():
                link.symlink_to(top_level)
    # A copy, not a link: Python puts the folder that a script really lies in on its search path.
    script = Path(aws_bootstrap.__file__).read_text(encoding="utf-8")
    (folder / "bootstrap.py").write_text(script.replace('OPT = "/opt"', f"OPT = {str(opt)!r}"), encoding="utf-8")
    return folder


def lacks_client(version: str) -> str | None:
    """Why AWS's runtime client does not run on the Python `version`; None if it does."""
    try:
        distribution(CLIENT)
    except PackageNotFoundError:
        return f"{CLIENT} is not installed beside the emulator: pip install {CLIENT}"
    if version != OWN_VERSION:  # a part of it is compiled
        return f"{CLIENT} is installed here for {OWN_VERSION}, and the function runs on {version}"
    return None


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
    for top_level in sorted(names):
        path = Path(str(installed.locate_file(top_level)))
        if path.suffix in (".py", ".so") or (path / "__init__.py").is_file():
            yield path
