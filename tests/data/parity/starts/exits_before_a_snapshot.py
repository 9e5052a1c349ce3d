"""Has a hook that exits before the snapshot."""

import sys

from snapshot_restore_py import register_before_snapshot

register_before_snapshot(sys.exit, 3)


def handler(event, context):
    return "never called"
