"""What makefiles build, run as `sam build` runs them: the target `build-` and the logical id, in a copy of the folder.

The Makefile itself is the original one: `$(MAKEFILE_LIST)` tells it where its folder lies in the project, as with SAM
(aws-lambda-builders, workflows/custom_make).
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
    """Whether a BuildMethod and a folder ask for make. Without a Makefile it is what `sam build` has made already."""
    return method == METHOD and (folder / MAKEFILE).is_file()


def make(what: str, logical_id: str, folder: Path, *, cwd: Path, artifacts: Path, run: Run) -> None:
    """Have the Makefile of `folder` put the target's output into `artifacts`; `what` is said of a failure."""
    # What `make` tells its own children would change what this one does.
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
    """The folder `root` with the function that `code`'s Makefile builds.

    It is built each time: what a Makefile takes from elsewhere in the project cannot be known. Files that it has only
    copied are linked, so that an edited one is the one that the next sandbox runs.
    """
    root.mkdir(parents=True)
    with TemporaryDirectory(prefix="function-", dir=root.parent) as scratch:
        copy = Path(scratch) / "source"
        try:
            copytree(code, copy, symlinks=True)
        except OSError as error:  # shutil.Error is one, with a reason for each file
            raise BuildError(f"the function {logical_id} cannot be copied: {error}") from error
        make(f"the function {logical_id}", logical_id, code, cwd=copy, artifacts=root, run=run)
    for path in list(root.rglob("*")):
        original = code / path.relative_to(root)
        if path.is_file() and original.is_file() and cmp(path, original, shallow=False):
            path.unlink()
            path.symlink_to(original)
    return root
