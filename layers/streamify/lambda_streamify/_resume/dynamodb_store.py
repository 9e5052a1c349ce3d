"""Runs in a DynamoDB table.

The table has the partition key `pk` (a string), the sort key `at` (a number), and `expires` as its TTL attribute.

* The run of a key is one item: `pk` is "key#" and the key, `at` is 0. All writes to it are conditional.
* A batch of events is one item: `pk` is "run#" and the id of the run, `at` is 10,000 times the number of its last
  event, and `data` holds the events, joined. So a query for `at` from 10,000 times the next number on finds what a
  reader misses, although it does not know how events were batched.
* An event that is larger than an item is split over items whose `at` counts on from there.

Limits: an item has at most 400 KB, with the names of its attributes; a page of a query 1 MB; a partition key 2,048
bytes. TTL deletes items some time after they have expired ("Time to Live", Amazon DynamoDB Developer Guide), so expired
ones are ignored.
"""

from time import sleep, time

from .event_blocks import split_events
from .run import RUNNING, Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

_DATA_LIMIT_BYTES = 390_000  # of an item; the rest of 400 KB is for its other attributes
_PARTS_LIMIT = 10_000  # items of one event
# Waits before a throttled call is tried again, about 3 seconds in total. botocore tries again before that.
_BACKOFF_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
_THROTTLED = ("ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException")
_NAMES = {"#run": "run", "#state": "state", "#last": "last", "#beats": "beats", "#stop": "stop", "#expires": "expires"}


class DynamoDBStore:
    """Keeps runs in a DynamoDB table.

    client         boto3.client("dynamodb"), made by the caller
    table          str, the name of the table
    ttl            seconds that a run is kept from its beginning
    batch_seconds  how long the writer collects events for one item: more is cheaper, and later for other readers
    poll_seconds   how often a reader asks for news: more is cheaper, and later for that reader
    """

    def __init__(
        self,
        client: "Any",
        table: str,
        *,
        ttl: float = 24 * 60 * 60,
        batch_seconds: float = 0.2,
        poll_seconds: float = 0.25,
        clock: "Callable[[], float]" = time,
        sleep: "Callable[[float], object]" = sleep,
    ) -> None:
        self.batch_seconds = batch_seconds
        self.poll_seconds = poll_seconds
        self._client = client
        self._table = table
        self._ttl = ttl
        self._clock = clock
        self._sleep = sleep
        self._expires: dict[str, int] = {}  # by the id of a run that this process writes

    def begin(self, key: str, run_id: str) -> bool:
        expires = int(self._clock() + self._ttl)
        item = {
            **_head(key),
            "run": {"S": run_id},
            "state": {"S": RUNNING},
            "last": _number(0),
            "beats": _number(0),
            "stop": {"BOOL": False},
            "expires": _number(expires),
        }
        created = self._conditionally(
            "put_item",
            Item=item,
            ConditionExpression="attribute_not_exists(pk) OR #expires <= :now",
            ExpressionAttributeNames=_names("#expires"),
            ExpressionAttributeValues={":now": _number(self._clock())},
        )
        if created is None:
            run = self.find(key)
            if run is None or run.id != run_id:  # else botocore repeated a call whose answer was lost
                return False
        self._expires[run_id] = expires
        return True

    def find(self, key: str) -> "Run | None":
        item = self._call("get_item", Key=_head(key), ConsistentRead=True).get("Item")
        if item is None or float(item["expires"]["N"]) <= self._clock():
            return None
        return _run(item)

    def append(self, key: str, run_id: str, first: int, events: "Sequence[bytes]") -> "Run | None":
        if run_id not in self._expires:  # it has ended
            return None
        expires = _number(self._expires[run_id])
        for at, data in _batches(first, events):
            item = {**_part(run_id, at), "data": {"B": data}, "expires": expires}
            self._call("put_item", Item=item)
        updated = self._conditionally(
            "update_item",
            Key=_head(key),
            UpdateExpression="SET #last = :last ADD #beats :one",
            ConditionExpression="#run = :run AND #state = :running",
            ExpressionAttributeNames=_names("#last", "#beats", "#run", "#state"),
            ExpressionAttributeValues={
                ":last": _number(first + len(events) - 1),
                ":one": _number(1),
                ":run": {"S": run_id},
                ":running": {"S": RUNNING},
            },
            ReturnValues="ALL_NEW",
        )
        return None if updated is None else _run(updated["Attributes"])

    def read(self, key: str, run: "Run", after: int) -> "Sequence[bytes]":
        del key
        query = {
            "KeyConditionExpression": "pk = :pk AND #at BETWEEN :first AND :last",
            "ExpressionAttributeNames": {"#at": "at"},
            "ExpressionAttributeValues": {
                ":pk": _part(run.id, 0)["pk"],
                ":first": _number((after + 1) * _PARTS_LIMIT),
                ":last": _number(run.last * _PARTS_LIMIT + _PARTS_LIMIT - 1),
            },
            "ConsistentRead": True,
        }
        found: list[bytes] = []
        data = b""
        while True:
            page = self._call("query", **query)
            for item in page["Items"]:
                data += bytes(item["data"]["B"])
                if data.endswith(b"\n\n"):  # else the next item has the rest of an event
                    events = split_events(data)
                    last = int(item["at"]["N"]) // _PARTS_LIMIT
                    found += events[max(0, after + len(found) - (last - len(events))) :]
                    data = b""
            if found or "LastEvaluatedKey" not in page:
                return found
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def end(self, key: str, run_id: str, state: str, beats: "int | None" = None) -> bool:
        condition, names = "#run = :run AND #state = :running", ["#run", "#state"]
        values = {":run": {"S": run_id}, ":running": {"S": RUNNING}, ":state": {"S": state}}
        if beats is not None:
            condition += " AND #beats = :beats"
            names.append("#beats")
            values[":beats"] = _number(beats)
        self._expires.pop(run_id, None)
        return self._update(key, "SET #state = :state", condition, names, values)

    def request_stop(self, key: str) -> bool:
        values = {":yes": {"BOOL": True}, ":running": {"S": RUNNING}, ":now": _number(self._clock())}
        condition = "#state = :running AND #expires > :now"
        return self._update(key, "SET #stop = :yes", condition, ["#stop", "#state", "#expires"], values)

    # --- calls -------------------------------------------------------------------------------------------------------

    def _update(self, key: str, update: str, condition: str, names: "list[str]", values: "dict[str, Any]") -> bool:
        updated = self._conditionally(
            "update_item",
            Key=_head(key),
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeNames=_names(*names),
            ExpressionAttributeValues=values,
        )
        return updated is not None

    def _conditionally(self, operation: str, **arguments: "Any") -> "Any":
        """Call an operation that has a condition. Returns None if the condition is not met."""
        try:
            return self._call(operation, **arguments)
        except Exception as error:
            if _code(error) != "ConditionalCheckFailedException":
                raise
            return None

    def _call(self, operation: str, **arguments: "Any") -> "Any":
        """Call an operation on the table; again, after a wait, while the table is throttled."""
        call = getattr(self._client, operation)
        for wait in _BACKOFF_S:
            try:
                return call(TableName=self._table, **arguments)
            except Exception as error:
                if _code(error) not in _THROTTLED:
                    raise
            self._sleep(wait)
        return call(TableName=self._table, **arguments)


def _code(error: Exception) -> object:
    """Return the error code of botocore's ClientError."""
    return getattr(error, "response", {}).get("Error", {}).get("Code")


def _batches(first: int, events: "Sequence[bytes]") -> "Iterator[tuple[int, bytes]]":
    """Yield the items for events whose numbers begin with `first`: the value of `at`, and the data."""
    batch: list[bytes] = []
    size, number = 0, first - 1
    for event in events:
        if batch and size + len(event) > _DATA_LIMIT_BYTES:
            yield number * _PARTS_LIMIT, b"".join(batch)
            batch, size = [], 0
        number += 1
        if len(event) > _DATA_LIMIT_BYTES:
            for part, start in enumerate(range(0, len(event), _DATA_LIMIT_BYTES)):
                yield number * _PARTS_LIMIT + part, event[start : start + _DATA_LIMIT_BYTES]
            continue
        batch.append(event)
        size += len(event)
    if batch:
        yield number * _PARTS_LIMIT, b"".join(batch)


def _run(item: "dict[str, Any]") -> Run:
    return Run(
        item["run"]["S"], item["state"]["S"], int(item["last"]["N"]), int(item["beats"]["N"]), item["stop"]["BOOL"]
    )


def _head(key: str) -> "dict[str, Any]":
    return {"pk": {"S": f"key#{key}"}, "at": _number(0)}


def _part(run_id: str, at: int) -> "dict[str, Any]":
    return {"pk": {"S": f"run#{run_id}"}, "at": _number(at)}


def _number(value: float) -> "dict[str, str]":
    return {"N": str(value)}


def _names(*names: str) -> "dict[str, str]":
    return {name: _NAMES[name] for name in names}
