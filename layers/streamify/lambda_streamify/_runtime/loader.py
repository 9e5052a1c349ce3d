"""Loads the handler, and keeps the function's modules from shadowing those of the standard library.

The rules, fault names and messages are those of AWS's Python runtime (observed with awslambdaric 4.2.2).
"""

import sys
from _frozen_importlib_external import PathFinder
from importlib import import_module

from ..errors import RuntimeFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

    Handler = Callable[[Any, Any], Any]

# AWS's runtime has loaded these modules before it searches the function's folder (observed with awslambdaric 4.2.2 on
# Python 3.10 to 3.13), so a function's own `token.py` or `logging.py` never replaces them. This runtime loads most of
# them later or never, and would otherwise find the function's modules.
STANDARD_LIBRARY = frozenset(
    (
        *("__future__", "_json", "_weakrefset", "abc", "codecs", "collections", "contextlib", "copyreg"),
        *("decimal", "encodings", "enum", "functools", "genericpath", "importlib", "io", "json", "keyword"),
        *("linecache", "logging", "math", "numbers", "operator", "os", "posixpath", "re", "reprlib", "stat"),
        *("string", "textwrap", "threading", "token", "tokenize", "traceback", "types", "warnings", "weakref"),
    )
)


def load_handler(setting: str) -> "Handler":
    """Return the handler for `setting`: `module.function`, `package.module.function` or `folder/module.function`.

    Raises RuntimeFault, with AWS's fault name and message, if the module or the function cannot be loaded.
    """
    module_name, dot, function_name = setting.rpartition(".")
    if not dot:
        raise RuntimeFault(
            "Runtime.MalformedHandlerName",
            f"Bad handler '{setting}': not enough values to unpack (expected 2, got 1)",
        )
    if module_name.partition(".")[0] in sys.builtin_module_names:
        raise RuntimeFault(
            "Runtime.BuiltInModuleConflict", f"Cannot use built-in module {module_name} as a handler module"
        )
    try:
        module = import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise RuntimeFault("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
    except SyntaxError as error:
        raise RuntimeFault(
            "Runtime.UserCodeSyntaxError",
            f"Syntax error in module '{module_name}': {error}",
            [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}'],
        ) from error
    try:
        handler: Handler = getattr(module, function_name)
    except AttributeError:
        raise RuntimeFault(
            "Runtime.HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'"
        ) from None
    return handler


class StandardLibraryFirst:
    """A finder for `sys.meta_path`. `folders` are the folders of the standard library."""

    def __init__(self, folders: "Sequence[str]") -> None:
        self._folders = folders

    def find_spec(
        self, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """Return the spec of the standard library's module for a name in `STANDARD_LIBRARY`, None for any other."""
        if name not in STANDARD_LIBRARY:
            return None
        return PathFinder.find_spec(name, self._folders, target)
