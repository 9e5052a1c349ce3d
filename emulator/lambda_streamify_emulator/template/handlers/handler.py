"""Handlers as the command line names them: `app.lambda_handler`, `src/app.lambda_handler` or `src/app.py`.

The part before the last slash is the function's folder. The rest is what Lambda calls the handler: the names of
packages and modules, and of the function (AWS Lambda Developer Guide, "Define Lambda function handler in Python").
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...errors import TemplateError

NAMES = ("lambda_handler", "handler")
"""What is looked for in a file, the first one first."""
_HANDLER = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_UNNAMED = "*"
# A file that is missing is not taken for the handler `yaml` of a module beside it.
_FILES = (".json", ".out", ".template", ".tf", ".yaml", ".yml")


@dataclass(frozen=True)
class Handler:
    """A function of the module in the file `module`. `name` is what Lambda calls it, such as "app.lambda_handler"."""

    module: Path
    folder: Path
    name: str


def is_handler(argument: Path) -> bool:
    """Whether `argument` names a handler or a Python file, and no other file."""
    if argument.suffix in _FILES or argument.exists():
        return argument.suffix == ".py"
    return argument.suffix == ".py" or _module_of(argument) is not None


def missing_module(argument: Path) -> str | None:
    """Return what is missing if `argument` can only mean a handler, and there is no such module."""
    if argument.suffix in _FILES or argument.exists():
        return None
    if argument.name and not argument.suffix and argument.with_suffix(".py").is_file():
        return f"{argument}: there is no such file; name a handler as {argument}.py or {argument}.FUNCTION"
    if not _HANDLER.fullmatch(argument.name):
        return None
    module = argument.parent.joinpath(*argument.name.split(".")[:-1]).with_suffix(".py")
    return f"{argument}: there is no such file, and for a handler there is no module {module}"


def find_handlers(argument: Path) -> list[Handler]:
    """Return the handler that `argument` names, or those of the Python file that it names.

    Raises TemplateError if there is none. The code is read, not run.
    """
    if argument.suffix == ".py":
        defined = _defined(argument)
        found = [name for name in NAMES if name in defined]
        if not found:
            raise TemplateError(
                f"{argument}: it has neither {NAMES[0]} nor {NAMES[1]}; name the function: "
                f"{argument.with_suffix('')}.NAME{_those(defined)}"
            )
        return [Handler(argument, argument.parent, f"{argument.stem}.{name}") for name in found]
    module, function = _module_of(argument), argument.name.rpartition(".")[2]
    if module is None:
        raise TemplateError(f"{argument}: it names no handler; write it as MODULE.FUNCTION or FILE.py")
    defined = _defined(module)
    if function not in defined and _UNNAMED not in defined:
        raise TemplateError(f"{module}: it has no {function}{_those(defined)}")
    return [Handler(module, argument.parent, argument.name)]


def _those(defined: dict[str, bool]) -> str:
    functions = [name for name, is_function in defined.items() if is_function]
    return f"; its functions: {', '.join(functions)}" if functions else ""


def _module_of(argument: Path) -> Path | None:
    """Return the file of the module that a handler names; None if there is none."""
    if not _HANDLER.fullmatch(argument.name):
        return None
    *packages, _ = argument.name.split(".")
    place = argument.parent.joinpath(*packages)
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)


def _defined(module: Path) -> dict[str, bool]:
    """Return the names that a module defines, and whether each is a function. `*` stands for names not known."""
    try:
        tree = ast.parse(module.read_bytes(), str(module))
    except OSError as error:
        raise TemplateError(f"{module}: it cannot be read: {error.strerror}") from error
    except SyntaxError as error:
        raise TemplateError(f"{module}:{error.lineno or 1}: it is not valid Python: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise TemplateError(f"{module}: it is not valid Python: {error}") from error
    return dict(_names(tree.body))


def _names(statements: list[ast.stmt]) -> Iterator[tuple[str, bool]]:
    for statement in statements:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            yield statement.name, True
        elif isinstance(statement, ast.ClassDef):
            yield statement.name, False
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name.partition(".")[0], False) for alias in statement.names)
        else:
            for node in ast.walk(statement):  # also within `if` and `try`
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield node.name, True
                elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    yield node.id, False
                elif isinstance(node, ast.ImportFrom):
                    yield from ((alias.asname or alias.name, False) for alias in node.names)
