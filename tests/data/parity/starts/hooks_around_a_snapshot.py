"""Has hooks for SnapStart."""

from snapshot_restore_py import register_after_restore, register_before_snapshot

register_before_snapshot(print, "before, registered first")
register_before_snapshot(print, "before, registered last")
register_after_restore(print, "after, registered first")
register_after_restore(print, "after, registered last")


def handler(event, context):
    return "answered"
