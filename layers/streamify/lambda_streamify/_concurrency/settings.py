"""The settings for several invocations at a time, read from the environment of the function.

Lambda Managed Instances set AWS_LAMBDA_MAX_CONCURRENCY (observed with awslambdaric 4.2.2). The function sets the other
variables.
"""

from ..errors import HandlerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NamedTuple

    class _Settings(NamedTuple):
        concurrency: int
        mode: str
        processes: int
        preload: bool

else:
    from collections import namedtuple

    _FIELDS = ("concurrency", "mode", "processes", "preload")
    _Settings = namedtuple("_Settings", _FIELDS)  # noqa: PYI024 - `typing` starts late

CONCURRENCY = "AWS_LAMBDA_MAX_CONCURRENCY"
MODE = "STREAMIFY_CONCURRENCY"
PROCESSES_VARIABLE = "STREAMIFY_PROCESSES"
PRELOAD = "STREAMIFY_PRELOAD"

PROCESSES, TASKS = MODES = ("processes", "tasks")
_SWITCH = {"": False, "0": False, "false": False, "1": True, "true": True}


class Settings(_Settings):
    """The settings of one execution environment.

    concurrency  int, the number of invocations at a time
    mode         PROCESSES: each process runs one of them; TASKS: each process runs several in one event loop
    processes    int, the number of processes
    preload      bool, whether the function is imported before the processes are forked
    """

    __slots__ = ()

    def shares(self) -> "list[int]":
        """Return for each process how many of the invocations it runs at a time."""
        share, rest = divmod(self.concurrency, self.processes)
        return [share + (number < rest) for number in range(self.processes)]


def read_settings(environ: "Mapping[str, str]") -> Settings:
    """Return the settings. Raises HandlerError for a value that none of them can have."""
    concurrency = _whole_number(environ, CONCURRENCY, 1)
    mode = (environ.get(MODE) or PROCESSES).lower()
    if mode not in MODES:
        raise HandlerError(f"STREAMIFY_CONCURRENCY is {environ[MODE]!r}; it must be processes or tasks")
    preload = _SWITCH.get(environ.get(PRELOAD, "").lower())
    if preload is None:
        raise HandlerError(f"STREAMIFY_PRELOAD is {environ[PRELOAD]!r}; it must be 1 or 0")
    return Settings(concurrency, mode, _processes(environ, mode, concurrency), preload)


def _processes(environ: "Mapping[str, str]", mode: str, concurrency: int) -> int:
    if mode == PROCESSES:
        if environ.get(PROCESSES_VARIABLE):
            raise HandlerError(
                f"STREAMIFY_PROCESSES is {environ[PROCESSES_VARIABLE]!r}, but STREAMIFY_CONCURRENCY is not tasks:"
                " there is one process for each invocation; remove the variable, or set STREAMIFY_CONCURRENCY=tasks"
            )
        return concurrency
    processes = _whole_number(environ, PROCESSES_VARIABLE, 1)
    if processes > concurrency:
        raise HandlerError(
            f"STREAMIFY_PROCESSES is {processes}, but AWS_LAMBDA_MAX_CONCURRENCY is {concurrency}:"
            " a process without an invocation is of no use; set a lower number"
        )
    return processes


def _whole_number(environ: "Mapping[str, str]", name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise HandlerError(f"{name} is {text!r}; it must be a whole number from 1 on")
    return int(text)
