"""Finds what a build holds: in the template that `sam build` writes, or in a folder that somebody else has built.

A folder of sources is refused. Bytecode that Python never compares with its source belongs beside a source that never
changes again.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ..errors import EmulatorError, TemplateError
from ..template.contents import ForeignError, content
from ..template.declaration import reading
from ..template.forms import read_declaration
from ..template.functions import Function, read_function
from ..template.layers import LAYERS, Layer, read_layer
from ..template.stack import FUNCTIONS, Stack
from .build import Build, Package

TEMPLATES = ("template.yaml", "template.yml")
_CONTENT = {"AWS::Serverless::LayerVersion": "ContentUri", "AWS::Lambda::LayerVersion": "Content"}
_NESTED = ("AWS::Serverless::Application", "AWS::CloudFormation::Stack")
_ASSET = "aws:asset:path"
_ADVICE = "run `sam build`, then `streamify precompile .aws-sam/build`"
_GUIDE = "docs/guides/cold-start.md"


class _LeftError(Exception):
    """A function or a layer is none of this command's. The message says why."""


def read_build(place: Path, parameters: Mapping[str, str], runtime: str | None = None) -> Build:
    """Return what is at `place`: a template, or a folder with one, or with the modules of one package.

    `runtime` is the Python of a folder that belongs to no template. Raises EmulatorError if there is nothing to compile
    there, or if the sources are there.
    """
    if place.is_file():
        return _of_template(place, parameters)
    if not place.is_dir():
        raise EmulatorError(f"{place}: there is no such folder: {_ADVICE}")
    template = _template_in(place)
    if template is not None:
        return _of_template(template, parameters)
    if (place / "manifest.json").is_file() and (place / "cdk.out").is_file():
        raise EmulatorError(f"{place}: the CDK names assets by their content: compile while it bundles, see {_GUIDE}")
    folder = place.resolve()
    for parent in folder.parents:
        template = _template_in(parent)
        found = None if template is None else _within(template, folder, parameters)
        if found is not None:
            return found
    if runtime is None:
        raise EmulatorError(f"{place}: no template says which Python runs it: add --runtime python3.13, or another one")
    return Build((Package((str(place),), folder, (runtime,)),))


def _template_in(folder: Path) -> Path | None:
    return next((folder / name for name in TEMPLATES if (folder / name).is_file()), None)


def _of_template(path: Path, parameters: Mapping[str, str]) -> Build:
    build, sources = _read(path, parameters)
    if sources and not build.packages:
        raise EmulatorError(f"{path}: its code is source, and bytecode would hide later edits of it: {_ADVICE}")
    if not build.packages and not build.left:
        raise EmulatorError(f"{path}: it has neither a function nor a layer")
    return build


def _within(path: Path, folder: Path, parameters: Mapping[str, str]) -> Build | None:
    """Return what the template at `path` says about `folder`; None if it says nothing.

    Raises EmulatorError if a function's source is there.
    """
    try:
        build, sources = _read(path, parameters)
    except TemplateError:
        return None
    packages = tuple(package for package in build.packages if package.folder == folder)
    if packages:
        names = {name for package in packages for name in package.names}
        return Build(packages, tuple(function for function in build.functions if function.logical_id in names))
    for name, source in sources.items():
        if folder == source or source in folder.parents or folder in source.parents:
            raise EmulatorError(
                f"{folder}: it holds the source of {name} in {path}, and bytecode would hide later edits: {_ADVICE}"
            )
    return None


def _read(path: Path, parameters: Mapping[str, str]) -> tuple[Build, dict[str, Path]]:
    """Return what is built, and the folders of what is not, by their names."""
    declaration = read_declaration(path, parameters)
    with reading(path):
        return _Reader(Stack(declaration)).read()


class _Reader:
    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._left: dict[str, str] = {}
        self._sources: dict[str, Path] = {}

    def read(self) -> tuple[Build, dict[str, Path]]:
        for id_ in self._stack.of_type(*_NESTED):
            self._left[id_] = "it is a nested stack: name the folder of its own template too"
        layers = self._layers()
        functions = self._functions(layers)
        packages = _merged([*map(_package, functions), *self._layer_packages(layers, functions)])
        return Build(tuple(packages), tuple(functions), self._left), self._sources

    def _layers(self) -> dict[str, Layer]:
        found = {id_: self._layer(id_) for id_ in self._stack.of_type(*LAYERS)}
        return {id_: layer for id_, layer in found.items() if layer is not None}

    def _layer(self, id_: str) -> Layer | None:
        try:
            return read_layer(self._stack.path, id_, self._stack.resources[id_], self._stack.intrinsics)
        except EmulatorError as error:
            self._left[id_] = str(error)
            return None

    def _functions(self, layers: Mapping[str, Layer]) -> list[Function]:
        found = [self._function(id_, layers) for id_ in self._stack.of_type(*FUNCTIONS)]
        return [function for function in found if function is not None]

    def _function(self, id_: str, layers: Mapping[str, Layer]) -> Function | None:
        try:
            function = read_function(self._stack, id_, {**self._foreign_layers(id_), **layers})
            self._check_python(function)
            self._check_built(id_, function.code, is_built=function.is_built)
        except (EmulatorError, ForeignError, _LeftError) as error:
            self._left[id_] = str(error)
            return None
        return function

    def _check_python(self, function: Function) -> None:
        if function.image is not None:
            raise _LeftError(f"its package is an image: compile in its Dockerfile, see {_GUIDE}")
        if not function.runtime.startswith("python"):
            raise _LeftError(f"its runtime is {function.runtime}")

    def _foreign_layers(self, id_: str) -> dict[str, Layer]:
        """The layers of a function that are not in the template: somebody else has built them."""
        used = self._stack.resolved(id_, "Layers").get("Layers")
        return {name: Layer(name, None) for name in used or () if isinstance(name, str) and name.startswith("arn:")}

    def _layer_packages(self, layers: Mapping[str, Layer], functions: list[Function]) -> list[Package]:
        found = []
        for id_, layer in layers.items():
            runtimes = {function.runtime for function in functions if layer in function.layers}
            package = self._layer_package(id_, layer, runtimes or self._compatible(id_))
            if isinstance(package, Package):
                found.append(package)
            else:
                self._left[id_] = package
        return found

    def _layer_package(self, id_: str, layer: Layer, runtimes: set[str]) -> Package | str:
        """Return the package of a layer, or why it has none."""
        assert layer.content is not None
        resource = self._stack.resources[id_]
        key = _CONTENT[str(resource["Type"])]
        value = self._stack.resolved(id_, key).get(key)
        try:
            is_built = content(self._stack.path, id_, key, resource, value).is_built
            self._check_built(id_, layer.content, is_built=is_built)
        except _LeftError as error:
            return str(error)
        if not runtimes:
            return "no Python function of this template uses it, and its CompatibleRuntimes name no Python"
        if not (layer.content / "python").is_dir():
            return "it has no folder python, so no modules"
        return Package((id_,), layer.content, tuple(sorted(runtimes)), is_layer=True)

    def _compatible(self, id_: str) -> set[str]:
        names = self._stack.resolved(id_, "CompatibleRuntimes").get("CompatibleRuntimes") or ()
        return {name for name in names if isinstance(name, str) and name.startswith("python")}

    def _check_built(self, id_: str, folder: Path, *, is_built: bool) -> None:
        """Raise _LeftError unless `sam build` has written the folder."""
        if _ASSET in (self._stack.resources[id_].get("Metadata") or {}):
            raise _LeftError(f"the CDK has named its asset by its content: compile while it bundles, see {_GUIDE}")
        if not is_built:
            self._sources[id_] = folder
            raise _LeftError(f"its folder {folder} is source, which `sam build` has not built")
        if self._stack.path.parent.resolve() not in folder.parents:
            raise _LeftError("its code is in an archive or in the template")


def _package(function: Function) -> Package:
    return Package((function.logical_id,), function.code, (function.runtime,))


def _merged(packages: list[Package]) -> list[Package]:
    """Merge the packages that share a folder, as functions with the same code do after `sam build`."""
    found: dict[Path, Package] = {}
    for package in packages:
        first = found.get(package.folder)
        if first is None:
            found[package.folder] = package
        else:
            runtimes = tuple(sorted({*first.runtimes, *package.runtimes}))
            found[package.folder] = replace(first, names=(*first.names, *package.names), runtimes=runtimes)
    return list(found.values())
