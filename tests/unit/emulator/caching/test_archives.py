import stat
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import pytest

from lambda_streamify_emulator.caching.archives import unpack_once
from lambda_streamify_emulator.errors import BuildError


def entry(name: str, mode: int) -> ZipInfo:
    info = ZipInfo(name)
    info.external_attr = mode << 16
    return info


def archive(path: Path, *entries: tuple[ZipInfo, str]) -> Path:
    with ZipFile(path, "w") as opened:
        for info, text in entries:
            opened.writestr(info, text)
    return path


def test_files_keep_their_folders_their_modes_and_their_links(tmp_path: Path) -> None:
    folder = unpack_once(
        archive(
            tmp_path / "layer.zip",
            (entry("link", stat.S_IFLNK | 0o777), "python/module.py"),
            (entry("python/module.py", stat.S_IFREG | 0o444), "x = 1"),
            (entry("run", stat.S_IFREG | 0o755), "#!/bin/sh"),
            (entry("from-windows", 0), "y"),
        )
    )

    assert (folder / "python" / "module.py").read_text() == "x = 1"
    assert stat.S_IMODE((folder / "run").stat().st_mode) == 0o755
    assert str((folder / "link").readlink()) == "python/module.py"
    assert (folder / "from-windows").read_text() == "y"


def test_an_archive_is_unpacked_once_for_each_content(tmp_path: Path) -> None:
    first = unpack_once(archive(tmp_path / "a.zip", (entry("a", 0o100644), "1")))
    again = unpack_once(archive(tmp_path / "b.zip", (entry("a", 0o100644), "1")))
    other = unpack_once(archive(tmp_path / "a.zip", (entry("a", 0o100644), "2")))

    assert first == again != other
    assert (other / "a").read_text() == "2"


def test_an_archive_cannot_write_outside_its_folder(tmp_path: Path) -> None:
    folder = unpack_once(
        archive(tmp_path / "a.zip", (entry("../../out", 0o100644), "x"), (entry("/abs", 0o100644), "y"))
    )

    assert sorted(path.name for path in folder.iterdir()) == ["abs", "out"]


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    outside, link = tmp_path / "outside", stat.S_IFLNK | 0o777
    outside.mkdir()
    (outside / "file").write_text("mine")

    with pytest.raises(BuildError):
        unpack_once(
            archive(tmp_path / "a.zip", (entry("a", link), str(outside)), (entry("a/file", link), "absent")),
        )
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = archive(
            tmp_path / "b.zip", (entry("a", link), str(outside / "file")), (entry("a", link), "written there")
        )
    folder = unpack_once(twice)

    assert str((folder / "a").readlink()) == "written there"
    assert [path.name for path in outside.iterdir()] == ["file"]
    assert not (outside / "file").is_symlink()
    assert (outside / "file").read_text() == "mine"


def test_what_is_no_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("no archive")

    with pytest.raises(BuildError) as raised:
        unpack_once(tmp_path / "a.zip")

    assert str(raised.value) == f"{tmp_path / 'a.zip'}: it cannot be unpacked: File is not a zip file"
