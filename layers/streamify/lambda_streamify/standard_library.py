"""Names that a function's folder does not take over from the standard library.

AWS's runtime has these modules loaded before it looks into that folder (observed with awslambdaric 4.2.2 on Python 3.10
to 3.13), so a function's own `token.py` or `logging.py` never answers for them. This one loads most of them later or
never, and would otherwise find the function's.
"""

from _frozen_importlib_external import PathFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

NAMES = frozenset(
    (
        *("__future__", "_json", "_weakrefset", "abc", "codecs", "collections", "contextlib", "copyreg"),
        *("decimal", "encodings", "enum", "functools", "genericpath", "importlib", "io", "json", "keyword"),
        *("linecache", "logging", "math", "numbers", "operator", "os", "posixpath", "re", "reprlib", "stat"),
        *("string", "textwrap", "threading", "token", "tokenize", "traceback", "types", "warnings", "weakref"),
    )
)


class StandardLibraryFirst:
    """A finder for `sys.meta_path`; `folders` are where the standard library lies."""

    def __init__(self, folders: "Sequence[str]") -> None:
        self._folders = folders

    def find_spec(
        self, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """The standard library's module, for one of `NAMES`; None for any other."""
        if name not in NAMES:
            return None
        return PathFinder.find_spec(name, self._folders, target)
