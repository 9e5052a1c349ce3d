"""The request events in events/: one of each caller, in the shape in which its service sends it."""

import json
from typing import Any

from processes import ROOT

FOLDER = ROOT / "events"


def event(name: str) -> Any:
    """The event of this file, such as "function-url"."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
