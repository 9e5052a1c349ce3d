"""The lines of a template's text at which its keys stand. AWS's parser reads the values and drops the positions."""

from collections.abc import Iterator

import yaml

from ..errors import TemplateError

Key = str | int
"""A key of a mapping, or the index of an entry of a list."""
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
            found = _child(node, key, 0)
            if found is None:
                return
            mark, node = found
            yield mark.line + 1


_MERGES_LIMIT = 20
"""How many mappings may be merged into one another (`<<`) before a key in them is no longer looked for."""


def _child(node: yaml.Node | None, key: Key, merges: int) -> tuple[yaml.Mark, yaml.Node] | None:
    """The mark of a key, and the node of its value."""
    if isinstance(node, yaml.SequenceNode):
        is_index = isinstance(key, int) and 0 <= key < len(node.value)
        return (node.value[key].start_mark, node.value[key]) if is_index else None
    if not isinstance(node, yaml.MappingNode) or merges > _MERGES_LIMIT:
        return None
    for name, value in reversed(node.value):  # of a key that is there twice, the last one counts
        if isinstance(name, yaml.ScalarNode) and name.value == str(key) and name.tag != _MERGE:
            return name.start_mark, value
    for name, value in node.value:
        if name.tag == _MERGE:
            for merged in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                found = _child(merged, key, merges + 1)
                if found is not None:
                    return found
    return None
