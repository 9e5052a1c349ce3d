"""Has a hook that fails after the snapshot was restored."""

from snapshot_restore_py import register_after_restore


@register_after_restore
def fail():
    raise ValueError("after")


def handler(event, context):
    return "never called"
