"""Layers, built as `sam build` builds them and merged as Lambda merges them: one folder that stands for /opt."""

import importlib.util
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

from .cache import build_once, content_key
from .errors import BuildError
from .programs import Run
from .template import Layer


def assemble(layers: Iterable[Layer], opt: Path, run: Run) -> None:
    """Put the layers into `opt`, later ones over earlier ones. What is made on the way lies beside it."""
    opt.mkdir(parents=True)
    for layer in layers:
        with TemporaryDirectory(prefix="layer-", dir=opt.parent) as scratch:
            try:
                _merge(_build(layer, Path(scratch), run), opt)
            except OSError as error:  # shutil.Error is one, with a reason for each file
                raise BuildError(f"the layer {layer.logical_id} cannot be copied: {error}") from error


def _merge(layer: Path, opt: Path) -> None:
    # copytree would write through a link that an earlier layer brought, and refuses to put a link over anything.
    for path in layer.rglob("*"):
        place = opt / path.relative_to(layer)
        if place.is_symlink() or place.is_file():
            place.unlink()
    copytree(layer, opt, symlinks=True, dirs_exist_ok=True)


def _build(layer: Layer, scratch: Path, run: Run) -> Path:
    """The folder with the layer's content, made in `scratch` where it has to be made."""
    if layer.content is None:
        _installed_layer(scratch)
        return scratch
    if layer.build_method == "makefile" and (layer.content / "Makefile").is_file():
        # As SAM does: in a copy of the content, and only the target's own output ships.
        source = scratch / "source"
        copytree(layer.content, source, symlinks=True)
        name = f"layer-{layer.logical_id}-{content_key(source)}"
        return build_once(name, lambda artifacts: _make(layer, source, artifacts, run))
    if layer.build_method in (None, "makefile"):  # plain content, or what `sam build` has built already
        return layer.content
    python = scratch / "python"
    copytree(layer.content, python, symlinks=True)
    if (python / "requirements.txt").is_file():
        install_requirements(python / "requirements.txt", python, run)
    return scratch


def _make(layer: Layer, source: Path, artifacts: Path, run: Run) -> None:
    # What `make` tells its own children would change what this one does.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", f"build-{layer.logical_id}"]
    try:
        done = run(command, cwd=source, env={**environment, "ARTIFACTS_DIR": str(artifacts)})
    except FileNotFoundError:
        raise BuildError(f"the layer {layer.logical_id} is built by make, which is not installed") from None
    if done.returncode:
        raise BuildError(f"the layer {layer.logical_id}: `{' '.join(command)}` failed:\n{done.stdout.rstrip()}")


def _installed_layer(opt: Path) -> None:
    """Put the layer of the installed wheel into `opt`. Its modules are found, not imported: they are judged here."""
    spec = importlib.util.find_spec("lambda_streamify")
    if spec is None or spec.origin is None:
        raise BuildError(
            "the package lambda_streamify is not installed beside the emulator: pip install lambda-streamify"
        )
    package = Path(spec.origin).parent
    modules = opt / "python" / "lambda_streamify"
    modules.mkdir(parents=True)
    entry, wrapper = package / "streamify-main.py", package / "streamify.sh"
    for file in (*sorted(package.glob("*.py")), package / "py.typed"):
        if file != entry:
            (modules / file.name).write_bytes(file.read_bytes())
    (opt / entry.name).write_bytes(entry.read_bytes())
    (opt / "streamify").write_bytes(wrapper.read_bytes())
    (opt / "streamify").chmod(0o755)


def install_requirements(requirements: Path, target: Path, run: Run, python: Path | None = None) -> None:
    """Install what `requirements` lists into the folder `target`, for the interpreter `python`."""
    interpreter = ["--python", str(python)] if python else []
    command = [sys.executable, "-m", "pip", *interpreter, "install", "--quiet", "--disable-pip-version-check"]
    done = run([*command, "--target", str(target), "--requirement", str(requirements)])
    if done.returncode:
        last = (done.stdout.strip().splitlines() or ["pip said nothing"])[-1]
        raise BuildError(f"{requirements}: pip could not install it: {last}")
