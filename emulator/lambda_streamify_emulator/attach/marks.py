"""The tags that say what was attached, from which a plan is made again when its file is gone.

A tag's value has up to 256 letters, digits, spaces and `_.:/=+-@` (Tagging AWS Resources User Guide, "Tag naming
limits and requirements"). So each fact has a tag of its own, in plain text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "streamify:"
VIA = f"{PREFIX}via"
NAME = f"{PREFIX}name"
LAYER = f"{PREFIX}layer"
URL = f"{PREFIX}url"
TIMEOUT = f"{PREFIX}before:timeout"
VARIABLE = f"{PREFIX}before:"
SECOND_OF = f"{PREFIX}second-function-of"
_VALUE = re.compile(r"[\w .:/=+@-]{0,256}")


@dataclass(frozen=True)
class Mark:
    """How the layer was attached, and what was there before."""

    via: str
    name: str = ""  # of the alias, or of the second function
    layer: str = ""  # the ARN, if it was added
    url: str = ""  # who may use the URL, AWS_IAM or NONE, if one was added
    timeout_s: int | None = None  # the function's before, if it was changed
    variables: Mapping[str, str] = field(default_factory=dict)  # those there were before, of the ones that were set


def to_tags(mark: Mark) -> dict[str, str]:
    """Return the tags of a mark."""
    tags = {VIA: mark.via, NAME: mark.name, LAYER: mark.layer, URL: mark.url}
    if mark.timeout_s is not None:
        tags[TIMEOUT] = str(mark.timeout_s)
    return {key: value for key, value in tags.items() if value} | {
        f"{VARIABLE}{name}": value for name, value in mark.variables.items()
    }


def from_tags(tags: Mapping[str, str]) -> Mark | None:
    """Return the mark in a function's tags, None if there is none."""
    if VIA not in tags:
        return None
    variables = {
        key.removeprefix(VARIABLE): value for key, value in tags.items() if key.startswith(VARIABLE) and key != TIMEOUT
    }
    timeout = int(tags[TIMEOUT]) if tags.get(TIMEOUT, "").isdigit() else None
    return Mark(tags[VIA], tags.get(NAME, ""), tags.get(LAYER, ""), tags.get(URL, ""), timeout, variables)


def unfit(mark: Mark) -> str | None:
    """Return the name of a variable whose value no tag can hold, None if all can."""
    return next((name for name, value in mark.variables.items() if not _VALUE.fullmatch(value)), None)
