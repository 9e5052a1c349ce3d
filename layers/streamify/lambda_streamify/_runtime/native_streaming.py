"""Notices that AWS's own runtime client, awslambdaric, streams, which none did up to version 4.2.2.

Whatever AWS calls its interface, a client that streams has to name the header that the AWS Lambda Developer Guide,
"Building a custom runtime", requires for it. So the files of the client are searched for the header. The client is not
imported, since that runs its code. The runtime looks after the first response, so that no caller waits for it. Unless
the version is newer than the last one that is known not to stream, it reads only the version.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LAST_WITHOUT = (4, 2, 2)  # read in its source
_HEADER = b"lambda-runtime-function-response-mode"


def streaming_client(folders: "Iterable[object]") -> "tuple[str, str] | None":
    """Return version and folder of the first awslambdaric in `folders`, or None if it does not stream.

    `folders` are such as `sys.path`. A client that cannot be read counts as one that does not stream.
    """
    for folder in folders:
        if not isinstance(folder, str):
            continue  # as Python's import does
        package = os.path.join(folder, "awslambdaric")
        try:
            version = _version(package)
            if version and _numbers(version) <= _LAST_WITHOUT:
                return None
            return (version, folder) if any(map(_names_header, _files(folder, package))) else None
        except (OSError, ValueError):
            continue
    return None


def _version(package: str) -> str:
    with open(os.path.join(package, "__init__.py"), encoding="utf-8") as file:
        return file.read().partition('__version__ = "')[2].partition('"')[0]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))


def _files(folder: str, package: str) -> "Iterator[str]":
    """Yield the client's modules, and its compiled part, which is beside the package."""
    for parent, prefix in (package, ""), (folder, "runtime_client"):
        for name in os.listdir(parent):
            if name.startswith(prefix) and name.endswith((".py", ".so")):
                yield os.path.join(parent, name)


def _names_header(path: str) -> bool:
    with open(path, "rb") as file:
        return _HEADER in file.read().lower()
