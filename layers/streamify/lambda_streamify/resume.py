"""Streams that survive a reconnect: the stores for `resumable`, and `stop`.

    from lambda_streamify import resumable, sse
    from lambda_streamify.resume import DynamoDBStore

    store = DynamoDBStore(boto3.client("dynamodb"), "runs")

    def handler(event, context):
        return resumable(lambda: sse.events(answer(event)), store, key=chat_id(event))

A store keeps the events of each run for readers that come back. `Store` names its methods, for a store of your own.
"""

from ._resume.dynamodb_store import DynamoDBStore
from ._resume.memory_store import MemoryStore
from ._resume.run import ENDED, FAILED, LOST, RUNNING, STOPPED, Run
from ._resume.sqlite_store import SQLiteStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._resume.store import Store

__all__ = [
    "ENDED",
    "FAILED",
    "LOST",
    "RUNNING",
    "STOPPED",
    "DynamoDBStore",
    "MemoryStore",
    "Run",
    "SQLiteStore",
    "Store",
    "stop",
]


def stop(store: "Store", key: str) -> bool:
    """Ask the writer of the run of `key` to stop. Return whether there is a run that is running.

    The writer learns of it within a second. It closes an async body at once, and a sync body when that yields its next
    chunk. Then it sends the event `stopped` to its client and to every reader. Calls of the store may raise its errors.
    """
    return store.request_stop(key)


def __getattr__(name: str) -> object:
    if name == "Store":
        from ._resume.store import Store  # imported late: only type checkers and tests need `typing`

        return Store
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
