"""Who runs: read from /proc, since processes that were abandoned have nobody else who knows of them."""

from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")


def is_running(process: int) -> bool:
    """Whether the process still runs. One that has ended and waits to be noticed by its parent does not."""
    return _state_and_session(process)[0] not in ("", "Z", "X")


def running_in_session(session: int) -> set[int]:
    """Return the ids of the processes that run in this session."""
    processes = {int(path.name) for path in PROC.iterdir() if path.name.isdigit()}
    return {process for process in processes if _state_and_session(process)[1] == session and is_running(process)}


def command_line(process: int) -> str:
    """Return what the process was started as, or "" if it is gone."""
    with suppress(OSError):
        return (PROC / str(process) / "cmdline").read_text(errors="replace").replace("\0", " ").strip()
    return ""


def resident(process: int) -> int:
    """Return how many bytes of memory the process holds: VmRSS of proc_pid_status(5)."""
    lines = (PROC / str(process) / "status").read_text().splitlines()
    (kibibytes,) = (line.split()[1] for line in lines if line.startswith("VmRSS:"))
    return int(kibibytes) * 1024


def _state_and_session(process: int) -> tuple[str, int]:
    """Return the third and the sixth field of proc_pid_stat(5); the second may hold anything, in parentheses."""
    with suppress(OSError):  # it ended meanwhile
        state, _parent, _group, session, *_ = (
            (PROC / str(process) / "stat").read_text(errors="replace").rpartition(")")[2].split()
        )
        return state, int(session)
    return "", 0
