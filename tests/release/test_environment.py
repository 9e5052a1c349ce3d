"""What is installed where a release is built and published: little, and the same versions as everywhere else."""

from importlib.metadata import version

import tomli
from packaging.requirements import Requirement

from processes import ROOT

GROUP = tomli.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["release"]


def test_each_version_is_the_one_that_the_tests_run_with() -> None:
    pins = [Requirement(line) for line in GROUP]

    assert [f"{pin.name}{pin.specifier}" for pin in pins] == [f"{pin.name}=={version(pin.name)}" for pin in pins]
