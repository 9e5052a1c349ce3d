"""Zip archives of code and of layers, unpacked as Lambda does it, with modes and links, and once for each content."""

import stat
from hashlib import sha256
from pathlib import Path
from zipfile import BadZipFile, ZipFile, ZipInfo

from ..errors import BuildError
from .cache import build_once


def unpacked(archive: Path) -> Path:
    """The folder with what `archive` holds. It lies in the cache, and is shared: nobody may change it."""
    try:
        key = sha256(archive.read_bytes()).hexdigest()[:16]
        return build_once(f"archive-{key}", lambda folder: _unpack(archive, folder))
    except (BadZipFile, NotImplementedError, OSError, RuntimeError, ValueError) as error:
        # RuntimeError: it is encrypted. NotImplementedError: compressed in a way that zipfile does not know.
        raise BuildError(f"{archive}: it cannot be unpacked: {error}") from error


def _unpack(archive: Path, folder: Path) -> None:
    with ZipFile(archive) as opened:
        links = {}
        for entry in opened.infolist():
            place = Path(opened.extract(entry, folder))  # which keeps within the folder whatever the name says
            if stat.S_ISLNK(_mode(entry)):
                links[place] = opened.read(entry).decode("utf-8")
            elif not entry.is_dir() and _mode(entry):
                place.chmod(stat.S_IMODE(_mode(entry)) | stat.S_IRUSR | stat.S_IWUSR)
        for place, target in links.items():  # when all is written: nothing is written through one, not even a link
            place.unlink()
            place.symlink_to(target)


def _mode(entry: ZipInfo) -> int:
    """The file's Unix mode; 0 if the archive was made where there is none."""
    return entry.external_attr >> 16
