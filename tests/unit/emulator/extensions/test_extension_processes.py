import asyncio
import os
import sys
from pathlib import Path

import pytest

from asynchronous import run
from lambda_streamify_emulator.extensions.processes import ExtensionProcesses
from lambda_streamify_emulator.extensions.programs import FolderPrograms, find_programs
from lambda_streamify_emulator.extensions.registrations import Extension


def program(folder: Path, name: str, code: str = "") -> Path:
    path = folder / "extensions" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{code}\n")
    path.chmod(0o755)
    return path


def test_each_file_of_the_folder_is_a_program(tmp_path: Path) -> None:
    assert find_programs(tmp_path) == []
    programs = [program(tmp_path, name) for name in ("b", "a")]
    (tmp_path / "extensions" / "folder").mkdir()

    assert find_programs(tmp_path) == sorted(programs)


def test_a_file_in_place_of_the_folder_is_no_extension(tmp_path: Path) -> None:
    (tmp_path / "extensions").write_text("")

    assert find_programs(tmp_path) == []


def test_processes_share_a_group_and_say_how_they_end(tmp_path: Path) -> None:
    async def main() -> None:
        ended: list[tuple[str, int]] = []
        lines: list[str] = []
        programs = FolderPrograms(tmp_path)
        processes = ExtensionProcesses(
            programs, lambda extension, code: ended.append((extension.name, code)), lines.append
        )
        for name, code in (("one", "exec sleep 600"), ("two", "exec sleep 600"), ("three", "echo $MINE; exit 3")):
            program(tmp_path, name, code)
            variables = {"MINE": name, "PATH": os.defpath}
            await processes.start(Extension(name, is_external=True), variables, "sandbox")
        processes.all_started()
        groups = {os.getpgid(process) for process in processes.ids[:2]}
        while not ended:  # noqa: ASYNC110 - a process takes time
            await asyncio.sleep(0.001)
        await processes.wait(0)
        await processes.close(10)

        assert groups == {processes.group}
        assert sorted(ended) == [("one", -9), ("three", 3), ("two", -9)]
        assert lines == ["three"]
        assert processes.ids == []

    run(main())


@pytest.mark.skipif(sys.platform != "linux", reason="it counts files in /proc")
def test_a_program_that_cannot_be_started_leaves_nothing_open(tmp_path: Path) -> None:
    path = program(tmp_path, "one")
    path.chmod(0o644)

    async def main() -> None:
        processes = ExtensionProcesses(FolderPrograms(tmp_path), lambda *_: None, lambda _: None)
        with pytest.raises(PermissionError):
            await processes.start(Extension("one", is_external=True), {}, "sandbox")
        processes.all_started()
        await processes.wait(0)
        await processes.close(10)

    before = len(list(Path("/proc/self/fd").iterdir()))
    run(main())
    assert len(list(Path("/proc/self/fd").iterdir())) == before
