import asyncio
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from asynchronous import run
from lambda_streamify_emulator.building.programs import Run
from lambda_streamify_emulator.building.steps import Steps
from lambda_streamify_emulator.building.task_root import TaskRoot
from lambda_streamify_emulator.errors import BuildError
from lambda_streamify_emulator.template.reader import Function
from unreaped import RUN

PYTHON = Path(sys.executable)


class Root(TaskRoot):
    """A task root for the code in `folder`/code, and its messages."""

    def __init__(self, folder: Path, run: Run = RUN, **changed: Any) -> None:
        code = folder / "code"
        code.mkdir(exist_ok=True)
        function = Function("hello", "Hello", "app.handler", "python3.12", code, 3, 128, {}, (), None)
        self.said: list[str] = []
        super().__init__(replace(function, **changed), PYTHON, folder / "scratch", Steps(self.said.append), run)


def pretend(command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
    """Stand in for pip, which takes seconds: make a module of each name, or fail for the name `absent`."""
    names = Path(command[command.index("--requirement") + 1]).read_text().split()
    for name in names:
        (Path(command[command.index("--target") + 1]) / f"{name}.py").write_text(f"VALUE = {name!r}")
    return subprocess.CompletedProcess(command, "absent" in names, "ERROR: it is absent\n")


def never(*_: Any, **__: Any) -> Any:
    raise AssertionError


def imported(root: Path, program: str) -> str:
    env = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.run([PYTHON, "-c", program], env=env, capture_output=True, text=True, check=True).stdout


def test_without_requirements_the_code_itself_is_the_task_root(tmp_path: Path) -> None:
    root = Root(tmp_path)
    (tmp_path / "code" / "requirements.txt").write_text("# none\n")

    assert root.make() == run(root.current())[0] == tmp_path / "code"
    assert not (tmp_path / "scratch").exists()


def test_what_is_built_is_used_as_it_is(tmp_path: Path) -> None:
    root = Root(tmp_path, is_built=True, build_method="makefile")
    (tmp_path / "code" / "requirements.txt").write_text("no-such-distribution\n")
    (tmp_path / "code" / "Makefile").write_text("build-Hello:\n\tfalse\n")

    assert root.make() == tmp_path / "code"


def test_a_new_file_and_new_requirements_make_it_anew_and_nothing_is_installed_twice(tmp_path: Path) -> None:
    root, code = Root(tmp_path, pretend), tmp_path / "code"
    requirements = code / "requirements.txt"
    requirements.write_text("first\n")
    made = [root.make()]

    (code / "added.py").write_text("import first")
    made.append(root.make())
    assert len(root.said) == 2
    requirements.write_text("first\nsecond\n")
    made.append(root.make())

    assert len(root.said) == 4
    assert len(set(made)) == 3
    assert imported(made[2], "import added, second; print(second.VALUE)") == "second\n"
    assert not (made[0] / "added.py").exists()  # a process may still run from this folder
    assert Root(tmp_path, never).make()


def test_a_function_is_built_by_its_makefile_again_when_it_is_asked_for_again(tmp_path: Path) -> None:
    root = Root(tmp_path, build_method="makefile")
    (tmp_path / "code" / "Makefile").write_text('build-Hello:\n\techo made > "$(ARTIFACTS_DIR)/file"\n')

    first, second = root.make(), root.make()

    assert (first / "file").read_text() == (second / "file").read_text() == "made\n"


def test_requirements_that_cannot_be_installed_are_tried_again(tmp_path: Path) -> None:
    root, requirements = Root(tmp_path, pretend), tmp_path / "code" / "requirements.txt"
    requirements.write_text("absent\n")

    async def main() -> None:
        with pytest.raises(BuildError) as raised:
            await root.current()
        assert str(raised.value) == f"{requirements}: pip could not install it: ERROR: it is absent"
        assert root.said == [f"installing {requirements} with pip …"]
        requirements.write_text("")
        assert (await root.current())[0] == tmp_path / "code"
        await root.stop()

    run(main())


def test_all_who_need_it_at_once_wait_for_one_installation_and_the_end_waits_too(tmp_path: Path) -> None:
    begun, gate, runs = threading.Event(), threading.Event(), []

    def held(command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        runs.append(command)
        begun.set()
        gate.wait()
        return subprocess.CompletedProcess(command, 1, "stopped")

    async def main() -> None:
        root = Root(tmp_path, held)
        (tmp_path / "code" / "requirements.txt").write_text("held-back\n")
        waiting = [asyncio.create_task(root.current()) for _ in range(3)]
        await asyncio.to_thread(begun.wait)
        waiting.pop().cancel()
        stopping = asyncio.create_task(root.stop())
        await asyncio.sleep(0)
        assert not stopping.done()
        gate.set()
        await stopping
        for task in waiting:
            with pytest.raises(BuildError, match="stopped"):
                await task

    run(main())
    assert len(runs) == 1
