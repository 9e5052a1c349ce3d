import threading
from pathlib import Path
from typing import Any

import pytest

from lambda_streamify_emulator.caching.cache import build_once, cache_folder, content_key
from lambda_streamify_emulator.errors import BuildError


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STREAMIFY_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_folder_is_the_one_that_is_asked_for_then_xdgs_then_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    monkeypatch.setenv("STREAMIFY_CACHE_DIR", "/asked/for")
    assert cache_folder() == Path("/asked/for")

    monkeypatch.setenv("STREAMIFY_CACHE_DIR", "")
    assert cache_folder() == Path("/xdg/lambda-streamify")

    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path("/home/me/.cache/lambda-streamify")


def test_what_is_built_is_not_built_again(cache: Path) -> None:
    def never(_: Path) -> None:
        raise AssertionError

    first = build_once("thing", lambda folder: (folder / "made").touch())

    assert first == cache / "thing"
    assert build_once("thing", never) == first
    assert (first / "made").exists()
    assert [path.name for path in cache.iterdir()] == ["thing"]


@pytest.mark.parametrize("error", [ValueError, OSError, FileExistsError])
def test_a_build_that_fails_leaves_nothing_and_is_tried_again(cache: Path, error: type[Exception]) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise error("no")

    with pytest.raises(error, match="no"):
        build_once("thing", fail)

    assert list(cache.iterdir()) == []
    assert build_once("thing", lambda _: None).is_dir()


def test_of_two_that_build_at_once_the_first_wins(cache: Path) -> None:
    def slow(folder: Path) -> None:
        build_once("thing", lambda other: (other / "first").touch())
        (folder / "second").touch()

    folder = build_once("thing", slow)

    assert [path.name for path in folder.iterdir()] == ["first"]
    assert [path.name for path in cache.iterdir()] == ["thing"]


def test_an_unusable_cache_folder_is_reported_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("STREAMIFY_CACHE_DIR", str(tmp_path / "file" / "cache"))

    with pytest.raises(BuildError) as raised:
        build_once("thing", lambda _: None)

    assert str(raised.value) == (
        f"cannot use the cache {tmp_path}/file/cache: Not a directory; set STREAMIFY_CACHE_DIR to another folder"
    )


def test_a_key_changes_with_whatever_a_build_could_see(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    seen = {content_key(folder)}
    path = folder / "a"
    changes: list[tuple[Any, ...]] = [
        (path.write_text, "1"),
        (path.write_text, "2"),
        (path.rename, folder / "b"),
        ((folder / "b").chmod, 0o755),
        ((folder / "link").symlink_to, "b"),
        ((folder / "empty").mkdir,),
    ]

    for change, *arguments in changes:
        change(*arguments)
        key = content_key(folder)
        assert key not in seen
        assert key == content_key(folder)
        seen.add(key)


def test_pythons_own_bytecode_changes_no_key(tmp_path: Path) -> None:
    before = content_key(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "app.pyc").write_text("")

    assert content_key(tmp_path) == before


def test_threads_that_need_the_same_thing_wait_for_one_build(cache: Path) -> None:
    begun, gate, built = threading.Event(), threading.Event(), list[Path]()

    def build(folder: Path) -> None:
        built.append(folder)
        begun.set()
        gate.wait()

    threads = [threading.Thread(target=build_once, args=("slow", build)) for _ in range(2)]
    for thread in threads:
        thread.start()
    begun.wait()
    gate.set()
    for thread in threads:
        thread.join()

    assert len(built) == 1
    assert (cache / "slow").is_dir()
