"""What the reader of a run does, without input and output.

Each function is a generator of steps, which the sync and the async form share. For a `Call`, the form calls the
function that it names and sends the result back. For a `Sleep`, it waits that long. It sends bytes to the client.
"""

from collections import namedtuple

from ..errors import BadRequest, RunFailed
from .event_blocks import with_id
from .run import FAILED, LOST, RUNNING, event_id, number_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from typing import Any

    from .run import Run
    from .store import Store

    Steps = Generator["Call | Sleep | bytes", Any, Any]

WAITING = b": waiting\n\n"  # a comment: status and headers leave with it before there is an event

Call = namedtuple("Call", ("function", "arguments"))  # noqa: PYI024 - `typing` starts late
Sleep = namedtuple("Sleep", ("seconds",))  # noqa: PYI024 - as above


def open_for_reading(store: "Store", key: str, after: "str | None") -> "Steps":
    """Return the run of `key` and the number of the event to begin after, or None if there is nothing to send.

    Raises BadRequest for an id that the run has not sent, RunFailed if there is nothing but a failure to tell.
    """
    run: Run | None = yield Call(store.find, (key,))
    if run is None:
        if after is None:
            return None
        raise BadRequest("the stream that the event id belongs to is no longer kept; begin anew without an id")
    if run.state == LOST and after == event_id(run.id, LOST):  # this reader has been told
        return None
    position = 0 if after is None else number_of(after, run)
    if run.state in (RUNNING, LOST) or position < run.last:
        return run, position
    if after is None and run.state == FAILED:
        raise _failure(run)
    return None


def follow(
    store: "Store",
    key: str,
    run: "Run",
    position: int,
    *,
    writer_timeout: float,
    lost: "bytes | None",
    clock: "Callable[[], float]",
) -> "Steps":
    """Send the events after `position` as they come, and end as the run ends.

    A run whose beats do not rise for `writer_timeout` seconds is lost. The first reader to notice writes that into the
    store, unless the writer has come back. Raises RunFailed at the end of a run that failed or is lost.
    """
    heard_at = clock()
    if run.state == RUNNING and position >= run.last:
        yield WAITING
    while True:
        run, position = yield from _send_kept(store, key, run, position)
        if run.state != RUNNING:
            break
        left = heard_at + writer_timeout - clock()
        if left > 0:
            yield Sleep(min(store.poll_seconds, left))
        else:
            yield Call(store.end, (key, run.id, LOST, run.beats))
        found: Run | None = yield Call(store.find, (key,))
        if found is None or found.id != run.id:  # it has expired
            run = run._replace(state=LOST)
            break
        if found.beats != run.beats:
            heard_at = clock()
        run = found
    yield from _end(run, lost)


def _send_kept(store: "Store", key: str, run: "Run", position: int) -> "Steps":
    """Send the events after `position`. Returns the run, which is lost if its events are gone, and the new position."""
    while position < run.last:
        events: Sequence[bytes] = yield Call(store.read, (key, run, position))
        if not events:
            return run._replace(state=LOST), position
        for event in events:
            position += 1
            yield with_id(event, event_id(run.id, position))
    return run, position


def _end(run: "Run", lost: "bytes | None") -> "Steps":
    if run.state == LOST and lost is not None:
        yield with_id(lost, event_id(run.id, LOST))
    if run.state in (LOST, FAILED):
        raise _failure(run)


def _failure(run: "Run") -> RunFailed:
    if run.state == LOST:
        return RunFailed(
            "the run that this stream follows was cut off: its function was ended, or its store failed or deleted it"
        )
    return RunFailed("the run that this stream follows has failed: the log of the request that began it says why")
