"""Runs and the ids of their events.

A run is one execution of a body. It has a key, which requests name, and an id, which tells it from an earlier run under
the same key. The id of an event is `<id of the run>-<number>`; the numbers count from 1. So an id that a browser has
kept from an earlier run is refused, and never skips events of this one.
"""

from ..errors import BadRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    class Run(NamedTuple):
        """What a store knows of a run.

        id              str, the id of the run
        state           RUNNING, ENDED, STOPPED, FAILED or LOST
        last            int, the number of the last event that is kept; 0 if there is none
        beats           int, which each `append` raises: while it rises, the writer is alive
        stop_requested  bool, whether somebody has asked the writer to stop
        """

        id: str
        state: str
        last: int
        beats: int
        stop_requested: bool

else:
    from collections import namedtuple

    Run = namedtuple("Run", ("id", "state", "last", "beats", "stop_requested"))  # noqa: PYI024 - `typing` starts late

RUNNING = "running"
ENDED = "ended"  # its body has ended
STOPPED = "stopped"  # `stop` was called
FAILED = "failed"  # its body raised an exception, or was closed early
LOST = "lost"  # its writer went silent, or could not keep all events

_DIGITS_LIMIT = 15  # of the number of an event
_SHOWN_LIMIT = 100  # characters of a client's text in an error message


def event_id(run_id: str, number: object) -> str:
    """Return the id of an event; its number is LOST in the event that tells a reader so."""
    return f"{run_id}-{number}"


def number_of(given: str, run: Run) -> int:
    """Return the number in the id `given`, which a client has sent. Raises BadRequest if it is none of this run."""
    run_id, _, digits = given.rpartition("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= _DIGITS_LIMIT and run_id):
        raise BadRequest(f"the event id {given[:_SHOWN_LIMIT]!r} is none that this stream has sent")
    number = int(digits)
    if run_id != run.id:
        raise BadRequest(f"the event id {given[:_SHOWN_LIMIT]!r} is of another stream; begin anew without an id")
    if number > run.last and run.state in (ENDED, STOPPED, FAILED):  # else its store may be behind the live stream
        raise BadRequest(f"the event id {given[:_SHOWN_LIMIT]!r} is beyond the end of the stream")
    return number
