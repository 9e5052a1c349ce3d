"""A project with functions in several languages, each under the runtime that AWS would give it, by one command."""

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from emulator_process import RUNTIME, EmulatorProcess, boto3_client, emulating, streamify
from gate import Gate
from lambda_streamify_emulator.processes.interpreters import RUNTIMES
from node_client import NodeMissingError, share_node_client
from processes import ROOT, interpreter
from url_client import request, wire

TEMPLATE = ROOT / "tests" / "data" / "mixed" / "template.yaml"
OTHERS = [name for name in RUNTIMES if name != RUNTIME and interpreter(name.removeprefix("python"))]


@pytest.fixture(scope="module")
def node_problem(cache: Path) -> str | None:
    """Put AWS's client for Node.js into the cache; return why that is impossible."""
    try:
        share_node_client(cache)  # before the first request: else the emulator would compile it again
    except NodeMissingError as missing:
        return str(missing)
    return None


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    options = ("--parameter", f"OtherPython={OTHERS[-1]}") if OTHERS else ()
    with emulating(tmp_path_factory.mktemp("mixed"), cache, *options, template=TEMPLATE) as emulator:
        yield emulator


@pytest.fixture
def _needs_node(node_problem: str | None) -> None:
    if node_problem is not None:
        pytest.skip(node_problem)


needs_node = pytest.mark.usefixtures("_needs_node")


def answer(emulator: EmulatorProcess, name: str, **event: object) -> Any:
    """Return the value that a function returns."""
    with closing(boto3_client(emulator.lambda_api)) as sdk:
        reply = sdk.invoke(FunctionName=name, Payload=json.dumps(event))
        return json.loads(reply["Payload"].read())


def test_what_cannot_run_here_is_reported_and_the_others_are_served(emulator: EmulatorProcess) -> None:
    assert "java is not served: the emulator has no runtime for java21" in emulator.log()
    assert {"python", "other-python", "shell", "layered", "unbuilt"} <= set(emulator.urls)
    assert "java" not in emulator.urls
    assert ("node" in emulator.urls) == (shutil.which("node") is not None)


def test_a_plain_python_function_runs_under_awss_client(emulator: EmulatorProcess) -> None:
    assert answer(emulator, "python", case="value", value="žluť") == "žluť"


@pytest.mark.skipif(not OTHERS, reason=f"there is no other Python than {RUNTIME} that runs on this machine")
def test_awss_client_is_fetched_for_another_python(emulator: EmulatorProcess) -> None:
    with emulator.logged("installed awslambdaric 4.2.2 for") as lines:
        assert answer(emulator, "other-python", case="value", value=1) == 1

    begins = f"installing awslambdaric 4.2.2 for {OTHERS[-1]} with uv …"
    assert begins in lines
    assert lines.index(begins) < next(i for i, line in enumerate(lines) if line.startswith("installed awslambdaric"))
    assert answer(emulator, "other-python", case="value", value=2) == 2


@needs_node
def test_a_node_function_runs_under_awss_client(emulator: EmulatorProcess) -> None:
    assert answer(emulator, "node", case="value", value={"a": [1, None, "žluť"]}) == {"a": [1, None, "žluť"]}
    assert request(emulator.urls["node"], "/").status == 200


@needs_node
def test_a_node_handler_streams(emulator: EmulatorProcess) -> None:
    with Gate() as gate, wire(emulator.urls["node-stream"], "/http", gate=gate.address) as stream:
        assert stream.read_until(b"\r\n\r\n").lower().startswith(b"http/1.1 201 ")
        for number in range(3):
            assert stream.read_until(b"\n\r\n").endswith(b"chunk %d\n\r\n" % number)
            gate.open()
        assert b"".join(stream.read_on()).endswith(b"0\r\n\r\n")


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no `curl` on the PATH, which the bootstrap runs")
@pytest.mark.parametrize("name", ["shell", "layered"])
def test_an_os_only_function_runs_its_bootstrap_or_that_of_a_layer(emulator: EmulatorProcess, name: str) -> None:
    assert request(emulator.urls[name], "/").body == b"bootstrap no execution environment"


def test_a_bootstrap_that_is_missing_is_named(emulator: EmulatorProcess) -> None:
    with emulator.logged("unbuilt | ") as lines:
        assert request(emulator.urls["unbuilt"], "/").status == 502

    missing = (
        "tests/data/mixed/empty/bootstrap does not start: there is no such file, and none in the function's layers"
    )
    assert any(missing in line for line in lines)


def test_all_is_prepared_ahead(cache: Path) -> None:
    parameters = ["--parameter", f"PythonRuntime={RUNTIME}"]
    only = [word for name in ("python", "shell", "java") for word in ("--only", name)]

    done = streamify("serve", TEMPLATE, "--prepare", *parameters, *only, cache=cache)

    assert done.returncode == 0, done.stderr
    *ready, java = done.stdout.splitlines()
    assert ready == ["python: ready", "shell: ready"]
    assert java.startswith("java: not served: ")
