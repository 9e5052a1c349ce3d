"""The fault matrix as data: what is to happen when which fault strikes at which place of a stream.

tests/robustness/test_fault_matrix.py runs each cell; docs/reference/reliability.md is written from both.
"""

from dataclasses import dataclass, replace
from enum import Enum


class Place(Enum):
    """Where in the life of a process and its stream a fault strikes."""

    IMPORT = "at import"
    BEFORE = "before the first chunk"
    MIDDLE = "between chunks"
    LARGE = "within a large chunk"
    END = "after the last chunk"
    IDLE = "between invocations"


class FrontEnd(Enum):
    """Who asks."""

    STREAM = "URL, streaming"
    BUFFERED = "URL, buffered"
    SDK_STREAM = "SDK, stream"
    SDK_INVOKE = "SDK, invoke"
    REST = "REST API"


STREAMING = (FrontEnd.STREAM, FrontEnd.SDK_STREAM, FrontEnd.REST)


class Outcome(Enum):
    """What becomes of the response."""

    COMPLETE = "complete"
    FAILED = "failed"
    BROKEN = "broken off"
    NOBODY = "nobody reads"


SEEN: dict[Outcome, dict[FrontEnd, str]] = {
    Outcome.COMPLETE: {
        FrontEnd.STREAM: "status 200 and the whole body",
        FrontEnd.BUFFERED: "status 200 and the whole body",
        FrontEnd.SDK_STREAM: "the whole payload, then `InvokeComplete` without an error",
        FrontEnd.SDK_INVOKE: "the whole payload, no `FunctionError`",
        FrontEnd.REST: "status 200 and the whole body",
    },
    Outcome.FAILED: {
        FrontEnd.STREAM: "502 `Internal Server Error`",
        FrontEnd.BUFFERED: "502 `Internal Server Error`",
        FrontEnd.SDK_STREAM: "`InvokeComplete` with the `ErrorCode`",
        FrontEnd.SDK_INVOKE: "`FunctionError`, and the error's report as payload",
        FrontEnd.REST: '502 `{"message": "Internal server error"}`',
    },
    Outcome.BROKEN: {
        FrontEnd.STREAM: "status 200 and the body so far, which ends as if it were whole (`--stream-error end`)",
        FrontEnd.BUFFERED: "502 `Internal Server Error`",
        FrontEnd.SDK_STREAM: "the payload so far, then `InvokeComplete` with the `ErrorCode`",
        FrontEnd.SDK_INVOKE: "`FunctionError`, and the error's report as payload, if there is one",
        FrontEnd.REST: "status 200 and the body so far; the connection breaks",
    },
    Outcome.NOBODY: dict.fromkeys(FrontEnd, "the client has gone; the function runs to its end"),
}


@dataclass(frozen=True)
class Cell:
    """What is to happen: `error` is the code that SDKs see, `log` what the function's log holds."""

    outcome: Outcome
    error: str = ""
    log: tuple[str, ...] = ()
    """`{function}` stands for the function's name."""
    survives: bool = False
    """Whether the same process answers the next invocation, or another one."""
    front_ends: tuple[FrontEnd, ...] = tuple(FrontEnd)
    buffered_log: tuple[str, ...] = ()
    """What the log holds instead where nothing has been sent before the whole body is there."""


@dataclass(frozen=True)
class Fault:
    """A row: a cell, or the reason why there is none, for each place."""

    name: str
    strikes: str
    """What the function or its surroundings are told to do."""
    cells: dict[Place, Cell | str]


def failed(error: str, *log: str, survives: bool = False) -> Cell:
    """The error comes before the first byte."""
    return Cell(Outcome.FAILED, error, log, survives)


def broken(error: str, *log: str, survives: bool = False, front_ends: tuple[FrontEnd, ...] = tuple(FrontEnd)) -> Cell:
    """The error comes behind the first byte."""
    return Cell(Outcome.BROKEN, error, log, survives, front_ends)


def in_chunk(error: str, *log: str) -> Cell:
    """The process ends within a chunk, which only those see who read it as it comes."""
    return broken(error, *log, front_ends=STREAMING)


def refused(status: str, *, goes_on: bool) -> Fault:
    """The Runtime API refuses a call with this status.

    An answer that was refused whole is as good as none: who asks for an event then gets the same one again.
    """
    said, stops = f"the Runtime API answered {status} to ", f"the runtime stops: the Runtime API answered {status} to "
    undelivered = f"the response was not delivered: {said}response"
    cut = broken(TRUNCATED, undelivered, CUT, survives=True)
    ended = broken("Runtime.ExitError", f"{stops}response", ENDED)
    return Fault(
        f"the Runtime API answers {status}",
        status,
        {
            Place.IMPORT: failed("Runtime.ExitError", f"{stops}init/error", ENDED),
            Place.BEFORE: Cell(Outcome.COMPLETE, log=(undelivered,), survives=True)
            if goes_on
            else failed("Runtime.ExitError", f"{stops}response", ENDED),
            Place.MIDDLE: cut if goes_on else ended,
            Place.LARGE: replace(cut if goes_on else ended, front_ends=STREAMING),
            Place.END: Cell(Outcome.COMPLETE, log=(undelivered,), survives=goes_on),
            Place.IDLE: Cell(Outcome.COMPLETE, log=(f"{stops}next",)),
        },
    )


ENDED = "{function} | Runtime exited with error: exit status 1"
TRUNCATED = "Runtime.TruncatedResponse"
LOST = "the response was not delivered: the connection to the Runtime API"
REPORTED = "{function} | REPORT RequestId: "
CUT = "{function} | the response was cut off: it ended without its last chunk, or before its length"
FROZEN = "a frozen process runs nothing"
INCOMPLETE = "/{function}-"
NO_CODE = "no code of the handler runs while its chunk is sent; what a signal handler raises there has tests of its own"
EXITED = "{function} | Runtime exited with error: exit status 3"
TIMED_OUT = "{function} | Task timed out after 1.00 seconds"
KILLED = "{function} | Runtime exited with error: signal: killed"

QUIT_BODY = Cell(
    Outcome.BROKEN,
    "Function.SystemExit",
    ("{function} | [ERROR] SystemExit: 3",),
    buffered_log=(EXITED,),
)

MATRIX: tuple[Fault, ...] = (
    Fault(
        "the handler raises",
        "raises",
        {
            Place.IMPORT: failed("Runtime.Unknown", "{function} | [ERROR] ValueError: struck"),
            Place.BEFORE: failed("Unhandled", "{function} | [ERROR] ValueError: struck", survives=True),
            Place.MIDDLE: broken("Function.ValueError", "{function} | [ERROR] ValueError: struck", survives=True),
            Place.LARGE: NO_CODE,
            Place.END: broken("Function.ValueError", "{function} | [ERROR] ValueError: struck", survives=True),
            Place.IDLE: FROZEN,
        },
    ),
    Fault(
        "a chunk of a wrong type",
        "wrong type",
        {
            Place.IMPORT: "nothing is returned at import",
            Place.BEFORE: failed("Unhandled", "{function} | [ERROR] ChunkTypeError: ", survives=True),
            Place.MIDDLE: broken("Function.ChunkTypeError", "{function} | [ERROR] ChunkTypeError: ", survives=True),
            Place.LARGE: "a chunk has one type",
            Place.END: broken("Function.ChunkTypeError", "{function} | [ERROR] ChunkTypeError: ", survives=True),
            Place.IDLE: FROZEN,
        },
    ),
    Fault(
        "the handler calls sys.exit",
        "quits",
        {
            Place.IMPORT: failed("Runtime.ExitError", EXITED),
            Place.BEFORE: failed("Runtime.ExitError", EXITED),
            Place.MIDDLE: QUIT_BODY,
            Place.LARGE: NO_CODE,
            Place.END: QUIT_BODY,
            Place.IDLE: FROZEN,
        },
    ),
    Fault(
        "the process exits",
        "exits",
        {
            Place.IMPORT: failed("Runtime.ExitError", EXITED),
            Place.BEFORE: failed("Runtime.ExitError", EXITED),
            Place.MIDDLE: broken("Runtime.ExitError", EXITED),
            Place.LARGE: in_chunk("Runtime.ExitError", EXITED),
            Place.END: broken("Runtime.ExitError", EXITED),
            Place.IDLE: FROZEN,
        },
    ),
    Fault(
        "a signal kills the process",
        "is killed",
        {
            Place.IMPORT: failed("Runtime.ExitError", KILLED),
            Place.BEFORE: failed("Runtime.ExitError", KILLED),
            Place.MIDDLE: broken("Runtime.ExitError", KILLED),
            Place.LARGE: in_chunk("Runtime.ExitError", KILLED),
            Place.END: broken("Runtime.ExitError", KILLED),
            Place.IDLE: Cell(Outcome.COMPLETE),
        },
    ),
    Fault(
        "the function times out",
        "times out",
        {
            Place.IMPORT: failed("Sandbox.Timedout", TIMED_OUT),
            Place.BEFORE: failed("Sandbox.Timedout", TIMED_OUT),
            Place.MIDDLE: broken("Sandbox.Timedout", TIMED_OUT),
            Place.LARGE: in_chunk("Sandbox.Timedout", TIMED_OUT),
            Place.END: broken("Sandbox.Timedout", TIMED_OUT),
            Place.IDLE: "no time is counted between invocations",
        },
    ),
    Fault(
        "the function takes too much memory",
        "takes memory",
        {
            Place.IMPORT: failed("Runtime.OutOfMemory", KILLED),
            Place.BEFORE: failed("Runtime.OutOfMemory", KILLED),
            Place.MIDDLE: broken("Runtime.OutOfMemory", KILLED),
            Place.LARGE: in_chunk("Runtime.OutOfMemory", KILLED),
            Place.END: broken("Runtime.OutOfMemory", KILLED),
            Place.IDLE: FROZEN,
        },
    ),
    Fault(
        "the client leaves",
        "leaves",
        {
            Place.IMPORT: Cell(Outcome.NOBODY, log=(REPORTED,), survives=True),
            Place.BEFORE: Cell(Outcome.NOBODY, log=(REPORTED,), survives=True),
            Place.MIDDLE: Cell(Outcome.NOBODY, log=(REPORTED,), survives=True),
            Place.LARGE: Cell(Outcome.NOBODY, log=(REPORTED,), survives=True, front_ends=STREAMING),
            Place.END: Cell(Outcome.NOBODY, log=(REPORTED,), survives=True),
            Place.IDLE: "a client belongs to one invocation",
        },
    ),
    Fault(
        "the client stalls",
        "stalls",
        {
            Place.IMPORT: "nothing can be read yet: it is as before the first chunk",
            Place.BEFORE: Cell(Outcome.COMPLETE, log=(REPORTED,), survives=True),
            Place.MIDDLE: Cell(Outcome.COMPLETE, log=(REPORTED,), survives=True),
            Place.LARGE: Cell(Outcome.COMPLETE, log=(REPORTED,), survives=True, front_ends=STREAMING),
            Place.END: Cell(Outcome.COMPLETE, log=(REPORTED,), survives=True),
            Place.IDLE: "a client belongs to one invocation",
        },
    ),
    refused("400", goes_on=True),
    refused("403", goes_on=False),
    refused("413", goes_on=True),
    refused("500", goes_on=False),
    Fault(
        "the Runtime API closes the connection",
        "closes",
        {
            Place.IMPORT: failed("Runtime.ExitError", "the runtime stops: the connection to the Runtime API", ENDED),
            Place.BEFORE: Cell(Outcome.COMPLETE, log=(LOST,), survives=True),
            Place.MIDDLE: broken(TRUNCATED, LOST, CUT, survives=True),
            Place.LARGE: broken(TRUNCATED, LOST, CUT, survives=True, front_ends=STREAMING),
            Place.END: Cell(Outcome.COMPLETE, log=(LOST,), survives=True),
            Place.IDLE: Cell(Outcome.COMPLETE, survives=True),
        },
    ),
    Fault(
        "the recorder's disk is full",
        "full disk",
        {
            Place.IMPORT: "nothing is recorded of an import",
            Place.BEFORE: Cell(Outcome.COMPLETE, log=(INCOMPLETE,), survives=True),
            Place.MIDDLE: "between chunks nothing is written; what fails is the write of a chunk",
            Place.LARGE: Cell(Outcome.COMPLETE, log=(INCOMPLETE,), survives=True),
            Place.END: Cell(Outcome.COMPLETE, log=(INCOMPLETE,), survives=True),
            Place.IDLE: "nothing is recorded between invocations",
        },
    ),
)
