"""The modules below a folder, and where their bytecode belongs."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

# Quotas of AWS Lambda, "Deployment package (.zip file archive) size": 250 MB for the function and its layers, unzipped.
UNPACKED_LIMIT_BYTES = 250 * 1024**2
CACHE = "__pycache__"


def modules(folder: Path) -> Iterator[Path]:
    """Yield the Python sources below `folder`, in the order of their paths. Links to folders are not followed."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != CACHE)
        for name in sorted(names):
            if name.endswith(".py") and Path(parent, name).is_file():  # not a link to nothing
                yield Path(parent, name)


def bytecode_file(source: Path, runtime: str) -> Path:
    """Return where Python looks for the bytecode of `source` (PEP 3147).

    >>> bytecode_file(Path("app.py"), "python3.13")
    PosixPath('__pycache__/app.cpython-313.pyc')
    """
    tag = runtime.removeprefix("python").replace(".", "")
    return source.parent / CACHE / f"{source.stem}.cpython-{tag}.pyc"


def without_bytecode(sources: Iterable[Path], runtimes: Iterable[str]) -> list[Path]:
    """Return those of the sources for which a file of bytecode is missing for one of the runtimes."""
    wanted = list(runtimes)
    return [source for source in sources if not all(bytecode_file(source, name).is_file() for name in wanted)]


def unpacked_bytes(folder: Path) -> int:
    """Return the size of the files below `folder`."""
    return sum(Path(parent, name).lstat().st_size for parent, _, names in os.walk(folder) for name in names)
