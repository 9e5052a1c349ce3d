"""Has a hook that fails before the snapshot."""

from snapshot_restore_py import register_before_snapshot


@register_before_snapshot
def fail():
    raise ValueError("before")


def handler(event, context):
    return "never called"
