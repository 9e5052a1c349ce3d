"""The modules of benchmarks/, which import each other by their bare names."""

import importlib
import sys
from typing import Any

from processes import ROOT

FOLDER = ROOT / "benchmarks"


def benchmark(name: str) -> Any:
    """Return the module benchmarks/NAME.py."""
    sys.path.append(str(FOLDER))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(FOLDER))
