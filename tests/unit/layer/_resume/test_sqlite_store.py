import sys
from pathlib import Path

import pytest

from lambda_streamify.resume import RUNNING, Run, SQLiteStore
from processes import ROOT, run
from store_contract import EVENTS, StoreContract, found, read_all


class TestSQLiteStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> SQLiteStore:
        return SQLiteStore(tmp_path / "runs.db")


def test_another_process_finds_the_run(tmp_path: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from lambda_streamify.resume import SQLiteStore; "
        "store = SQLiteStore(sys.argv[2]); store.begin('key', 'a'); store.append('key', 'a', 1, [b'data: 1\\n\\n'])"
    )
    path = tmp_path / "runs.db"

    run(sys.executable, "-c", program, ROOT / "layers" / "streamify", path)

    assert read_all(SQLiteStore(path), "key") == EVENTS[:1]


def test_more_events_than_one_read_returns_are_read_in_order(tmp_path: Path) -> None:
    store, many = SQLiteStore(tmp_path / "runs.db"), [b"data: %d\n\n" % number for number in range(2500)]
    store.begin("key", "a")
    store.append("key", "a", 1, many)

    assert read_all(store, "key") == many


def test_a_run_that_has_expired_is_gone_and_its_key_is_free(tmp_path: Path) -> None:
    now = [100.0]
    store = SQLiteStore(tmp_path / "runs.db", ttl=10, clock=lambda: now[0])
    store.begin("key", "a")
    store.append("key", "a", 1, EVENTS)

    now[0] = 110

    assert store.find("key") is None
    assert not store.request_stop("key")
    assert store.begin("key", "b")
    assert found(store, "key") == Run("b", RUNNING, 0, 0, stop_requested=False)
