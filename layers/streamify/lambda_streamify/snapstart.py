"""SnapStart: the hooks around the snapshot that Lambda takes of an initialised function.

Sources: AWS Lambda Developer Guide, "Implement code before or after Lambda function snapshots", and the Runtime API;
order, error names and exit codes as AWS's Python runtime has them (observed with awslambdaric 4.2.2).
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Hooks = list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]]

BEFORE_SNAPSHOT_ERROR, BEFORE_SNAPSHOT_EXIT = "Runtime.BeforeSnapshotError", 64
AFTER_RESTORE_ERROR, AFTER_RESTORE_EXIT = "Runtime.AfterRestoreError", 65


def is_snapstart(environ: "Mapping[str, str]") -> bool:
    """Whether this process is to become a snapshot."""
    return environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"


def run_before_snapshot() -> None:
    """Run the function's hooks for the moment before the snapshot, the last registered first."""
    from snapshot_restore_py import get_before_snapshot  # part of the managed runtime

    hooks: Hooks = get_before_snapshot()
    while hooks:
        hook, arguments, keywords = hooks.pop()
        hook(*arguments, **keywords)


def run_after_restore() -> None:
    """Run the function's hooks for the moment after a snapshot was restored, the first registered first."""
    from snapshot_restore_py import get_after_restore

    hooks: Hooks = get_after_restore()
    for hook, arguments, keywords in hooks:
        hook(*arguments, **keywords)
