"""What `streamify precompile` finds in a build: the functions and layers, and the Pythons that run their modules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..template.functions import Function

TASK, OPT = "/var/task", "/opt/python"
"""Where the modules of a function and of a layer are on AWS."""


@dataclass(frozen=True)
class Package:
    """The folder of a function or of a layer. Functions with the same code share one."""

    names: tuple[str, ...]
    """Logical ids; the path of a folder that belongs to no template."""
    folder: Path
    runtimes: tuple[str, ...]
    """The Pythons that run its modules, such as "python3.13"."""
    is_layer: bool = False

    @property
    def name(self) -> str:
        """Its names, for messages."""
        return ", ".join(self.names)

    @property
    def root(self) -> Path:
        """The folder of its modules: Lambda adds only this folder of a layer to Python's search path."""
        return self.folder / "python" if self.is_layer else self.folder

    @property
    def place(self) -> str:
        """Where that folder is on AWS."""
        return OPT if self.is_layer else TASK


@dataclass(frozen=True)
class Build:
    """What is to be compiled. `left` says, by its name, why something is not."""

    packages: tuple[Package, ...]
    functions: tuple[Function, ...] = ()
    """The functions whose packages are among `packages`."""
    left: Mapping[str, str] = field(default_factory=dict)

    def packages_of(self, function: Function) -> list[Package]:
        """Return the package of a function, and those of its layers."""
        layers = {layer.content for layer in function.layers}
        return [
            package
            for package in self.packages
            if (package.folder in layers if package.is_layer else package.folder == function.code)
        ]
