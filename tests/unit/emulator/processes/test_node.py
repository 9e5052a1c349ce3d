from pathlib import Path

import pytest

from lambda_streamify_emulator.errors import InterpreterError
from lambda_streamify_emulator.processes.node import Node, find_node


def put(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = folder / "node"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")
    return program


def test_it_is_the_node_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = put(tmp_path, "echo v22.23.3", monkeypatch)

    assert find_node() == Node(program, "22.23.3")
    assert find_node().major == 22


def test_without_one_its_absence_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(InterpreterError, match=r"^there is no `node` on the PATH: install Node\.js$"):
        find_node()


@pytest.mark.parametrize("script", ["echo nothing", "exit 1"])
def test_what_is_no_node_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    put(tmp_path, script, monkeypatch)

    with pytest.raises(
        InterpreterError, match=r"node --version` printed '(nothing)?', which is no version of Node\.js"
    ):
        find_node()


def test_a_node_that_does_not_start_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "", monkeypatch).write_text("#!/nil\n")

    with pytest.raises(InterpreterError, match=r"node does not run: "):
        find_node()


def test_another_version_than_the_runtimes_is_told() -> None:
    node = Node(Path("node"), "20.20.2")

    assert node.notice("nodejs20.x") is None
    assert node.notice("nodejs22.x") == "no nodejs22.x on this machine: its functions run on Node.js 20.20.2"
