"""Runs in a SQLite database, for the processes of one machine."""

from time import time

from .run import RUNNING, Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from os import PathLike
    from sqlite3 import Connection

_READ_LIMIT_EVENTS = 1000  # that one `read` returns
_BUSY_TIMEOUT_S = 5.0  # how long one process waits for another one's transaction
_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    key TEXT PRIMARY KEY, id TEXT NOT NULL, state TEXT NOT NULL, last INTEGER NOT NULL, beats INTEGER NOT NULL,
    stop_requested INTEGER NOT NULL, expires REAL NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    run TEXT NOT NULL, number INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (run, number)) WITHOUT ROWID;
"""
_FIELDS = "id, state, last, beats, stop_requested"


class SQLiteStore:
    """Keeps runs in the SQLite database at `path`, for the processes of one machine, such as the emulator's sandboxes.

    path  the file, which is created if it does not exist
    ttl   seconds that a run is kept from its beginning
    """

    batch_seconds = 0.02
    poll_seconds = 0.05

    def __init__(
        self, path: "str | PathLike[str]", ttl: float = 24 * 60 * 60, clock: "Callable[[], float]" = time
    ) -> None:
        self._path = path
        self._ttl = ttl
        self._clock = clock
        self._has_schema = False

    def begin(self, key: str, run_id: str) -> bool:
        with self._transaction() as database:
            now = self._clock()
            database.execute("DELETE FROM events WHERE run IN (SELECT id FROM runs WHERE expires <= ?)", (now,))
            database.execute("DELETE FROM runs WHERE expires <= ?", (now,))
            values = (key, run_id, RUNNING, now + self._ttl)
            return database.execute("INSERT OR IGNORE INTO runs VALUES (?, ?, ?, 0, 0, 0, ?)", values).rowcount == 1

    def find(self, key: str) -> "Run | None":
        with self._transaction("DEFERRED") as database:
            return self._find(database, key)

    def append(self, key: str, run_id: str, first: int, events: "Sequence[bytes]") -> "Run | None":
        with self._transaction() as database:
            update = "UPDATE runs SET last = ?, beats = beats + 1 WHERE key = ? AND id = ? AND state = ?"
            last = first + len(events) - 1
            if not database.execute(update, (last, key, run_id, RUNNING)).rowcount:
                return None
            rows = ((run_id, number, event) for number, event in enumerate(events, first))
            database.executemany("INSERT INTO events VALUES (?, ?, ?)", rows)
            return self._find(database, key)

    def read(self, key: str, run: "Run", after: int) -> "Sequence[bytes]":
        del key
        query = "SELECT data FROM events WHERE run = ? AND number > ? AND number <= ? ORDER BY number LIMIT ?"
        with self._transaction("DEFERRED") as database:
            rows = database.execute(query, (run.id, after, run.last, _READ_LIMIT_EVENTS)).fetchall()
        return [data for (data,) in rows]

    def end(self, key: str, run_id: str, state: str, beats: "int | None" = None) -> bool:
        update = "UPDATE runs SET state = ? WHERE key = ? AND id = ? AND state = ? AND beats = ifnull(?, beats)"
        with self._transaction() as database:
            return database.execute(update, (state, key, run_id, RUNNING, beats)).rowcount == 1

    def request_stop(self, key: str) -> bool:
        update = "UPDATE runs SET stop_requested = 1 WHERE key = ? AND state = ? AND expires > ?"
        with self._transaction() as database:
            return database.execute(update, (key, RUNNING, self._clock())).rowcount == 1

    def _find(self, database: "Connection", key: str) -> "Run | None":
        query = f"SELECT {_FIELDS} FROM runs WHERE key = ? AND expires > ?"  # noqa: S608 - a constant
        row = database.execute(query, (key, self._clock())).fetchone()
        return None if row is None else Run(row[0], row[1], row[2], row[3], bool(row[4]))

    def _transaction(self, kind: str = "IMMEDIATE") -> "AbstractContextManager[Connection]":
        """Return a context manager for one transaction, on a connection of its own: threads and forks share none."""
        from contextlib import contextmanager
        from sqlite3 import connect

        @contextmanager
        def transaction() -> "Iterator[Connection]":
            database = connect(self._path, timeout=_BUSY_TIMEOUT_S, isolation_level=None)
            try:
                if not self._has_schema:
                    database.execute("PRAGMA journal_mode = WAL")
                    database.executescript(_SCHEMA)
                    self._has_schema = True
                database.execute("PRAGMA synchronous = NORMAL")
                database.execute(f"BEGIN {kind}")
                yield database
                database.execute("COMMIT")
            finally:
                database.close()  # without a commit, this undoes the transaction

        return transaction()
