"""docs/reference/check.md explains every rule of `streamify check`, and its examples are what they say."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from samtranslator.yaml_helper import yaml_parse

from checked_template import GOOD, check, rules
from lambda_streamify_emulator.checks.bytecode import MISSING
from lambda_streamify_emulator.checks.run import RULES
from processes import ROOT

PAGE = ROOT / "docs" / "reference" / "check.md"
COMMENT = re.compile(r"#\s*streamify:.*")


@cache
def sections() -> dict[str, tuple[list[tuple[str, str]], list[tuple[str, str]]]]:
    """The blocks of each rule, by its heading: those of the mistake, and those behind "Write:"."""
    found: dict[str, tuple[list[tuple[str, str]], list[tuple[str, str]]]] = {}
    name, is_right, heading = "", False, ""
    for token in MarkdownIt().parse(PAGE.read_text(encoding="utf-8")):
        if token.type == "heading_open":
            heading = token.tag
        elif token.type == "inline" and heading:
            name, is_right, heading = token.content if heading == "h3" else "", False, ""
            if name:
                found[name] = ([], [])
        elif token.type == "inline" and token.content == "Write:":
            is_right = True
        elif token.type == "fence" and name:
            found[name][is_right].append((token.info, token.content))
    return found


def merged(into: Any, part: Any) -> Any:
    if not isinstance(into, dict) or not isinstance(part, dict):
        return part
    return {**into, **{key: merged(into.get(key), value) for key, value in part.items()}}


def template(blocks: list[tuple[str, str]]) -> tuple[str, str]:
    """A whole template, and the code of its function, that these blocks are parts of."""
    document, code, comments = yaml_parse(GOOD), "", []
    for language, block in blocks:
        if language == "py":
            code = block
            continue
        comments += COMMENT.findall(block)
        for key, value in yaml_parse(block).items():
            if key in ("Parameters", "Resources"):
                document[key] = merged(document.get(key), value)
            elif isinstance(value, dict) and "Type" in value:
                document["Resources"][key] = value
            else:
                document["Resources"]["Hello"]["Properties"][key] = value
    return "\n".join([json.dumps(document), *comments]), code


def test_the_table_has_each_rule_with_its_severity() -> None:
    rows = re.findall(r"^\| \[`(.*)`\]\(#(.*)\) \| (.*) \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    assert rows == [(rule.name, rule.name, rule.severity, rule.what) for rule in RULES]


def test_each_rule_has_its_section() -> None:
    assert list(sections()) == [rule.name for rule in RULES]


# What corrects a lack of bytecode is a command: tests/unit/emulator/checks/test_bytecode.py.
@pytest.mark.parametrize("name", [rule.name for rule in RULES if rule is not MISSING])
def test_each_example_has_the_mistake_and_what_is_to_be_written_has_it_not(tmp_path: Path, name: str) -> None:
    wrong, right = sections()[name]

    assert name in rules(check(tmp_path, *template(wrong)))
    assert name not in rules(check(tmp_path, *template(right)))
