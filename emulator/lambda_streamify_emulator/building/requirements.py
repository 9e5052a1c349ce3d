"""What a requirements.txt asks for, installed by pip as `sam build` has it."""

import re
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from ..errors import BuildError
from .programs import Run

REQUIREMENTS = "requirements.txt"
# pip documentation, "Requirements File Format": other files that are read with it.
_INCLUDED = re.compile(r"\s*(?:-r|-c|--requirement|--constraint)[\s=]*([^\s#]+)")
_LOCAL = re.compile(r"\s*(?:[^\s#]+\s*@\s*file://|(?:-e|--editable)[\s=]+)?([^\s#;]+)")


def has_requirements(code: Path) -> bool:
    """Whether the folder asks for anything to be installed."""
    return any(line.strip() and not line.lstrip().startswith("#") for line in _lines(code / REQUIREMENTS))


def requirements_key(requirements: Path, python: Path) -> str:
    """A name for what comes of installing `requirements` for the interpreter `python`.

    The files that it includes count, and archives on this machine that it names.
    """
    key = sha256(str(python).encode())
    for file in _read_with(requirements, set()):
        key.update(sha256(file.read_bytes()).digest())
    return key.hexdigest()[:16]


def install(requirements: Path, target: Path, run: Run, python: Path | None = None) -> None:
    """Install what `requirements` lists into the folder `target`, for the interpreter `python`."""
    interpreter = ["--python", str(python)] if python else []
    command = [sys.executable, "-m", "pip", *interpreter, "install", "--quiet", "--disable-pip-version-check"]
    done = run([*command, "--target", str(target), "--requirement", str(requirements)])
    if done.returncode:
        last = (done.stdout.strip().splitlines() or ["pip said nothing"])[-1]
        raise BuildError(f"{requirements}: pip could not install it: {last}")


def _lines(requirements: Path) -> list[str]:
    try:
        return requirements.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise BuildError(f"{requirements} cannot be read: {error}") from error


def _read_with(requirements: Path, seen: set[Path]) -> Iterator[Path]:
    """The file and all that is read with it, each once. What is not there is for pip to name."""
    if requirements.resolve() in seen or not requirements.is_file():
        return
    seen.add(requirements.resolve())
    yield requirements
    for line in _lines(requirements):
        included = _INCLUDED.match(line)
        if included:
            yield from _read_with(requirements.parent / included[1], seen)
            continue
        local = _LOCAL.match(line)
        if local and Path(local[1]).is_file():  # relative to the working folder, as pip has it
            yield Path(local[1])
