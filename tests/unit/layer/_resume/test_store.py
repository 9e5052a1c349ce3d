from lambda_streamify._resume.store import Store
from lambda_streamify.resume import DynamoDBStore, MemoryStore, SQLiteStore

STORES: list[type[Store]] = [DynamoDBStore, MemoryStore, SQLiteStore]  # the type checker compares each method


def test_each_store_has_every_method_and_nothing_else_that_is_public() -> None:
    expected = {name for name in dir(Store) if not name.startswith("_")} | set(Store.__annotations__)

    for store in STORES:
        assert {name for name in dir(store) if not name.startswith("_")} <= expected
