"""Compiles modules with the Python that runs it: python compile_script.py <FILES.

The input is a JSON array of pairs: a source, and its path on AWS. For each one a line of JSON tells what became of it.
The script runs under the Python of a function's runtime, so it imports nothing of the emulator.
"""

import importlib.util
import json
import os
import py_compile
import sys
from pathlib import Path

# PEP 552: the magic number, the flags, and the hash of the source. Flag 1: there is a hash; flag 2: Python checks it.
UNCHECKED = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little")


def main() -> None:
    """Compile the files that standard input names."""
    os.umask(0o022)  # the user whom Lambda runs functions as has to read what is written here
    for source, shown in json.load(sys.stdin):
        try:
            result = compile_module(Path(source), shown)
        except py_compile.PyCompileError as error:
            result = {"error": f"{error.exc_type_name}: {error.exc_value}"}
        except OSError as error:
            result = {"failure": str(error)}
        print(json.dumps({"file": source, **result}), flush=True)  # noqa: T201


def compile_module(source: Path, shown: str) -> "dict[str, object]":
    """Write the bytecode of `source` unless it is there; return whether it was written, and the bytes that it adds."""
    bytecode = Path(importlib.util.cache_from_source(str(source)))
    before = bytecode.read_bytes() if bytecode.is_file() else b""
    if before.startswith(UNCHECKED + importlib.util.source_hash(source.read_bytes())):
        return {"is_written": False, "added": 0}
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(source), dfile=shown, doraise=True, invalidation_mode=unchecked)
    return {"is_written": True, "added": bytecode.stat().st_size - len(before)}


if __name__ == "__main__":
    main()
