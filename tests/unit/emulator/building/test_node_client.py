import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lambda_streamify_emulator.building import node_client as module
from lambda_streamify_emulator.building.node_client import client_script, client_version, fetch_client
from lambda_streamify_emulator.building.steps import Steps
from lambda_streamify_emulator.errors import BuildError
from lambda_streamify_emulator.processes.node import Node

NODE = Node(Path("/tools/bin/node"), "22.23.3")


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMIFY_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "which", lambda _: "/tools/bin/npm")


@pytest.mark.parametrize(
    ("node", "client", "script"),
    [
        ("18.20.0", "3.3.0", "bin/index.mjs"),
        ("20.20.2", "3.3.0", "bin/index.mjs"),
        ("22.23.3", "4.0.2", "index.mjs"),
        ("24.1.0", "4.0.2", "index.mjs"),
    ],
)
def test_the_client_fits_the_node(tmp_path: Path, node: str, client: str, script: str) -> None:
    found = Node(Path("node"), node)

    assert client_version(found) == client
    folder = tmp_path / "cache" / f"aws-lambda-ric-{client}-node-{node}"
    assert client_script(found) == folder / "node_modules" / "aws-lambda-ric" / script


def test_it_is_installed_once_by_npm_for_this_node() -> None:
    said, noted, commands = list[str](), list[str | None](), list[list[str]]()

    def install(command: list[str], cwd: Path, env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
        commands.append(command)
        assert env["PATH"].startswith("/tools/bin:")
        package = json.loads((cwd / "package.json").read_text())
        assert package["dependencies"] == {"aws-lambda-ric": "4.0.2"}
        client = cwd / "node_modules" / "aws-lambda-ric"
        client.mkdir(parents=True)
        for file in ("index.mjs", "rapid-client.node"):
            (client / file).touch()
        return subprocess.CompletedProcess(command, 0, "")

    for _ in range(2):
        fetch_client(NODE, Steps(said.append, noted.append, clock=lambda: 5.0), install)

    assert client_script(NODE).exists()
    assert len(commands) == 1
    assert noted == ["compiling aws-lambda-ric", None]
    assert said == [
        "installing aws-lambda-ric 4.0.2 for Node.js 22.23.3 … it compiles itself for minutes, once",
        "installed aws-lambda-ric 4.0.2 for Node.js 22.23.3 in 0.0 s",
    ]


@pytest.mark.parametrize(
    ("status", "output"), [(1, "npm error\nnpm error no compiler\n"), (0, "npm error no compiler")]
)
def test_a_client_that_does_not_compile_is_named_with_what_it_needs(status: int, output: str) -> None:
    def fail(command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(command, status, output)

    with pytest.raises(BuildError) as raised:
        fetch_client(NODE, Steps(print), fail)

    needed = "npm, a C++ compiler, cmake, autoconf, automake, libtool and python3"
    reason = f"aws-lambda-ric 4.0.2 does not install, which needs {needed}: npm error no compiler"
    assert str(raised.value) == reason


def test_without_npm_its_absence_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "which", lambda _: None)

    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError

    with pytest.raises(BuildError, match=r"is installed by npm: there is no `npm` on the PATH$"):
        fetch_client(NODE, Steps(print), never)
