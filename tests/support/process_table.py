"""Who runs: read from /proc, since processes that were abandoned have nobody else who knows of them."""

from contextlib import suppress
from pathlib import Path

from waiting import wait_until

PROC = Path("/proc")


def is_running(process: int) -> bool:
    """Whether the process still runs. One that has ended and waits to be noticed by its parent does not."""
    return _stat(process)[0] not in ("", "Z", "X")


def is_stopped(process: int) -> bool:
    """Whether the process is held by a signal, as one that is frozen."""
    return _stat(process)[0] == "T"


def wait_until_idle(session: int) -> None:
    """Return when all processes of this session wait in the kernel.

    A signal that reaches Python between its last look for signals and its next system call is seen after that call.
    """
    wait_until(lambda: {_stat(process)[0] for process in running_in_session(session)} <= {"S"}, "all wait")


def parent(process: int) -> int:
    """Return the id of the process that has started this one, if that still runs."""
    return int(_stat(process)[1])


def running_in_session(session: int) -> set[int]:
    """Return the ids of the processes that run in this session."""
    processes = {int(path.name) for path in PROC.iterdir() if path.name.isdigit()}
    return {process for process in processes if _stat(process)[3] == str(session) and is_running(process)}


def command_line(process: int) -> str:
    """Return what the process was started as, or "" if it is gone."""
    with suppress(OSError):
        return (PROC / str(process) / "cmdline").read_text(errors="replace").replace("\0", " ").strip()
    return ""


def resident(process: int) -> int:
    """Return how many bytes of memory the process holds: VmRSS of proc_pid_status(5)."""
    return _memory(process, "VmRSS:")


def peak(process: int) -> int:
    """Return how many bytes of memory the process has held at the most: VmHWM of proc_pid_status(5)."""
    return _memory(process, "VmHWM:")


def proportional(process: int) -> int:
    """Return how many bytes of memory the process holds, with its share of what it has in common with others.

    It is Pss of proc_pid_smaps(5).
    """
    return _memory(process, "Pss:", "smaps_rollup")


def processor_time(process: int) -> float:
    """Return the seconds that the threads of the process have run: schedstat of the kernel's sched-stats document."""
    tasks = (PROC / str(process) / "task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def _memory(process: int, field: str, file: str = "status") -> int:
    lines = (PROC / str(process) / file).read_text().splitlines()
    (kibibytes,) = (line.split()[1] for line in lines if line.startswith(field))
    return int(kibibytes) * 1024


def _stat(process: int) -> list[str]:
    """Return the state, the parent, the group and the session.

    They are the fields 3 to 6 of proc_pid_stat(5), of which the second may hold anything, in parentheses. Of a process
    that is gone there is nothing.
    """
    with suppress(OSError):
        return (PROC / str(process) / "stat").read_text(errors="replace").rpartition(")")[2].split()[:4]
    return ["", "0", "0", "0"]
