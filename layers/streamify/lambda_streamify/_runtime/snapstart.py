"""SnapStart: the function's hooks before and after the snapshot that Lambda takes of an initialised function.

Sources: AWS Lambda Developer Guide, "Implement code before or after Lambda function snapshots", and the Runtime API.
Order, error names and exit codes are those of AWS's Python runtime (observed with awslambdaric 4.2.2).
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Hooks = list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]]

BEFORE_SNAPSHOT_ERROR, BEFORE_SNAPSHOT_EXIT = "Runtime.BeforeSnapshotError", 64
AFTER_RESTORE_ERROR, AFTER_RESTORE_EXIT = "Runtime.AfterRestoreError", 65


def run_before_snapshot() -> None:
    """Run the function's before-snapshot hooks, the one registered last first."""
    from snapshot_restore_py import get_before_snapshot  # part of AWS's managed runtime

    hooks: Hooks = get_before_snapshot()
    while hooks:
        hook, arguments, keywords = hooks.pop()
        hook(*arguments, **keywords)


def run_after_restore() -> None:
    """Run the function's after-restore hooks in the order of registration."""
    from snapshot_restore_py import get_after_restore

    hooks: Hooks = get_after_restore()
    for hook, arguments, keywords in hooks:
        hook(*arguments, **keywords)
