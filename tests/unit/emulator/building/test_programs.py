import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lambda_streamify_emulator.building.programs import Programs
from lambda_streamify_emulator.errors import BuildError
from process_table import is_running
from unreaped import RUN, NoReaper
from waiting import TIMEOUT_S, wait_until


def test_both_outputs_and_the_status_are_the_programs(tmp_path: Path) -> None:
    script = "pwd; echo $VARIABLE >&2; exit 7"

    done = RUN(["/bin/sh", "-c", script], cwd=tmp_path, env={"VARIABLE": "value"})

    assert (done.stdout, done.returncode) == (f"{tmp_path}\nvalue\n", 7)


def test_stopping_kills_the_one_that_runs_with_its_children_and_lets_none_start(tmp_path: Path) -> None:
    programs = Programs(NoReaper())
    os.mkfifo(tmp_path / "child")
    with ThreadPoolExecutor(1) as threads:
        script = f"sleep 600 & echo $! > {tmp_path}/child; wait"
        done = threads.submit(programs.run, ["/bin/sh", "-c", script])
        child = int((tmp_path / "child").read_text())
        programs.stop()

        assert done.result(TIMEOUT_S).returncode == -9
    wait_until(lambda: not is_running(child), "the end of the program's child")
    with pytest.raises(BuildError, match="stopped"):
        programs.run(["true"])


def test_the_reaper_knows_a_program_while_it_runs() -> None:
    known: list[str] = []

    class Noting(NoReaper):
        def add(self, group: int, *marks: str) -> None:
            known.append(f"+{group}")

        def remove(self, group: int) -> None:
            known.append(f"-{group}")

    group = Programs(Noting()).run(["/bin/sh", "-c", "echo $$"]).stdout.strip()

    assert known == [f"+{group}", f"-{group}"]
