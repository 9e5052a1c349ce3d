"""What GitHub runs, and what git runs before a commit: targets and tools that this repository has."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from processes import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
HOOKS = ROOT / ".pre-commit-config.yaml"
TARGETS = set(re.findall(r"^([\w./-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def jobs(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load(path.read_text())["jobs"].values())


def commands(path: Path) -> list[str]:
    return [step["run"] for job in jobs(path) for step in job["steps"] if "run" in step]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_each_command_of_a_workflow_is_one_make_target_or_the_ci_script(path: Path) -> None:
    for command in commands(path):
        if command != ".ci/run":
            program, target, *variables = shlex.split(command)
            assert program == "make"
            assert target in TARGETS
            assert all(re.fullmatch(r"[A-Z]+=\S+", variable) for variable in variables)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_no_permission_and_each_job_only_what_it_names(path: Path) -> None:
    assert yaml.safe_load(path.read_text())["permissions"] == {}
    assert all("permissions" in job and "timeout-minutes" in job for job in jobs(path))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_each_action_is_pinned_by_commit_and_names_its_version(path: Path) -> None:
    used = re.findall(r"^ *(?:- )?uses: (.+)$", path.read_text(), re.MULTILINE)

    assert [line for line in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []


def test_the_tests_run_on_each_python_that_the_package_supports() -> None:
    (matrix,) = (job["strategy"]["matrix"] for job in jobs(WORKFLOWS[0]) if "strategy" in job)
    runtimes = re.search(r"CompatibleRuntimes: \[(.*)\]", (ROOT / "template.yaml").read_text())

    assert runtimes is not None
    assert [f"python{version}" for version in matrix["python"]] == runtimes[1].split(", ")


def test_the_hooks_before_a_commit_are_tools_of_the_project_and_fetch_nothing() -> None:
    (repository,) = yaml.safe_load(HOOKS.read_text())["repos"]
    makefile = (ROOT / "Makefile").read_text()

    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        program, *arguments = shlex.split(hook["entry"])
        assert hook["language"] == "system"
        assert arguments[-1] in TARGETS if program == "make" else f"\t{program}" in makefile
