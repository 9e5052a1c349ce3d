"""The wrapper's own settings: another wrapper after it, and the switch that leaves the function to AWS's runtime.

What AWS's runtime does is read off awslambdaric itself, behind a stand-in for /var/runtime/bootstrap.
"""

import json
import shutil
from pathlib import Path

import pytest

from parity import AWS, DATA, OURS, Observation, Scene, dispatched, observe
from sandbox import FileSystem, installed_packages, make_file_system

INSTRUMENT = DATA / "wrappers" / "instrument"
CASES = tuple(
    map(
        dispatched,
        (
            *("surroundings.main_module", "surroundings.original_arguments", "surroundings.search_path"),
            *("results.object", "results.generator", "failures.raises", "logs.each_level", "endings.exits"),
        ),
    )
)
OURS_ALONE = {"surroundings.main_module", "surroundings.original_arguments", "results.generator"}

DISABLED = {"STREAMIFY_DISABLE": "1"}
CHAINED = {"STREAMIFY_NEXT_WRAPPER": str(INSTRUMENT)}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> FileSystem:
    return make_file_system(tmp_path_factory.mktemp("wrapper") / "root", installed_packages())


def seen(system: FileSystem, scratch: Path, runtime: str = OURS, **variables: str) -> dict[str, Observation]:
    return observe(runtime, Scene("wrapper", CASES, variables=variables), system, scratch)


def main_module(seen: dict[str, Observation]) -> str:
    return str(json.loads(seen["surroundings.main_module"]["body"])[1])


def test_disabled_the_function_runs_under_awss_runtime_with_awss_arguments(system: FileSystem, tmp_path: Path) -> None:
    disabled = seen(system, tmp_path / "ours", **DISABLED)

    assert main_module(disabled) == "/var/runtime/bootstrap.py"
    assert disabled["results.generator"]["type"] == "Runtime.MarshalError"
    assert disabled == seen(system, tmp_path / "aws", AWS)


@pytest.mark.parametrize("value", ["", "0", "false"])
def test_nothing_0_and_false_leave_it_on(value: str, system: FileSystem, tmp_path: Path) -> None:
    result = seen(system, tmp_path, STREAMIFY_DISABLE=value)

    assert main_module(result) == "/opt/streamify-main.py"
    assert result["results.generator"]["body"] == "onetwo"


def test_another_wrapper_does_to_the_function_what_it_does_on_aws(system: FileSystem, tmp_path: Path) -> None:
    chained = seen(system, tmp_path / "ours", **CHAINED)
    alone = seen(system, tmp_path / "aws", AWS, AWS_LAMBDA_EXEC_WRAPPER=str(INSTRUMENT))

    assert json.loads(chained["surroundings.search_path"]["body"])["instrumented"][0] == "/var/task"
    assert {case: chained[case] for case in chained if case not in OURS_ALONE} == {
        case: alone[case] for case in alone if case not in OURS_ALONE
    }


def test_another_wrapper_starts_the_layers_runtime(system: FileSystem, tmp_path: Path) -> None:
    chained = seen(system, tmp_path, **CHAINED)

    arguments = json.loads(chained["surroundings.original_arguments"]["body"])["instrumented"]
    assert arguments == [system.python, "/opt/streamify-main.py"]


def test_disabled_another_wrapper_starts_awss_runtime(system: FileSystem, tmp_path: Path) -> None:
    both = seen(system, tmp_path / "ours", **DISABLED, **CHAINED)

    assert both == seen(system, tmp_path / "aws", AWS, AWS_LAMBDA_EXEC_WRAPPER=str(INSTRUMENT))


def test_the_path_of_another_wrapper_may_hold_spaces(system: FileSystem, tmp_path: Path) -> None:
    folder = tmp_path / "my wrappers"
    shutil.copytree(INSTRUMENT.parent, folder)

    result = seen(system, tmp_path / "seen", STREAMIFY_NEXT_WRAPPER=str(folder / INSTRUMENT.name))

    assert json.loads(result["results.object"]["body"]).keys() == {"instrumented"}


@pytest.mark.parametrize("disabled", ["", "1"])
@pytest.mark.parametrize(("wrapper", "status"), [("absent", 127), ("not_executable", 126)])
def test_a_wrapper_that_cannot_be_started_is_named(
    wrapper: str, status: int, disabled: str, system: FileSystem, tmp_path: Path
) -> None:
    path = str(INSTRUMENT.with_name(wrapper))

    result = seen(system, tmp_path, STREAMIFY_NEXT_WRAPPER=path, STREAMIFY_DISABLE=disabled)

    assert result["start"]["outcome"] == f"exit {status}"
    assert path in result["start"]["stderr"]
