"""The state of a function's code right after each change: no test waits."""

import asyncio
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from errno import ENOSPC
from pathlib import Path
from typing import Any

import pytest

from asynchronous import run
from file_limit import no_free_file
from lambda_streamify_emulator.building import code_watch, folder_watch
from lambda_streamify_emulator.building.code_watch import CodeWatch, walk
from lambda_streamify_emulator.building.folder_watch import FolderWatch, Unwatchable

needs_inotify = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


def no_walk(_: Path) -> Any:
    raise AssertionError("a walk over all files")


class Watched:
    """The watch over a folder, and its messages."""

    def __init__(self, code: Path, **options: Any) -> None:
        self.said: list[str] = []
        self._watch = CodeWatch(code, self.said.append, **options)
        self.state, self.close = self._watch.state, self._watch.close

    async def has_changed(self, change: Callable[[], object]) -> bool:
        """Return whether the state differs right after the change."""
        before = await self.state()
        change()
        return await self.state() != before


def watching(code: Path, test: Callable[[Watched], Awaitable[None]], **options: Any) -> list[str]:
    async def main() -> list[str]:
        watched = Watched(code, **options)
        try:
            await test(watched)
        finally:
            await watched.close()
        return watched.said

    return run(main())


def write(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def replace_folder(folder: Path) -> None:
    folder.rename(folder.parent / "aside")
    write(folder / "app.py", "another folder's")


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    for name in ("app.py", "package/deep/module.py", "package/other.py"):
        write(folder / name)
    return folder


def each_kind_of_change(code: Path) -> list[Callable[[], object]]:
    elsewhere = code.parent / "elsewhere.py"
    write(elsewhere, "older, and moved here")
    os.utime(elsewhere, (1, 1))
    return [
        lambda: write(code / "app.py", "edited"),
        lambda: write(code / "package" / "deep" / "module.py", "edited"),
        lambda: write(code / "added.py"),
        lambda: write(code / "new" / "folder" / "added.py"),
        lambda: write(code / "new" / "folder" / "added.py", "edited"),
        lambda: write(code / ".env", "STAGE=test"),
        (code / "added.py").unlink,
        lambda: elsewhere.replace(code / "app.py"),
        lambda: (code / "package").rename(code / "renamed"),
        lambda: write(code / "renamed" / "deep" / "module.py", "edited again"),
        lambda: replace_folder(code),
        lambda: write(code / "app.py", "another folder's, edited"),
    ]


def test_each_change_shows_in_the_state_right_after_it(code: Path) -> None:
    async def test(watched: Watched) -> None:
        for number, change in enumerate(each_kind_of_change(code)):
            assert await watched.has_changed(change), number

    assert watching(code, test) == []


def test_each_of_hundreds_of_edits_shows_in_the_state_right_after_it(code: Path) -> None:
    async def test(watched: Watched) -> None:
        states = {await watched.state()}
        with (code / "package" / "other.py").open("a", buffering=1) as file:
            for _ in range(200):
                file.write("\n")
                states.add(await watched.state())
        assert len(states) == 201

    watching(code, test)


@pytest.mark.parametrize("direct", [True, False])
def test_what_a_link_leads_to_counts_wherever_it_lies(code: Path, tmp_path: Path, direct: bool) -> None:  # noqa: FBT001
    for name in ("one", "two"):
        write(tmp_path / name / "shared.py", name * 2)
    (tmp_path / "current").symlink_to("one")
    (code / "shared.py").symlink_to(tmp_path / ("one" if direct else "current") / "shared.py")

    def release() -> None:
        (tmp_path / "current").unlink()
        (tmp_path / "current").symlink_to("two")

    async def test(watched: Watched) -> None:
        assert await watched.has_changed(lambda: write(tmp_path / "one" / "shared.py", "edited"))
        assert await watched.has_changed(release) is not direct

    watching(code, test)


def test_bytecode_hidden_folders_and_linked_ones_do_not_count(code: Path, tmp_path: Path) -> None:
    (tmp_path / "nowhere").symlink_to("absent")
    (code / "around").symlink_to(tmp_path)

    async def test(watched: Watched) -> None:
        for name in (".git/index", ".venv/lib/module.py", "__pycache__/app.pyc", "package/__pycache__/a.pyc"):
            assert not await watched.has_changed(lambda: write(code / name)), name  # noqa: B023
        assert not await watched.has_changed(lambda: write(tmp_path / "outside.py"))

    watching(code, test)


def test_code_that_is_not_there_may_come_later(tmp_path: Path) -> None:
    async def test(watched: Watched) -> None:
        assert await watched.has_changed(lambda: write(tmp_path / "code" / "app.py"))

    assert watching(tmp_path / "code", test) == []


@needs_inotify
def test_while_nothing_changes_no_file_is_looked_at(code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(watched: Watched) -> None:
        before = await watched.state()
        monkeypatch.setattr(code_watch, "walk", no_walk)
        for _ in range(100):
            assert await watched.state() == before
        write(code / "app.py", "edited")
        with pytest.raises(AssertionError, match="a walk"):
            await watched.state()

    watching(code, test)


def test_a_check_during_a_walk_waits_for_the_next_walk(code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, gate, walks = threading.Event(), threading.Event(), []

    def held(folder: Path) -> Any:
        found = walk(folder)
        walks.append(found.state)
        begun.set()
        gate.wait()
        return found

    async def test(watched: Watched) -> None:
        await watched.state()
        monkeypatch.setattr(code_watch, "walk", held)
        write(code / "app.py", "written")
        first = asyncio.create_task(watched.state())
        await asyncio.to_thread(begun.wait)
        write(code / "app.py", "edited")
        others = [asyncio.create_task(watched.state()) for _ in range(3)]
        await asyncio.sleep(0)  # lets them begin
        others.pop().cancel()
        gate.set()

        assert await first == walks[0]
        assert set(await asyncio.gather(*others)) == {walk(code).state} != {walks[0]}

    watching(code, test)
    assert len(walks) == 2


@needs_inotify
def test_code_that_cannot_be_watched_is_looked_at_each_time_which_is_said_once(code: Path) -> None:
    def full(_: object) -> FolderWatch:
        raise Unwatchable("inotify: it is full")

    async def test(watched: Watched) -> None:
        for number, change in enumerate(each_kind_of_change(code)):
            assert await watched.has_changed(change), number
        before = await watched.state()
        assert await watched.state() == before

    assert watching(code, test, watch=full) == [
        "cannot watch the code, so each request checks all files, which delays running streams: inotify: it is full"
    ]


@needs_inotify
def test_what_inotify_refuses_is_named(code: Path) -> None:
    with (
        no_free_file(),
        pytest.raises(Unwatchable, match=r"^inotify: too many watches or open files: raise `"),
    ):
        FolderWatch([str(code)])
    with pytest.raises(FileNotFoundError):
        FolderWatch([str(code / "absent")])
    with pytest.raises(Unwatchable, match=r"^inotify: File name too long$"):
        FolderWatch([str(code / ("a" * 300))])


@needs_inotify
def test_the_limit_of_watched_folders_is_named(code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, *_: object) -> int:
        if name == "inotify_add_watch":
            raise OSError(ENOSPC, "No space left on device")  # what the kernel says, for this limit too
        return os.open(os.devnull, os.O_RDONLY)

    monkeypatch.setattr(folder_watch, "_call", refuse)  # the limit is the whole machine's

    with pytest.raises(Unwatchable, match=r"too many watched folders: raise fs\.inotify\.max_user_watches "):
        FolderWatch([str(code)])


@needs_inotify
def test_a_full_queue_is_a_change(code: Path) -> None:
    """The kernel reports only that events were lost; the state is found all the same."""
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())

    async def test(watched: Watched) -> None:
        await watched.state()
        for _ in range(limit // 2 + 1):
            (code / "added.py").touch()
            (code / "added.py").unlink()
        assert await watched.has_changed(lambda: write(code / "app.py", "edited"))
        assert await watched.has_changed(lambda: write(code / "app.py", "edited again"))

    watching(code, test)


@needs_inotify
def test_no_watch_is_left_open(code: Path) -> None:
    open_files = Path("/proc/self/fd")
    before = len(list(open_files.iterdir()))

    async def test(watched: Watched) -> None:
        for change in each_kind_of_change(code):
            assert await watched.has_changed(change)

    watching(code, test)

    assert len(list(open_files.iterdir())) == before


@needs_inotify
def test_while_nothing_changes_no_thread_is_asked(code: Path) -> None:
    async def test(watched: Watched) -> None:
        before = await watched.state()
        state = watched.state()
        with pytest.raises(StopIteration) as ended:  # it ends without waiting for anything
            state.send(None)
        assert ended.value.value == before

    watching(code, test)


@pytest.mark.parametrize(
    ("mounts", "reason"),
    [
        (["/ ext4"], None),
        (["/ nfs4"], "{code} is on nfs4, where files may change without an event"),
        (["/ nfs4", "{above} xfs"], None),
        (["/ ext4", "{code} fuse.sshfs", "{above}/else 9p"], "{code} is on fuse.sshfs, "),
        (["/ ext4", "{code}/node_modules virtiofs"], "{code} is on virtiofs, "),
        (["/ ext4", "{above} 9p", "{above} btrfs"], None),
    ],
)
@needs_inotify
def test_only_file_systems_whose_changes_go_through_this_machine_are_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mounts: list[str], reason: str | None
) -> None:
    above, file = tmp_path / "a folder", tmp_path / "mountinfo"
    code = above / "code"
    write(code / "app.py")
    lines = []
    for mount in mounts:
        point, _, kind = mount.format(above=above, code=code).rpartition(" ")
        lines.append(f"27 1 254:0 / {point.replace(' ', chr(92) + '040')} rw - {kind} /dev/vda rw")
    file.write_text("\n".join(lines))
    monkeypatch.setattr(folder_watch, "MOUNTS", file)

    async def test(watched: Watched) -> None:
        assert await watched.has_changed(lambda: write(code / "app.py", "edited"))

    said = "".join(watching(code, test))
    assert reason.format(code=code) in said if reason else said == ""


def test_a_system_without_inotify_is_named(code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")

    async def test(watched: Watched) -> None:
        assert await watched.has_changed(lambda: write(code / "app.py", "edited"))

    (said,) = watching(code, test)
    assert said.endswith("which delays running streams: darwin has no inotify")


def test_without_a_free_file_descriptor_the_state_is_not_known_rather_than_another(code: Path) -> None:
    async def test(watched: Watched) -> None:
        write(code / "app.py", "edited")
        with no_free_file(), pytest.raises(OSError, match="Too many open files"):
            walk(code)
        before = await watched.state()
        assert await watched.state() == before

    watching(code, test)


def test_a_closed_watch_keeps_returning_its_last_state(code: Path) -> None:
    async def test(watched: Watched) -> None:
        before = await watched.state()
        await watched.close()
        write(code / "app.py", "edited")
        assert await watched.state() == before

    watching(code, test)
