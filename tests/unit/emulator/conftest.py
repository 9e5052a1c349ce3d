import pytest


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True)
def _own_cache(shared_cache: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use a cache of the tests' own, so that slow builds run only once and the user's cache stays unchanged."""
    monkeypatch.setenv("STREAMIFY_CACHE_DIR", shared_cache)


@pytest.fixture(autouse=True)
def _no_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide uv, which some machines have, so that messages and commands are the same on all."""
    monkeypatch.setattr("lambda_streamify_emulator.building.installers.which", lambda _: None)
