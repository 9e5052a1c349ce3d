"""Builds layers as `sam build` does, and merges them as Lambda does into one folder, which replaces /opt."""

import importlib.util
from collections.abc import Callable, Iterable
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

from ..caching.cache import build_once, content_key
from ..errors import BuildError, InterpreterError
from ..processes.interpreters import find_interpreter
from ..template.reader import Layer
from .installers import find_installer
from .makefiles import METHOD, is_to_be_made, make
from .programs import Run
from .requirements import REQUIREMENTS, has_requirements, install, requirements_key
from .steps import Steps


def assemble(layers: Iterable[Layer], opt: Path, run: Run, say: Callable[[str], None] = lambda _: None) -> None:
    """Put the layers into `opt`, later ones over earlier ones; `say` reports steps that take long.

    Raises BuildError if a layer cannot be built or copied.
    """
    opt.mkdir(parents=True)
    for layer in layers:
        with TemporaryDirectory(prefix="layer-", dir=opt.parent) as scratch:
            try:
                _merge(_build(layer, Path(scratch), run, say), opt)
            except OSError as error:  # includes shutil.Error, with a reason for each file
                raise BuildError(f"the layer {layer.logical_id} cannot be copied: {error}") from error


def _merge(layer: Path, opt: Path) -> None:
    # copytree would write through a link of an earlier layer, and refuses to replace a file by a link.
    for path in layer.rglob("*"):
        place = opt / path.relative_to(layer)
        if place.is_symlink() or place.is_file():
            place.unlink()
    copytree(layer, opt, symlinks=True, dirs_exist_ok=True)


def _build(layer: Layer, scratch: Path, run: Run, say: Callable[[str], None]) -> Path:
    """Return the folder with the layer's content, built if necessary; `scratch` is a folder for that."""
    if layer.content is None:
        installed_layer(scratch)
        return scratch
    if is_to_be_made(layer.build_method, layer.content):
        # The layer contains only the output of the target.
        content, source = layer.content, scratch / "source"
        copytree(content, source, symlinks=True)
        id_, what = layer.logical_id, f"the layer {layer.logical_id}"
        name = f"layer-{id_}-{content_key(source)}"
        return build_once(name, lambda folder: make(what, id_, content, cwd=source, artifacts=folder, run=run))
    if layer.build_method in (None, METHOD):  # plain content, or content that is already built
        return layer.content
    try:
        python = find_interpreter(layer.build_method).python
    except InterpreterError as error:
        raise BuildError(f"the layer {layer.logical_id}: its BuildMethod: {error}") from error
    if not has_requirements(layer.content):
        copytree(layer.content, scratch / "python", symlinks=True)
        return scratch
    content, requirements = layer.content, layer.content / REQUIREMENTS
    key = f"{content_key(content)}-{requirements_key(requirements, python)}"

    def build(folder: Path) -> None:
        copytree(content, folder / "python", symlinks=True)
        with Steps(say).installing(f"{requirements} with {find_installer().name}", "installing requirements"):
            install(requirements, folder / "python", run, python)

    return build_once(f"layer-{layer.logical_id}-{key}", build)


def installed_layer(opt: Path) -> None:
    """Copy the layer from the installed wheel into `opt`. Its modules are located without importing them."""
    spec = importlib.util.find_spec("lambda_streamify")
    if spec is None or spec.origin is None:
        raise BuildError(
            "the package lambda_streamify is not installed beside the emulator: pip install lambda-streamify"
        )
    package = Path(spec.origin).parent
    modules = opt / "python" / "lambda_streamify"
    modules.mkdir(parents=True)
    entry, wrapper = package / "streamify-main.py", package / "streamify.sh"
    for file in (*sorted(package.rglob("*.py")), package / "py.typed"):
        if file != entry:
            place = modules / file.relative_to(package)
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(file.read_bytes())
    (opt / entry.name).write_bytes(entry.read_bytes())
    (opt / "streamify").write_bytes(wrapper.read_bytes())
    (opt / "streamify").chmod(0o755)
