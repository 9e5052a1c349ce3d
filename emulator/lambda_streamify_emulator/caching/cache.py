"""The user's cache folder: results of slow builds, each under a name that identifies its sources."""

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from threading import Lock, RLock

from ..errors import BuildError

_LOCK = Lock()
_BUILDING: dict[Path, RLock] = {}  # by the folder that is built


def cache_folder() -> Path:
    """Return the folder in STREAMIFY_CACHE_DIR, else the one of the XDG Base Directory Specification."""
    explicit = os.environ.get("STREAMIFY_CACHE_DIR")
    if explicit:
        return Path(explicit)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lambda-streamify"


def build_once(name: str, build: Callable[[Path], None]) -> Path:
    """Return the folder `name` of the cache; if it does not exist, `build` fills it first.

    `build` is called with an empty folder. It may raise. Threads wait for each other, but two processes may run it at
    the same time: the folder gets its name only when it is complete. Raises BuildError if the cache folder cannot be
    created.
    """
    folder = cache_folder() / name
    with _LOCK:
        building = _BUILDING.setdefault(folder, RLock())
    with building:
        _build_if_absent(folder, build)
    return folder


def _build_if_absent(folder: Path, build: Callable[[Path], None]) -> None:
    if not folder.exists():
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            scratch = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        except OSError as error:
            message = (
                f"cannot use the cache {folder.parent}: {error.strerror}; set STREAMIFY_CACHE_DIR to another folder"
            )
            raise BuildError(message) from error
        try:
            build(scratch)
            scratch.rename(folder)
        except OSError:
            if not folder.exists():  # else another process was faster
                raise
        finally:
            rmtree(scratch, ignore_errors=True)


def content_key(folder: Path) -> str:
    """Return a hash of the content of `folder`: names, modes and contents of its files, without Python's bytecode."""
    key = sha256()
    for path in sorted(folder.rglob("*")):
        if "__pycache__" in path.parts:
            continue
        key.update(f"{path.relative_to(folder)}\0{path.lstat().st_mode}\0".encode("utf-8", "surrogateescape"))
        if path.is_symlink():
            key.update(os.fsencode(path.readlink()))
        elif path.is_file():
            key.update(sha256(path.read_bytes()).digest())
    return key.hexdigest()[:16]
