"""The files in a folder of an image, which is read without being run."""

import subprocess
import tarfile
from dataclasses import dataclass
from tarfile import TarError

from ..errors import BuildError
from ..processes.reaper import OWN_GROUP
from ..template.images import Image
from .engine import Engine, client_environment

# Writes the folder as an archive, or nothing if the image has none. The container that it makes never starts.
_READ = """
made=$("$0" create --pull never --label lambda-streamify "$1" none) || exit 1
"$0" cp --follow-link "$made:$2" - 2> /dev/null
"$0" rm "$made" > /dev/null
"""
_ANYONES_EXECUTE = 0o111


@dataclass(frozen=True)
class ImageFile:
    """A file in a folder."""

    name: str
    is_executable: bool


def files_in(engine: Engine, image: Image, folder: str) -> tuple[ImageFile, ...]:
    """Return the files in this folder of the image, none if it has no such folder. Raises BuildError."""
    command = ["/bin/sh", "-c", _READ, engine.program, image.uri, folder]
    with subprocess.Popen(
        command,
        env=client_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        **OWN_GROUP,
    ) as process:
        assert process.stdout is not None
        found = []
        if process.stdout.peek(1):  # type: ignore[attr-defined]  # it is a BufferedReader
            try:
                with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
                    found = [file for member in archive if (file := _file(member)) is not None]
            except TarError as error:
                raise BuildError(f"Docker cannot read {folder} of the image {image.uri}: {error}") from error
    if process.returncode:
        raise BuildError(f"Docker cannot read {folder} of the image {image.uri}")
    return tuple(found)


def _file(member: tarfile.TarInfo) -> ImageFile | None:
    """Return the file, if it is directly in the folder, which is the first part of its path."""
    _, _, name = member.name.partition("/")
    if not name or "/" in name or member.isdir():
        return None
    return ImageFile(name, member.issym() or bool(member.mode & _ANYONES_EXECUTE))
