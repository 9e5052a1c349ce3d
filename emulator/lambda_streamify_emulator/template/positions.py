"""The lines of a template's text at which its keys stand. AWS's parser reads the values and drops the positions."""

from collections.abc import Callable, Iterator
from functools import cache

import yaml

from ..errors import TemplateError

Key = str | int
"""A key of a mapping, or the index of an entry of a list."""
Found = tuple[yaml.Mark, yaml.Node]
KeysOf = Callable[[yaml.MappingNode], tuple[dict[str, Found], list[yaml.Node]]]
# libyaml's, which is several times as fast, if PyYAML was built with it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE = "tag:yaml.org,2002:merge"


class Positions:
    r"""Where the keys of a YAML or JSON document stand.

    A path is the sequence of keys that leads to a value:

        >>> Positions("Resources:\n  Hello:\n    Type: A\n").find(("Resources", "Hello", "Type"))
        3

    Short tags, such as !Ref, need no constructor here: only the tree of nodes is read. An alias is followed when a path
    leads through it, so what aliases stand for is never written out.
    """

    def __init__(self, text: str) -> None:
        try:
            self._root = yaml.compose(text, _LOADER)
        except (yaml.YAMLError, RecursionError) as error:
            raise TemplateError(f"the lines of the template cannot be found: {error}") from error
        self._keys = cache(_keys_of)  # hundreds of resources are looked up in the same mapping

    def find(self, path: tuple[Key, ...]) -> int | None:
        """The line of the last key of `path`, from 1; None if the document has no such path."""
        lines = list(self._lines(path))
        return lines[-1] if len(lines) == len(path) and lines else None

    def nearest(self, path: tuple[Key, ...]) -> int:
        """The same, or the line of the longest beginning of `path` that the document has."""
        return [1, *self._lines(path)][-1]

    def depth(self, path: tuple[Key, ...]) -> int:
        """How many keys of `path` the document has."""
        return len(list(self._lines(path)))

    def _lines(self, path: tuple[Key, ...]) -> Iterator[int]:
        node = self._root
        for key in path:
            found = _child(node, key, self._keys)
            if found is None:
                return
            mark, node = found
            yield mark.line + 1


_MERGES_LIMIT = 20
"""How many mappings may be merged into one another (`<<`) before a key in them is no longer looked for."""


def _child(node: yaml.Node | None, key: Key, keys_of: KeysOf, merges: int = 0) -> Found | None:
    """The mark of a key, and the node of its value."""
    if isinstance(node, yaml.SequenceNode):
        is_index = isinstance(key, int) and 0 <= key < len(node.value)
        return (node.value[key].start_mark, node.value[key]) if is_index else None
    if not isinstance(node, yaml.MappingNode) or merges > _MERGES_LIMIT:
        return None
    keys, merged = keys_of(node)
    if str(key) in keys:
        return keys[str(key)]
    return next(filter(None, (_child(each, key, keys_of, merges + 1) for each in merged)), None)


def _keys_of(node: yaml.MappingNode) -> tuple[dict[str, Found], list[yaml.Node]]:
    """The keys of a mapping, of those that are there twice the last one; and the mappings that are merged into it."""
    keys: dict[str, Found] = {}
    merged: list[yaml.Node] = []
    for name, value in node.value:
        if name.tag == _MERGE:
            merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
        elif isinstance(name, yaml.ScalarNode):
            keys[name.value] = name.start_mark, value
    return keys, merged
