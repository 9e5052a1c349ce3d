"""Unpacks zip archives of code and layers as Lambda does, with modes and links. Each content is unpacked only once."""

import stat
from hashlib import sha256
from pathlib import Path
from zipfile import BadZipFile, ZipFile, ZipInfo

from ..errors import BuildError
from .cache import build_once


def unpack_once(archive: Path) -> Path:
    """Return a folder in the cache with the content of `archive`. It is shared: do not change it.

    Raises BuildError if the archive cannot be unpacked.
    """
    try:
        key = sha256(archive.read_bytes()).hexdigest()[:16]
        return build_once(f"archive-{key}", lambda folder: _unpack(archive, folder))
    except (BadZipFile, NotImplementedError, OSError, RuntimeError, ValueError) as error:
        # RuntimeError: the archive is encrypted. NotImplementedError: zipfile does not support its compression.
        raise BuildError(f"{archive}: it cannot be unpacked: {error}") from error


def _unpack(archive: Path, folder: Path) -> None:
    with ZipFile(archive) as opened:
        links = {}
        for entry in opened.infolist():
            place = Path(opened.extract(entry, folder))  # extract() never leaves the folder
            if stat.S_ISLNK(_mode(entry)):
                links[place] = opened.read(entry).decode("utf-8")
            elif not entry.is_dir() and _mode(entry):
                place.chmod(stat.S_IMODE(_mode(entry)) | stat.S_IRUSR | stat.S_IWUSR)
        for place, target in links.items():  # last, so that nothing is written through a link
            place.unlink()
            place.symlink_to(target)


def _mode(entry: ZipInfo) -> int:
    """Return the file's Unix mode; 0 if the archive comes from a system without them."""
    return entry.external_attr >> 16
