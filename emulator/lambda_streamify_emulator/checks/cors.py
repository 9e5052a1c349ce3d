"""Cors of a URL: what a page needs to send JSON, and who sets the headers."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .finding import WARNING, Finding, Rule
from .project import Project
from .values import is_unresolved, mapping_or_empty

JSON_POST = Rule("cors-json-post", WARNING, "The `Cors` of a URL does not allow what a page needs to POST JSON.")
TWICE = Rule("cors-twice", WARNING, "The URL has `Cors`, and the function's code sets CORS headers too.")
RULES = (JSON_POST, TWICE)

_SETS_HEADERS = re.compile(r"access-control-allow-origin|\bCORSMiddleware\b|\bflask_cors\b", re.IGNORECASE)
_NEEDED = {"AllowOrigins": "", "AllowMethods": "POST", "AllowHeaders": "content-type"}


def check(project: Project) -> Iterator[Finding]:
    """The findings of this subject."""
    for function in project.functions.values():
        for url in function.urls:
            cors = mapping_or_empty(url.properties.get("Cors"))
            if not cors:
                continue
            missing = [key for key, needed in _NEEDED.items() if not _allows(cors, key, needed)]
            place = project.place(url.resource, *url.keys, "Cors")
            if missing:
                lacking = " and ".join(f"{key} {_lacking(key)}" for key in missing)
                yield JSON_POST.found(
                    place,
                    url.resource,
                    f"its Cors does not allow pages to POST JSON: {lacking}",
                    "; ".join(f"{key}: [{_NEEDED[key] or 'https://your.site'}]" for key in missing),
                )
            hit = function.source.find(_SETS_HEADERS)
            if hit:
                yield TWICE.found(
                    place,
                    url.resource,
                    f"its URL has Cors, and {hit} sets CORS headers too: both arrive, and browsers refuse the response",
                    "Cors of the URL, or CORS headers in the code; not both",
                )


def _lacking(key: str) -> str:
    return f"is without {_NEEDED[key]}" if _NEEDED[key] else "is missing"


def _allows(cors: Mapping[str, Any], key: str, needed: str) -> bool:
    """Whether the list `key` has `needed`, or any entry; what cannot be resolved counts as allowing it."""
    values = cors.get(key)
    if is_unresolved(values) or not isinstance(values, list):
        return values is not None
    if any(is_unresolved(value) for value in values):
        return True
    # With credentials browsers take * for a name like any other (Fetch standard, "CORS protocol and credentials").
    wildcard = "*" in values and (key == "AllowOrigins" or str(cors.get("AllowCredentials")).lower() != "true")
    return wildcard or any(not needed or str(value).lower() == needed.lower() for value in values)
