import pytest


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True)
def _own_cache(shared_cache: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the user's cache alone, and make what is slow to make once."""
    monkeypatch.setenv("STREAMIFY_CACHE_DIR", shared_cache)
