"""Runs makefiles as `sam build` does: the target is `build-` and the logical id, in a copy of the folder.

The Makefile itself is not the copy but the original, so that `$(MAKEFILE_LIST)` contains its path in the project, as
with SAM (aws-lambda-builders, workflows/custom_make).
"""

import os
from filecmp import cmp
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

from ..errors import BuildError
from .programs import Run

METHOD = "makefile"
MAKEFILE = "Makefile"


def is_to_be_made(method: str | None, folder: Path) -> bool:
    """Whether make must build the folder. A folder without a Makefile has already been built by `sam build`."""
    return method == METHOD and (folder / MAKEFILE).is_file()


def make(what: str, logical_id: str, folder: Path, *, cwd: Path, artifacts: Path, run: Run) -> None:
    """Run the Makefile of `folder`; the target writes to `artifacts`. `what` names the resource in error messages.

    Raises BuildError if make is not installed or fails.
    """
    # If the emulator itself runs under make, these variables would change what this make does.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    target = f"build-{logical_id}"
    command = ["make", "--makefile", str(folder / MAKEFILE), target]
    try:
        done = run(command, cwd=cwd, env={**environment, "ARTIFACTS_DIR": str(artifacts)})
    except FileNotFoundError:
        raise BuildError(f"{what} is built by make, which is not installed") from None
    if done.returncode:
        raise BuildError(f"{what}: `make {target}` failed:\n{done.stdout.rstrip()}")


def made_task_root(logical_id: str, code: Path, root: Path, run: Run) -> Path:
    """Build a function with the Makefile of `code` in the folder `root`, and return that.

    The function is built each time, because the Makefile may read files from anywhere in the project. Files that it
    only copies are replaced by links, so that the next sandbox runs an edited file.
    """
    root.mkdir(parents=True)
    with TemporaryDirectory(prefix="function-", dir=root.parent) as scratch:
        copy = Path(scratch) / "source"
        try:
            copytree(code, copy, symlinks=True)
        except OSError as error:  # includes shutil.Error, with a reason for each file
            raise BuildError(f"the function {logical_id} cannot be copied: {error}") from error
        make(f"the function {logical_id}", logical_id, code, cwd=copy, artifacts=root, run=run)
    for path in list(root.rglob("*")):
        original = code / path.relative_to(root)
        if path.is_file() and original.is_file() and cmp(path, original, shallow=False):
            path.unlink()
            path.symlink_to(original)
    return root
