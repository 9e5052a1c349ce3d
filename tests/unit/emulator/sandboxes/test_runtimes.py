import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from lambda_streamify_emulator.errors import InterpreterError
from lambda_streamify_emulator.sandboxes import runtimes as module
from lambda_streamify_emulator.sandboxes.environment import WRAPPER, Folders
from lambda_streamify_emulator.sandboxes.runtimes import (
    PYTHON,
    AbsentRuntime,
    NodeRuntime,
    OsOnlyRuntime,
    needs_client,
    not_served,
)
from lambda_streamify_emulator.template.reader import Function

FUNCTION = Function("hello", "Hello", "app.handler", "python3.12", Path("/code"), 3, 128, {}, (), None)
FOLDERS = Folders(Path("/layers"), Path("/code"), Path("/runtime"))
NODE = Path("/tools/node")


@pytest.fixture
def _no_node(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise InterpreterError("there is no `node` on the PATH: install Node.js")

    monkeypatch.setattr(module, "find_node", fail)


@pytest.mark.usefixtures("_no_node")
@pytest.mark.parametrize(
    ("runtime", "variables", "reason"),
    [
        ("python3.12", {}, None),
        ("python3.9", {}, "there is no Python runtime 'python3.9' on Lambda; there are python3.10, "),
        ("python3.9", {WRAPPER: "/opt/streamify"}, "there is no Python runtime 'python3.9' on Lambda"),
        ("provided.al2023", {}, None),
        ("nodejs22.x", {}, "its runtime is nodejs22.x, and there is no `node` on the PATH: install Node.js"),
        ("nodejs22.x", {WRAPPER: "/opt/mine"}, None),
        ("java21", {}, f"the emulator has no runtime for java21; one that a layer brings is started with {WRAPPER}"),
        ("dotnet8", {}, "the emulator has no runtime for dotnet8"),
        ("ruby3.4", {}, "the emulator has no runtime for ruby3.4"),
        ("go1.x", {}, "the emulator has no runtime for go1.x"),
        ("java21", {WRAPPER: "/opt/mine"}, None),
    ],
)
def test_what_cannot_run_here_has_a_reason(runtime: str, variables: dict[str, str], reason: str | None) -> None:
    found = not_served(replace(FUNCTION, runtime=runtime, environment=variables))

    assert (found or "").startswith(reason or "")
    assert (found is None) == (reason is None)


def test_code_that_is_bundled_has_to_be_built_by_sam() -> None:
    function = replace(FUNCTION, runtime="provided.al2", build_method="esbuild")

    assert not_served(function) == "its BuildMethod is esbuild: run `sam build`, and serve .aws-sam/build/template.yaml"


@pytest.mark.parametrize(
    ("variables", "needed"),
    [
        ({}, True),
        ({WRAPPER: "/opt/streamify"}, False),
        ({WRAPPER: "/opt/streamify", "STREAMIFY_DISABLE": "0"}, False),
        ({WRAPPER: "/opt/streamify", "STREAMIFY_DISABLE": "false"}, False),
        ({WRAPPER: "/opt/streamify", "STREAMIFY_DISABLE": "1"}, True),
        ({WRAPPER: "/opt/otel-instrument"}, True),
    ],
)
def test_awss_client_is_needed_unless_the_layer_runs_the_function(variables: dict[str, str], *, needed: bool) -> None:
    assert needs_client(replace(FUNCTION, environment=variables)) == needed


def test_the_commands_are_those_that_a_wrapper_gets_on_aws() -> None:
    assert PYTHON.command(Path("/bin/python"), FOLDERS, FUNCTION) == ["/bin/python", "/runtime/bootstrap.py"]
    assert NodeRuntime(Path("/c/index.mjs")).command(NODE, FOLDERS, FUNCTION) == [
        "/tools/node",
        "/c/index.mjs",
        "app.handler",
    ]


def test_a_bootstrap_is_the_functions_or_else_the_layers(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "opt", tmp_path / "task", tmp_path / "runtime")
    for folder in (folders.opt, folders.task):
        folder.mkdir()
    with pytest.raises(FileNotFoundError) as raised:
        OsOnlyRuntime().command(None, folders, FUNCTION)
    assert raised.value.filename == str(tmp_path / "task" / "bootstrap")

    for folder in (folders.opt, folders.task):
        (folder / "bootstrap").touch()
        assert OsOnlyRuntime().command(None, folders, FUNCTION) == [str(folder / "bootstrap")]


def test_a_wrapper_that_starts_no_runtime_is_told_that_there_is_none() -> None:
    async def main() -> tuple[bytes, int | None]:
        command = AbsentRuntime().command(None, FOLDERS, replace(FUNCTION, runtime="java21"))
        process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        return (await process.communicate())[1], process.returncode

    message = b"there is no runtime java21 here: the wrapper has to start one itself\n"
    assert asyncio.run(main()) == (message, 127)
