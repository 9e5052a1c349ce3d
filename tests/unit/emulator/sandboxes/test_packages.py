import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lambda_streamify_emulator.building import node_client, python_client
from lambda_streamify_emulator.errors import BuildError, InterpreterError
from lambda_streamify_emulator.processes.node import Node
from lambda_streamify_emulator.sandboxes import packages as module
from lambda_streamify_emulator.sandboxes.environment import WRAPPER
from lambda_streamify_emulator.sandboxes.function_package import Package
from lambda_streamify_emulator.sandboxes.packages import PackageMaker
from lambda_streamify_emulator.sandboxes.runtimes import AbsentRuntime, NodeRuntime, OsOnlyRuntime, not_served
from lambda_streamify_emulator.template.reader import Function, Layer
from unreaped import RUN

OWN = f"python{sys.version_info[0]}.{sys.version_info[1]}"
NODE = Node(Path("/tools/bin/node"), "22.23.3")


class Maker(PackageMaker):
    """Makes packages in a folder, and keeps the messages, the states and the commands."""

    def __init__(self, folder: Path, *, fails: bool = False) -> None:
        self.said: list[str] = []
        self.noted: list[tuple[str, str | None]] = []
        self.commands: list[list[str]] = []

        def install(command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
            """Stand in for an installer, which would ask the package index."""
            self.commands.append(command)
            client = Path(command[command.index("--target") + 1]) / "awslambdaric"
            client.mkdir()
            (client / "__init__.py").touch()
            return subprocess.CompletedProcess(command, int(fails), "no network")

        super().__init__(folder / "scratch", install, self.said.append, lambda *noted: self.noted.append(noted))


@pytest.fixture
def function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Function:
    """A function in a folder of its own, with an empty cache."""
    monkeypatch.setenv("STREAMIFY_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "code").mkdir()
    return Function("hello", "Hello", "app.handler", OWN, tmp_path / "code", 3, 128, {}, (), None)


def make(package: Package) -> Path:
    assert package.task_root is not None
    return package.task_root.make()


@pytest.fixture
def _no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make AWS's client seem absent beside the emulator."""
    monkeypatch.setattr(module, "has_client", lambda _: False)
    monkeypatch.setattr("lambda_streamify_emulator.sandboxes.runtime_folder.has_client", lambda _: False)


@pytest.mark.usefixtures("_no_client")
def test_awss_python_client_is_fetched_when_the_function_first_needs_it_and_once(
    tmp_path: Path, function: Function
) -> None:
    for number in range(2):
        maker = Maker(tmp_path / str(number))
        package = maker.make(function)
        assert not (package.folders.runtime / "awslambdaric").exists()

        assert make(package) == make(package) == function.code

        assert (package.folders.runtime / "awslambdaric" / "__init__.py").exists()
        assert [command[-1] for command in maker.commands] == [f"awslambdaric=={python_client.VERSION}"][number:]
        states = [("hello", "installing awslambdaric"), ("hello", None)]
        assert maker.noted == ([] if number else states)


@pytest.mark.usefixtures("_no_client")
@pytest.mark.parametrize("wrapper", ["", "/opt/mine"])
def test_without_the_client_a_function_fails_unless_its_wrapper_may_start_another(
    tmp_path: Path, function: Function, wrapper: str
) -> None:
    maker = Maker(tmp_path, fails=True)
    package = maker.make(replace(function, environment={WRAPPER: wrapper}))
    reason = f"awslambdaric for {OWN}: pip could not install it: no network"

    if wrapper:
        assert make(package) == function.code
        assert maker.said[-1] == f"hello: {reason}"
    else:
        with pytest.raises(BuildError) as raised:
            make(package)
        assert str(raised.value) == reason


@pytest.mark.usefixtures("_no_client")
def test_the_layer_needs_no_client(tmp_path: Path, function: Function) -> None:
    maker = Maker(tmp_path)

    assert make(maker.make(replace(function, environment={WRAPPER: "/opt/streamify"}))) == function.code

    assert maker.commands == []


def test_the_client_beside_the_emulator_is_used_where_it_fits(tmp_path: Path, function: Function) -> None:
    maker = Maker(tmp_path)
    package = maker.make(function)
    make(package)

    assert (package.folders.runtime / "awslambdaric" / "__init__.py").exists()
    assert maker.commands == []


def test_a_node_function_runs_under_awss_client(
    tmp_path: Path, function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = list[Node]()
    monkeypatch.setattr(module, "find_node", lambda: NODE)
    monkeypatch.setattr(node_client, "fetch_client", lambda node, *_: fetched.append(node))
    (function.code / "package.json").write_text('{"dependencies": {"ai": "7"}}')
    (function.code / "requirements.txt").write_text("six\n")  # for somebody else
    maker = Maker(tmp_path)

    package = maker.make(replace(function, runtime="nodejs20.x"))

    assert (package.interpreter, package.runtime) == (NODE.program, NodeRuntime(node_client.client_script(NODE)))
    assert maker.said == [
        "no nodejs20.x on this machine: its functions run on Node.js 22.23.3",
        f"hello: no node_modules beside its package.json: npm install in {function.code}",
    ]
    assert fetched == []
    assert make(package) == function.code
    assert fetched == [NODE]
    assert maker.commands == []


def test_without_node_a_wrapper_may_start_another_runtime(
    tmp_path: Path, function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise InterpreterError("no node")

    monkeypatch.setattr(module, "find_node", fail)
    node = replace(function, runtime="nodejs22.x")

    wrapped = Maker(tmp_path).make(replace(node, environment={WRAPPER: "/opt/mine"}))
    assert isinstance(wrapped.runtime, AbsentRuntime)
    ((_, failure),) = Maker(tmp_path / "other").make_all([node])
    assert str(failure) == "no node"


def test_a_wrapper_has_no_effect_on_an_os_only_runtime(tmp_path: Path, function: Function) -> None:
    maker = Maker(tmp_path)

    package = maker.make(replace(function, runtime="provided.al2023", environment={WRAPPER: "/opt/mine"}))

    assert (package.interpreter, type(package.runtime)) == (None, OsOnlyRuntime)
    assert maker.said == [f"hello: {WRAPPER} has no effect, as on AWS, because its runtime is provided.al2023"]
    assert list(package.folders.runtime.iterdir()) == []


def test_functions_with_the_same_layers_share_them_or_their_error(tmp_path: Path, function: Function) -> None:
    for name, recipe in (("good", "touch $(ARTIFACTS_DIR)/file"), ("bad", "echo tried >> ../tries; false")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Makefile").write_text(f"build-Layer:\n\t{recipe}\n")
    good = replace(function, layers=(Layer("Layer", tmp_path / "good", "makefile"),))
    bad = replace(function, layers=(Layer("Layer", tmp_path / "bad", "makefile"),))
    maker = PackageMaker(tmp_path / "scratch", RUN, print)

    made = [package for _, package in maker.make_all([good, bad, bad, good])]

    assert isinstance(made[0], Package)
    assert isinstance(made[3], Package)
    assert made[0].folders.opt == made[3].folders.opt
    assert (made[0].folders.opt / "file").exists()
    assert isinstance(made[1], BuildError)
    assert made[1] is made[2]


def test_only_python_functions_are_debugged(tmp_path: Path, function: Function) -> None:
    said = list[str]()
    maker = PackageMaker(tmp_path / "scratch", RUN, said.append, debug="hello")

    assert maker.make(replace(function, runtime="provided.al2023")).debugpy is None

    assert said == ["hello cannot be debugged: only Python functions can"]


@pytest.mark.usefixtures("_no_client")
def test_each_runtime_is_looked_for_once_however_many_functions_it_runs(
    tmp_path: Path, function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = tmp_path / "started"
    put_program(tmp_path / "bin" / "python3.13", f'echo "$@" >>{started}; echo python3.13')
    put_program(tmp_path / "bin" / "node", f'echo "$@" >>{started}; echo v22.23.3')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    functions = [
        replace(function, name=f"{runtime}-{number}", runtime=runtime)
        for runtime in ("python3.13", "nodejs22.x")
        for number in range(100)
    ]

    made = [*Maker(tmp_path).make_all(functions)]

    assert [not_served(function) for function in functions] == [None] * 200
    assert all(isinstance(package, Package) for _, package in made)
    version, environment, node = started.read_text().splitlines()
    assert "sys.version_info" in version
    assert environment.startswith("-m venv ")
    assert node == "--version"


def put_program(path: Path, script: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
