"""Runs in the memory of one process: for tests."""

from threading import Lock

from .run import RUNNING, Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class MemoryStore:
    """Keeps runs in memory, for tests and for one process that serves all readers. It forgets nothing."""

    batch_seconds = 0.0
    poll_seconds = 0.01

    def __init__(self) -> None:
        self._lock = Lock()
        self._runs: dict[str, Run] = {}
        self._events: dict[str, list[bytes]] = {}  # by the id of the run

    def begin(self, key: str, run_id: str) -> bool:
        with self._lock:
            if key in self._runs:
                return False
            self._runs[key] = Run(run_id, RUNNING, 0, 0, False)  # noqa: FBT003 - a record
            self._events[run_id] = []
            return True

    def find(self, key: str) -> "Run | None":
        with self._lock:
            return self._runs.get(key)

    def append(self, key: str, run_id: str, first: int, events: "Sequence[bytes]") -> "Run | None":
        del first
        with self._lock:
            run = self._running(key)
            if run is None or run.id != run_id:
                return None
            kept = self._events[run_id]
            kept += events
            self._runs[key] = run = run._replace(last=len(kept), beats=run.beats + 1)
            return run

    def read(self, key: str, run: "Run", after: int) -> "Sequence[bytes]":
        del key
        with self._lock:
            return self._events[run.id][after : run.last]

    def end(self, key: str, run_id: str, state: str, beats: "int | None" = None) -> bool:
        with self._lock:
            run = self._running(key)
            if run is None or run.id != run_id or beats not in (None, run.beats):
                return False
            self._runs[key] = run._replace(state=state)
            return True

    def request_stop(self, key: str) -> bool:
        with self._lock:
            run = self._running(key)
            if run is None:
                return False
            self._runs[key] = run._replace(stop_requested=True)
            return True

    def _running(self, key: str) -> "Run | None":
        run = self._runs.get(key)
        return run if run is not None and run.state == RUNNING else None
