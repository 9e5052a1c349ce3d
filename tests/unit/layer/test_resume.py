import pytest

from lambda_streamify import resume
from lambda_streamify.resume import MemoryStore, stop
from processes import clean_environment, run


def test_only_a_run_that_is_running_can_be_stopped() -> None:
    store = MemoryStore()
    assert not stop(store, "key")
    store.begin("key", "run")

    assert stop(store, "key")
    assert store.find("key") == resume.Run("run", resume.RUNNING, 0, 0, stop_requested=True)


def test_what_is_exported_is_there_and_nothing_else() -> None:
    assert all(getattr(resume, name) for name in resume.__all__)
    with pytest.raises(AttributeError, match=r"module 'lambda_streamify\.resume' has no attribute 'Nope'"):
        resume.Nope  # noqa: B018 - what is tested


def test_the_stores_load_neither_sqlite_nor_asyncio_nor_typing() -> None:
    import sys

    from processes import ROOT

    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from lambda_streamify import resumable, resume; "
        "print(*{'sqlite3', 'asyncio', 'typing', 'boto3', 'logging'} & set(sys.modules))"
    )

    assert run(sys.executable, "-ISc", program, ROOT / "layers" / "streamify", env=clean_environment()) == "\n"
