"""What a parser of deploy/scalyr/ makes of a line, by the rules of https://app.scalyr.com/help/parsing-logs.

Scalyr's own parser is a service. This knows what our files use of its language, and refuses the rest.
"""

import json
import re
from typing import Any

from processes import ROOT

PARSERS = ROOT / "deploy" / "scalyr" / "logParsers"
PREDEFINED = {"digits": r"\d+", "number": r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", "identifier": "[A-Za-z_][A-Za-z0-9_-]*"}
KNOWN = {"attributes", "patterns", "formats"}
KNOWN_OF_FORMAT = {"format", "halt"}
_FIELD = re.compile(r"\$(?P<name>\w*)=(?P<pattern>\w+)(?P<json>\{parse=json\})?\$")


class Parser:
    """A parser of deploy/scalyr/logParsers, by its name."""

    def __init__(self, name: str) -> None:
        self._definition = parse_with_comments((PARSERS / name).read_text())
        assert self._definition.keys() <= KNOWN
        assert all(one.keys() <= KNOWN_OF_FORMAT for one in self._definition["formats"])

    def fields(self, line: str) -> dict[str, Any]:
        """Return the fields of the line, without those that each line has."""
        fields: dict[str, Any] = {}
        for one in self._definition["formats"]:
            found = self._expression(one["format"]).match(line)
            if found is None:
                continue
            for name, text in found.groupdict().items():
                fields |= json.loads(text) if name == "json" else {name: text}
            if one.get("halt"):
                break
        return fields

    def _expression(self, text: str) -> "re.Pattern[str]":
        """Return the regular expression of a format. Text between fields is one, but for its spaces."""
        place, expression = 0, ""
        for field in _FIELD.finditer(text):
            expression += self._between(text[place : field.start()]) + self._group(field)
            place = field.end()
        return re.compile(expression + self._between(text[place:]))

    def _between(self, text: str) -> str:
        assert "$" not in text, f"{text!r} has a field of a kind that the project does not use"
        return re.sub(" +", r"\\s+", text)

    def _group(self, field: "re.Match[str]") -> str:
        if field["json"]:
            assert (field["name"], field["pattern"]) == ("", "json")
            return r"(?P<json>\{.*\})"
        pattern = self._definition.get("patterns", {}).get(field["pattern"]) or PREDEFINED[field["pattern"]]
        return f"(?P<{field['name']}>{pattern})"


def parse_with_comments(text: str) -> Any:
    """Return the value of JSON in which whole lines may be comments, as in the configurations of Scalyr."""
    return json.loads("\n".join(line for line in text.splitlines() if not line.lstrip().startswith("//")))
