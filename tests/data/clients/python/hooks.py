"""A function with hooks around its snapshot."""

import os

from snapshot_restore_py import register_after_restore, register_before_snapshot

DONE: list[str] = []
register_before_snapshot(DONE.append, "before")
register_after_restore(DONE.append, "after")


def fail() -> None:
    if os.environ.get("FAILS"):
        raise RuntimeError("not restored")


register_after_restore(fail)


def handler(_event: object, _context: object) -> object:
    return DONE
