"""Where the properties of a translated template stand in serverless.yml."""

from collections.abc import Iterator
from pathlib import Path

import yaml

from ...errors import TemplateError
from ..positions import Key, Positions
from .names import FUNCTION, logical_id

_KEYS = {
    "Environment": "environment",
    "FunctionUrlConfig": "url",
    "Handler": "handler",
    "InvokeMode": "invoke",
    "Layers": "layers",
    "MemorySize": "memorySize",
    "Runtime": "runtime",
    "Timeout": "timeout",
}
_WITHOUT_KEY = ("Properties", "Variables")
"""What serverless.yml writes one level higher."""


class ServerlessPositions(Positions):
    """Positions by the paths of the translated template. A setting may stand under `provider` for all functions."""

    def find(self, path: tuple[Key, ...]) -> int | None:
        """The line of the last key of `path`; None if serverless.yml has no such key."""
        for own in self._own(path):
            line = super().find(own)
            if line is not None:
                return line
        return None

    def nearest(self, path: tuple[Key, ...]) -> int:
        """The same, or the line of the function."""
        found = self.find(path)
        return super().nearest(next(self._own(path))) if found is None else found

    def depth(self, path: tuple[Key, ...]) -> int:
        """How many keys of `path` serverless.yml has, with those that it does not need."""
        return super().depth(next(self._own(path))) + sum(key in _WITHOUT_KEY for key in path)

    def _own(self, path: tuple[Key, ...]) -> Iterator[tuple[Key, ...]]:
        if len(path) < 2 or path[0] != "Resources":
            yield path
            return
        keys = tuple(_KEYS.get(str(key), key) for key in path[2:] if key not in _WITHOUT_KEY)
        yield ("functions", self._function(str(path[1])), *keys)
        if keys:
            yield ("provider", *keys)

    def _function(self, id_: str) -> str:
        """Return the key of the function with a logical id."""
        for key, value in self._root.value if isinstance(self._root, yaml.MappingNode) else ():
            if key.value == "functions" and isinstance(value, yaml.MappingNode):
                for name, _ in value.value:
                    if isinstance(name, yaml.ScalarNode) and logical_id(name.value, FUNCTION) == id_:
                        return str(name.value)
        return id_


def with_line(path: Path, text: str, error: TemplateError) -> TemplateError:
    """Return the error with its line, if its message begins with keys of serverless.yml, whose text is `text`."""
    keys = str(error).removeprefix(f"{path}: ").split(": ")
    positions = Positions(text)
    for first in ((), ("functions",)):
        if positions.find((*first, keys[0])) is not None:
            return TemplateError(f"{path}:{positions.nearest((*first, *keys))}: {': '.join(keys)}")
    return error
