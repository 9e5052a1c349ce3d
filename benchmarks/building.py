"""Builds what is measured, and what measures, into a scratch folder."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
LAYER_SOURCE = HERE.parent / "layers" / "streamify"


def build_layer(scratch: Path) -> Path:
    """The folder that stands for /opt, filled by the layer's makefile and read-only as /opt is."""
    layer = scratch / "opt"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # so that it finds this Python for sure
    command = ["make", "-C", str(LAYER_SOURCE), "build-StreamifyLayer", f"ARTIFACTS_DIR={layer}"]
    _run(command, {**os.environ, "PATH": path})
    if not list(layer.rglob(f"*.{sys.implementation.cache_tag}.pyc")):
        raise RuntimeError("the layer was built without bytecode for this Python")
    for folder in [layer, *(path for path in layer.rglob("*") if path.is_dir())]:
        folder.chmod(0o555)
    return layer


def build_program(scratch: Path, name: str) -> Path:
    """The program that `c/NAME.c` is the source of."""
    program = scratch / name
    _run([os.environ.get("CC", "cc"), "-std=gnu17", "-O2", "-Wall", "-o", str(program), str(HERE / "c" / f"{name}.c")])
    return program


def bare_python(scratch: Path) -> Path:
    """A Python like this one with nothing installed: a developer's packages would start along with every client."""
    _run([sys.executable, "-m", "venv", "--without-pip", str(scratch / "bare")])
    return scratch / "bare" / "bin" / "python"


def zipped_kb(layer: Path, *, bytecode: bool) -> float:
    """The size of the layer as an archive, in thousands of bytes."""
    archive = layer.parent / "layer.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as written:
        for path in sorted(layer.rglob("*")):
            if path.is_file() and (bytecode or path.suffix != ".pyc"):
                written.write(path, path.relative_to(layer))
    return archive.stat().st_size / 1000


def zipped_start_kb(layer: Path, python: Path) -> float:
    """The size of an archive of the sources that every start loads, in thousands of bytes."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import lambda_streamify._runtime.bootstrap; "
        "print(*(module.__file__ for name, module in sys.modules.items() if name.startswith('lambda_streamify')))"
    )
    command = [str(python), "-B", "-c", code, str(layer / "python")]
    files = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split()
    archive = layer.parent / "start.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as written:
        for file in map(Path, files):
            written.write(file, file.relative_to(layer))
    return archive.stat().st_size / 1000


def pythons_with_bytecode(layer: Path) -> list[str]:
    """The versions of Python that the layer ships bytecode for, such as 3.11."""
    tags = {path.name.split(".")[-2].removeprefix("cpython-") for path in layer.rglob("*.pyc")}
    return [f"{tag[0]}.{tag[1:]}" for tag in sorted(tags)]


def _run(command: list[str], env: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command} exited {done.returncode}:\n{done.stdout}{done.stderr}")
