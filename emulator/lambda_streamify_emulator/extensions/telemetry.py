"""What happens in a sandbox, as events for its subscribers.

Sources: AWS Lambda Developer Guide, "Lambda Telemetry API Event schema reference" and "Lambda Logs API".
"""

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from .delivery import Subscriber
from .subscription import LOGS, Subscription

# Events before a subscription, which a later subscriber gets as well, as AWS's examples show. More are dropped.
EARLY_LIMIT = 1_000
BEHIND = "Consumer seems to have fallen behind as it has not acknowledged receipt of logs."  # AWS's wording

_ONLY_IN_LOGS = frozenset(("platform.end", "platform.fault", "platform.logsSubscription"))
# The platform's events that subscribers of the Logs API get: Developer Guide, "Lambda Logs API".
_IN_LOGS = _ONLY_IN_LOGS | {"platform.start", "platform.report", "platform.extension", "platform.logsDropped"}
_SINCE_2021 = "platform.runtimeDone"

Event = tuple[str, bytes]


def timestamp(seconds: float) -> str:
    """Return a time, in seconds since the epoch, in the format of the events: ISO 8601 in milliseconds."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def encode(kind: str, record: Mapping[str, Any] | str, now: float) -> bytes:
    """Return an event as JSON. `now` is in seconds since the epoch."""
    event = {"time": timestamp(now), "type": kind, "record": record}
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def is_for(subscription: Subscription, kind: str) -> bool:
    """Whether the subscriber wants events of this type."""
    if kind.partition(".")[0] not in subscription.types:
        return False
    if not kind.startswith("platform."):
        return True
    if subscription.api is not LOGS:
        return kind not in _ONLY_IN_LOGS
    return kind in _IN_LOGS or (kind == _SINCE_2021 and subscription.version != LOGS.versions[0])


class Telemetry:
    """The subscribers of one sandbox. `warn` is called when one loses events.

    `clock` returns seconds since the epoch.
    """

    def __init__(self, warn: Callable[[str], None], clock: Callable[[], float] = time.time) -> None:
        self.is_open = True
        """Whether extensions may still subscribe."""
        self._warn = warn
        self._clock = clock
        self._early: list[Event] = []
        self._subscribers: dict[str, Subscriber] = {}

    def subscription(self, name: str) -> Subscription | None:
        """Return the subscription of the extension with this name, if it has one."""
        subscriber = self._subscribers.get(name)
        return None if subscriber is None else subscriber.subscription

    def subscribe(self, name: str, subscription: Subscription) -> None:
        """Add or replace the subscription of an extension, and report it."""
        before = self._subscribers.pop(name, None)
        if before is not None:
            before.close()
        subscriber = Subscriber(name, subscription, self._dropped, self._warn)
        self._subscribers[name] = subscriber
        if before is None:
            for kind, event in self._early:
                if is_for(subscription, kind):
                    subscriber.add(event)
            record = {"name": name, "state": "Subscribed", "types": list(subscription.types)}
            self.emit(subscription.api.subscribed, record)

    @property
    def is_read(self) -> bool:
        """Whether anybody gets the events, or may still subscribe to them."""
        return self.is_open or bool(self._subscribers)

    def close_subscription(self) -> None:
        """End the time in which extensions may subscribe."""
        self.is_open = False
        self._early.clear()

    def emit(self, kind: str, record: Mapping[str, Any] | str) -> None:
        """Send an event to the subscribers of its type."""
        if not self.is_read:
            return
        event = encode(kind, record, self._clock())
        if self.is_open and len(self._early) < EARLY_LIMIT:
            self._early.append((kind, event))
        for subscriber in self._subscribers.values():
            if is_for(subscriber.subscription, kind):
                subscriber.add(event)

    def line(self, kind: str, text: str) -> None:
        """Send a line of the log: `kind` is "function" or "extension". Carriage returns divide a record's lines."""
        self.emit(kind, text.rstrip("\r").replace("\r", "\n"))

    def flush(self) -> None:
        """Send all waiting events now."""
        for subscriber in self._subscribers.values():
            subscriber.flush()

    def close(self) -> None:
        """Stop sending."""
        while self._subscribers:
            _, subscriber = self._subscribers.popitem()
            subscriber.close()

    def _dropped(self, items: int, size: int) -> bytes:
        record = {"droppedBytes": size, "droppedRecords": items, "reason": BEHIND}
        return encode("platform.logsDropped", record, self._clock())
