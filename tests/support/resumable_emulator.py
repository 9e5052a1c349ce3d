"""An emulator with the function of tests/data/resumable, whose sandboxes share a SQLite store."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emulator_process import EmulatorProcess, emulating
from lambda_streamify.resume import SQLiteStore
from processes import ROOT

TEMPLATE = ROOT / "tests" / "data" / "resumable" / "template.yaml"


@contextmanager
def resumable_emulator(folder: Path, cache: Path) -> Iterator[tuple[EmulatorProcess, SQLiteStore]]:
    """Run the emulator for the length of the block; gives it, and the store that its sandboxes use."""
    runs = folder / "runs.db"
    with emulating(folder, cache, "--parameter", f"Runs={runs}", template=TEMPLATE, measured=False) as emulator:
        yield emulator, SQLiteStore(runs)
