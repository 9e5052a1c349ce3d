"""The file in which a plan is kept while it is carried out, and until it is taken back.

It is replaced as a whole for each step, and is on the disk before the step begins: after a power cut it says what may
have been done. It holds the names and the previous values of the variables that the layer needs, and no others.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from ..errors import AttachError
from .plan import Plan

_VERSION = 1


def default_path(function: str) -> Path:
    """Return where the plan of a function is kept unless the user names another file."""
    return Path(f"streamify-attach-{function}.json")


class PlanFile:
    """Reads and writes a plan. Raises AttachError that names the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> Plan | None:
        """Return the plan, None if there is no file."""
        try:
            fields = json.loads(self.path.read_text(encoding="utf-8"))
            if fields["version"] != _VERSION:
                raise AttachError(f"{self.path}: it was written by a later version of streamify")
            return Plan.from_json(fields["plan"])
        except FileNotFoundError:
            return None
        except OSError as error:
            raise AttachError(f"{self.path} cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise AttachError(
                f"{self.path} is not a plan of streamify: name another file by --plan-file, or remove it; "
                "without it the tags of the function say what was attached"
            ) from error

    def save(self, plan: Plan) -> None:
        """Put the plan in the place of the file, all of it or nothing, and on the disk."""
        folder = self.path.parent
        try:
            with NamedTemporaryFile(
                "w", encoding="utf-8", dir=folder, prefix=f".{self.path.name}.", delete=False
            ) as to:
                try:
                    json.dump({"version": _VERSION, "plan": plan.as_json()}, to, indent=1)
                    to.write("\n")
                    to.flush()
                    os.fsync(to.fileno())
                    Path(to.name).replace(self.path)
                except BaseException:
                    Path(to.name).unlink(missing_ok=True)
                    raise
            _sync(folder)
        except OSError as error:
            raise AttachError(f"the plan file {self.path} cannot be written: {error.strerror}") from error

    def remove(self) -> None:
        """Remove the file, if there is one."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise AttachError(f"{self.path} cannot be removed: {error.strerror}") from error


def _sync(folder: Path) -> None:
    """Put the file's name on the disk too (fsync(2): a file's directory needs an fsync of its own)."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
