"""What users may rely on, as text: public names with their parameters, commands with their options, settings.

As a program it prints the listing; `make docs/reference/contract.txt` keeps it, and a test compares.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

import lambda_streamify
from lambda_streamify_emulator.commands.cli import app
from lambda_streamify_emulator.recordings.recording import VERSION

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "lambda_streamify"
MODULES = (
    *("agentcore", "asgi", "client", "errors", "ndjson", "observe", "powertools", "resume", "sse", "testing", "wsgi"),
)  # fmt: skip
PLAIN = (str, bytes, int, float, bool, tuple, type(None))


def listing() -> str:
    """Return the whole contract."""
    parts = {
        **{module: sorted(names) for module, names in python_names().items()},
        "commands": sorted(commands()),
        "settings": sorted(settings()),
        "recordings": [f"version {VERSION}"],
    }
    return "\n".join(f"[{title}]\n" + "".join(f"{line}\n" for line in lines) for title, lines in parts.items())


def python_names() -> dict[str, set[str]]:
    """Return the public names of each public module, with their parameters."""
    found = {PACKAGE: _described(PACKAGE, lambda_streamify.__all__)}
    for module in (f"{PACKAGE}.{name}" for name in MODULES):
        found[module] = _described(module, _public(module))
    for module, names in _of_the_emulator().items():
        found[module] = _described(module, names)
    return found


def _public(module_name: str) -> list[str]:
    """Return the names that a module declares, or those of the functions and classes that it defines."""
    module = import_module(module_name)
    own = (name for name, value in vars(module).items() if getattr(value, "__module__", "") == module_name)
    return [name for name in getattr(module, "__all__", own) if not name.startswith("_")]


def _of_the_emulator() -> dict[str, list[str]]:
    """Return the names of the emulator that the API reference shows; everything else there is private."""
    found: dict[str, list[str]] = {}
    for page in sorted((ROOT / "docs" / "reference" / "api").glob("*.md")):
        for module, name in re.findall(
            r"^::: (lambda_streamify_emulator[\w.]*)\.(\w+)$", page.read_text(), re.MULTILINE
        ):
            found.setdefault(module, []).append(name)
    return found


def _described(module: str, names: list[str]) -> set[str]:
    return {line for name in names for line in _lines(name, getattr(import_module(module), name))}


def _lines(name: str, value: Any) -> Iterator[str]:
    if inspect.isclass(value):
        yield name + (_parameters(value) if _is_constructed(value) else "")
        for member in dir(value):
            if not member.startswith("_") and _is_ours(value, member):
                yield f"{name}.{member}{_of_member(inspect.getattr_static(value, member))}"
    elif callable(value):
        yield name + _parameters(getattr(value, "__wrapped__", value))
    else:
        yield f"{name} = {value!r}" if isinstance(value, PLAIN) else name


def _is_constructed(kind: type) -> bool:
    """Say whether the class has a constructor of its own, which Python does not choose."""
    chosen = issubclass(kind, Enum) or getattr(kind, "_is_protocol", False)
    return not chosen and (_is_ours(kind, "__init__") or _is_ours(kind, "__new__"))


def _is_ours(owner: type, member: str) -> bool:
    """Say whether a class of this project defines the member: what Exception or dict has is theirs."""
    definers = (base for base in owner.__mro__ if member in vars(base))
    return next(definers, object).__module__.startswith(PACKAGE)


def _of_member(attribute: Any) -> str:
    function = getattr(attribute, "__func__", attribute)
    return _parameters(function) if inspect.isfunction(function) else ""


def _parameters(value: Callable[..., Any]) -> str:
    """Return the parameters without types, which differ between Pythons; a default that is an object is `...`."""
    try:
        signature = inspect.signature(value)
    except ValueError:
        return ""
    shown = [
        parameter.replace(annotation=parameter.empty, default=_default(parameter))
        for parameter in signature.parameters.values()
        if not parameter.name.startswith("_")
    ]
    return str(signature.replace(parameters=shown, return_annotation=signature.empty))


def _default(parameter: inspect.Parameter) -> Any:
    plain = parameter.default is parameter.empty or type(parameter.default) in PLAIN
    return parameter.default if plain else _Shown()


class _Shown:
    def __repr__(self) -> str:
        return "..."


def commands() -> Iterator[str]:
    """Return each command with each of its arguments and options."""
    group: Any = typer.main.get_command(app)
    for name, command in group.commands.items():
        for parameter in command.params:
            is_option = parameter.param_type_name == "option"
            words = "/".join([*parameter.opts, *parameter.secondary_opts]) if is_option else parameter.name.upper()
            yield f"streamify {name} {words}"


def settings() -> set[str]:
    """Return the environment variables of docs/reference/settings.md."""
    page = (ROOT / "docs" / "reference" / "settings.md").read_text()
    return set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE))


if __name__ == "__main__":
    print(listing(), end="")
