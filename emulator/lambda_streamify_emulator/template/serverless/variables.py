"""Resolves the variables of serverless.yml, such as `${self:custom.name, 'default'}`, as far as they can be known here.

Source: the Serverless Framework's documentation, "Variables" and "Parameters". What only AWS knows (`ssm`, `cf`, `s3`)
or only a program (`file(x.js)`) becomes a value that is named as unknown.
"""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ...account import ACCOUNT_ID, REGION
from ...errors import TemplateError
from ..document import parse_document, read_text
from ..dotenv import read_env_file
from ..intrinsics import UNKNOWN

DEFAULT_STAGE = "dev"
_BEGIN = re.compile(r"\$\{(?=(?:[a-zA-Z]\w*(?:\([^)]*\))?:(?!:)|strToBool\(|file\())")
_SOURCE = re.compile(r"(?P<kind>[a-zA-Z]\w*)(?:\((?P<argument>[^)]*)\))?(?::(?P<address>.*))?", re.DOTALL)
_LITERAL = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None}
_MISSING = object()


class _UnknownError(Exception):
    """A variable has a value that cannot be known here."""


class Variables:
    """The variables of the document at `path`. `options` are the values of the command line, for `opt` and `param`."""

    def __init__(self, path: Path, document: Mapping[str, Any], options: Mapping[str, str]) -> None:
        self._path = path
        self._document = document
        self._options = options
        self._sources: dict[str, Callable[[str, str], Any]] = {
            "self": lambda _, address: self._own(address),
            "opt": lambda _, address: self._options.get(address, _MISSING),
            "env": lambda _, address: self._environment().get(address, _MISSING),
            "sls": lambda _, address: self.stage if address == "stage" else _unknown(),
            "param": lambda _, address: self._parameter(address),
            "aws": lambda _, address: {"region": REGION, "accountId": ACCOUNT_ID}.get(address) or _unknown(),
            "file": self._file,
            "strToBool": lambda argument, _: _boolean(argument),
        }

    @property
    def stage(self) -> str:
        """The stage: that of the option `stage`, else the provider's, else `dev`."""
        provider = self._document.get("provider")
        own = provider.get("stage", DEFAULT_STAGE) if isinstance(provider, dict) else DEFAULT_STAGE
        return str(self._options.get("stage") or self.resolve(own))

    def resolve(self, value: Any) -> Any:
        """Return `value` with the values of its variables; one that is not known is `{Fn::Unknown: its text}`."""
        if isinstance(value, dict):
            return {key: self.resolve(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self.resolve(part) for part in value]
        if not isinstance(value, str) or not _BEGIN.search(value):
            return value
        try:
            return self._expand(value)
        except _UnknownError:
            return {UNKNOWN: value}

    def _expand(self, text: str) -> Any:
        """Return the text with the values of its variables; the value itself if the text is one variable."""
        begin = _BEGIN.search(text)
        if begin is None:
            return text
        end = _end(text, begin.end())
        value = self._value(_text(self._expand(text[begin.end() : end])))
        if begin.start() == 0 and end == len(text) - 1:
            return value
        return f"{text[: begin.start()]}{_text(value)}{_text(self._expand(text[end + 1 :]))}"

    def _value(self, inner: str) -> Any:
        """Return the first value that is there of those that a variable names, separated by commas."""
        value: Any = _MISSING
        for part in _parts(inner):
            value = self._part(part.strip())
            if value is not _MISSING and value is not None:
                return self._known(value)
        if value is None:  # written so
            return None
        raise _UnknownError

    def _part(self, part: str) -> Any:
        literal = _LITERAL.fullmatch(part)
        if literal is not None:
            return literal[1] if literal[1] is not None else literal[2]
        if part in _WORDS:
            return _WORDS[part]
        if _NUMBER.fullmatch(part):
            return float(part) if "." in part else int(part)
        source = _SOURCE.fullmatch(part)
        if source is None or source["kind"] not in self._sources:
            raise _UnknownError
        return self._sources[source["kind"]](source["argument"] or "", source["address"] or "")

    def _known(self, value: Any) -> Any:
        resolved = self.resolve(value)
        if isinstance(resolved, dict) and UNKNOWN in resolved:
            raise _UnknownError
        return resolved

    def _own(self, address: str) -> Any:
        if address == "provider.stage":
            return self.stage
        found = _at(self._document, address)
        return REGION if found is _MISSING and address == "provider.region" else found

    def _parameter(self, name: str) -> Any:
        if name in self._options:
            return self._options[name]
        addresses = [f"{prefix}.{stage}{suffix}" for stage in (self.stage, "default") for prefix, suffix in _PARAMS]
        found = [_at(self._document, f"{address}.{name}") for address in addresses]
        return next((value for value in found if value is not _MISSING), _MISSING)

    def _environment(self) -> Mapping[str, str]:
        """Return the variables of the shell, and those of the files that the Framework reads."""
        version = str(self._document.get("frameworkVersion", "")).lstrip("^~>= ")
        if self._document.get("useDotenv") is not True and not version.startswith("4"):
            return os.environ
        files = (self._path.parent / f".env.{self._options.get('stage', DEFAULT_STAGE)}", self._path.parent / ".env")
        file = next((file for file in files if file.is_file()), None)
        return os.environ if file is None else {**read_env_file(file), **os.environ}

    def _file(self, name: str, address: str) -> Any:
        file = self._path.parent / name.strip()
        if file.suffix not in (".yml", ".yaml", ".json"):
            raise _UnknownError
        if not file.is_file():
            return _MISSING
        try:
            content = parse_document(file, read_text(file))
        except TemplateError:
            raise _UnknownError from None
        return self._known(content if not address else _at(content, address))


_PARAMS = (("params", ""), ("stages", ".params"))


def _unknown() -> Any:
    raise _UnknownError


def _text(value: Any) -> str:
    if isinstance(value, dict | list) or value is None:
        raise _UnknownError
    return str(value).lower() if isinstance(value, bool) else str(value)


def _boolean(text: str) -> bool:
    value = text.strip().strip("'\"").lower()
    if value not in ("true", "false", "1", "0"):
        raise _UnknownError
    return value in ("true", "1")


def _at(value: Any, address: str) -> Any:
    """Return the value at an address such as `custom.names.0`."""
    for key in address.split(".") if address else ():
        if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        elif isinstance(value, dict) and key in value:
            value = value[key]
        else:
            return _MISSING
    return value


def _end(text: str, begin: int) -> int:
    """Return the place of the brace that ends a variable whose content begins at `begin`."""
    depth = 1
    for place in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return place
    raise _UnknownError


def _parts(inner: str) -> list[str]:
    """Return the parts between commas, except those in quotes and in parentheses."""
    return re.findall(r"(?:'[^']*'|\"[^\"]*\"|\([^)]*\)|[^,'\"(])+", inner)
