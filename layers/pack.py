"""Packs a built layer into the zip that Lambda takes: the same files give the same bytes, wherever and whenever.

    python layers/pack.py FOLDER ZIP

prints the zip's SHA-256 as `sha256sum` does, and writes it beside the zip, where `sha256sum --check` finds it.
"""

import hashlib
import stat
import sys
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

# The earliest that a zip can say. A layer's files keep no times: their bytecode is not checked against them.
EPOCH = (1980, 1, 1, 0, 0, 0)
UNIX = 3  # PKWARE's APPNOTE 4.4.2.2: whose modes are in the upper half of external_attr


def pack(folder: Path, archive: Path) -> str:
    """Write the files of `folder` into `archive`, sorted by name; return the SHA-256 of what was written."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    with ZipFile(archive, "w", ZIP_DEFLATED) as packed:
        for name, path in sorted(files.items()):
            entry = ZipInfo(name, EPOCH)
            entry.compress_type, entry.create_system = ZIP_DEFLATED, UNIX
            # Of the builder's modes only one counts: what Lambda executes.
            mode = 0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644
            entry.external_attr = (stat.S_IFREG | mode) << 16
            packed.writestr(entry, path.read_bytes())
    return hashlib.sha256(archive.read_bytes()).hexdigest()


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    line = f"{pack(source, target)}  {target.name}"
    target.with_name(f"{target.name}.sha256").write_text(f"{line}\n")
    print(line)
