"""What is slow to make and stays good, kept in the user's cache folder under a name that says what it is made from."""

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from ..errors import BuildError


def cache_folder() -> Path:
    """STREAMIFY_CACHE_DIR, else the place that the XDG Base Directory Specification names."""
    explicit = os.environ.get("STREAMIFY_CACHE_DIR")
    if explicit:
        return Path(explicit)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lambda-streamify"


def build_once(name: str, build: Callable[[Path], None]) -> Path:
    """The folder `name` of the cache, filled by `build` if it is not there yet.

    `build` fills the folder that it is given. It may raise, and two processes may run it at once: only a complete
    folder ever gets the name.
    """
    folder = cache_folder() / name
    if not folder.exists():
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            scratch = Path(mkdtemp(prefix=f".{name}-", dir=folder.parent))
        except OSError as error:
            message = f"{folder.parent} cannot hold the cache: {error.strerror}; choose a folder by STREAMIFY_CACHE_DIR"
            raise BuildError(message) from error
        try:
            build(scratch)
            scratch.rename(folder)
        except OSError:
            if not folder.exists():  # else another process was first
                raise
        finally:
            rmtree(scratch, ignore_errors=True)
    return folder


def content_key(folder: Path) -> str:
    """A name for what `folder` holds: the names, modes and contents of its files, but for Python's bytecode."""
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
