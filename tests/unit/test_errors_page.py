"""docs/reference/errors.md names every error of the layer by its message, and no other; the emulator's by kind.

In a message, … stands for what differs from case to case.
"""

import ast
import builtins
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from processes import ROOT

PAGE = ROOT / "docs" / "reference" / "errors.md"
LAYER = ROOT / "layers" / "streamify" / "lambda_streamify"
EMULATOR = ROOT / "emulator" / "lambda_streamify_emulator"


# --- the code --------------------------------------------------------------------------------------------------------


@dataclass
class Module:
    """One module's tree, and the texts that it gives names to."""

    tree: ast.Module
    texts: dict[str, ast.expr] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for node in ast.walk(self.tree):
            match node:
                case ast.Assign(
                    targets=[ast.Name(id=name) | ast.Attribute(attr=name)],
                    value=ast.Constant(value=str()) | ast.JoinedStr() as text,
                ) if ast.unparse(text) != "''":
                    self.texts[name] = text

    def calls(self) -> Iterator[tuple[str, ast.Call, bool]]:
        """Each call by the name of what is called, without what it is an attribute of; and whether it is raised."""
        raised = {id(node.exc) for node in ast.walk(self.tree) if isinstance(node, ast.Raise)}
        for node in ast.walk(self.tree):
            match node:
                case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                    yield name, node, id(node) in raised

    def message(self, node: ast.expr) -> str:
        """The text of an argument, with … for each value in it; "" if it is none that can be read off the code."""
        match node:
            case ast.Constant(value=str(text)):
                parts = [text]
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in self.texts:
                return self.message(self.texts[name])
            case ast.JoinedStr(values=values):
                parts = [str(part.value) if isinstance(part, ast.Constant) else "…" for part in values]
            case _:
                parts = []
        return re.sub("…+", "…", " ".join("".join(parts).split()))


@cache
def modules(folder: Path) -> list[Module]:
    return [Module(ast.parse(path.read_text(encoding="utf-8"))) for path in sorted(folder.rglob("*.py"))]


def error_classes(sources: list[Module], root: str) -> dict[str, str]:
    """Each class that derives from `root`, and the name under which the page has it: for a private one, its base's."""
    definitions = [node for module in sources for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)]
    found: dict[str, str] = {}
    known = {root: root}
    while known != found:
        found = dict(known)
        for node in definitions:
            for base in node.bases:
                if isinstance(base, ast.Name) and base.id in known:
                    known.setdefault(node.name, known[base.id] if node.name.startswith("_") else node.name)
    return found


@cache
def raised_in_the_layer() -> set[tuple[str, str]]:
    """The name of the class, "" if the code alone does not tell it, and the message."""
    sources = modules(LAYER)
    classes = error_classes(sources, "StreamifyError")
    found: set[tuple[str, str]] = set()
    for module in sources:
        for name, call, is_raised in module.calls():
            match name, call.args:
                case "RuntimeFault", [kind, message, *_]:
                    found.add((name, f"{module.message(kind)}: {module.message(message)}"))
                case "RequestRefused", _:  # which words its message itself
                    pass
                case "__init__", [message] if isinstance(message, ast.JoinedStr):
                    found.add(("RequestRefused", module.message(message)))
                case _, [message, *_] if name in classes:
                    found.add((classes[name], module.message(message)))
                case _, [message, *_] if is_raised and not hasattr(builtins, name) and module.message(message):
                    found.add(("", module.message(message)))
    return found


@cache
def logged_by_the_layer() -> set[tuple[str, str]]:
    """The level and the message of each line of the layer's own."""
    found: set[tuple[str, str]] = set()
    for module in modules(LAYER):
        for name, call, _ in module.calls():
            match name, call.args:
                case "line", [ast.Constant(value="WARNING" | "ERROR" as level), message] if module.message(message):
                    found.add((str(level), module.message(message)))
                case "once" | "warn", [message]:
                    found.add(("WARNING", module.message(message)))
                case "error" | "exception", [ast.Constant(value=str(text)), *_]:  # by Python's logging
                    found.add(("ERROR", text.replace("%s", "…")))
    return found


# --- the page --------------------------------------------------------------------------------------------------------


@cache
def entries() -> set[tuple[str, str]]:
    """Each item of the page's lists that begins with a message: the heading above it, and the message."""
    found, heading, item = set(), "", False  # whether the next paragraph is an item's first
    tokens = MarkdownIt().parse(PAGE.read_text(encoding="utf-8"))
    for before, token in pairwise(tokens):
        if token.type == "inline" and before.type == "heading_open":
            heading = token.content.strip("`")
        elif token.type == "inline" and before.type == "paragraph_open" and item:
            assert token.children
            if token.children[0].type == "code_inline":
                found.add((heading, token.children[0].content))
        item = before.type == "list_item_open"
    return found


def headings() -> set[str]:
    tokens = MarkdownIt().parse(PAGE.read_text(encoding="utf-8"))
    return {token.content.strip("`") for before, token in pairwise(tokens) if before.type == "heading_open"}


def as_items(messages: set[tuple[str, str]]) -> str:
    return "\n".join(f"{name}: * `{message}`" for name, message in sorted(messages))


# --- both ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("folder", "root"), [(LAYER, "StreamifyError"), (EMULATOR, "EmulatorError")])
def test_every_class_of_errors_has_its_section(folder: Path, root: str) -> None:
    assert {*error_classes(modules(folder), root).values()} - headings() == set()


def test_every_message_can_be_read_off_the_code() -> None:
    assert [name for name, message in raised_in_the_layer() | logged_by_the_layer() if not message.strip("… :")] == []


def test_every_error_of_the_layer_is_explained() -> None:
    anywhere = {message for _, message in entries()}
    missing = {
        (name, message)
        for name, message in raised_in_the_layer()
        if (name and (name, message) not in entries()) or message not in anywhere
    }
    assert missing == set(), f"not in {PAGE.name}:\n{as_items(missing)}"


def test_every_line_that_the_layer_logs_is_explained() -> None:
    missing = logged_by_the_layer() - entries()
    assert missing == set(), f"not in {PAGE.name}:\n{as_items(missing)}"


def test_nothing_is_explained_that_no_code_says() -> None:
    said = {message for _, message in raised_in_the_layer() | logged_by_the_layer()}
    stale = {(name, message) for name, message in entries() if message not in said}
    assert stale == set(), f"only in {PAGE.name}:\n{as_items(stale)}"
