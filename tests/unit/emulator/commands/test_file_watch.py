import os
from collections.abc import Callable
from pathlib import Path

from asynchronous import run
from lambda_streamify_emulator.commands.file_watch import FileWatch


def looks(path: Path, *edits: Callable[[], object]) -> int:
    """Make one edit at each look; return how many there are until the change counts."""
    number = 0

    async def sleep(_: float) -> None:
        nonlocal number
        if number < len(edits):
            edits[number]()
        number += 1
        assert number < 100

    run(FileWatch([path], sleep).wait_for_change())
    return number


def nothing() -> None:
    """Let an interval pass."""


def test_a_change_counts_when_the_file_has_rested_for_an_interval(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("a")

    assert looks(path, nothing, lambda: path.write_text("ab")) == 3
    assert looks(path, lambda: path.write_text("b"), lambda: path.write_text("bcd"), lambda: path.write_text("")) == 4


def test_a_file_may_be_replaced_removed_or_created(tmp_path: Path) -> None:
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_text("a")
    other.write_text("b")

    assert looks(path, lambda: other.replace(path)) == 2
    assert looks(path, path.unlink) == 2
    assert looks(path, path.touch) == 2


def test_a_change_behind_a_link_counts(tmp_path: Path) -> None:
    path, link = tmp_path / "a", tmp_path / "link"
    path.write_text("a")
    link.symlink_to(path)

    assert looks(link, lambda: path.write_text("bc")) == 2


def test_an_edit_before_the_first_look_is_not_missed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    watch = FileWatch([path], lambda _: _never())
    os.utime(path, ns=(1, 1))

    async def main() -> None:
        number = 0

        async def sleep(_: float) -> None:
            nonlocal number
            number += 1

        watch._sleep = sleep  # noqa: SLF001
        await watch.wait_for_change()
        assert number == 1

    run(main())


async def _never() -> None:
    raise AssertionError
