"""What `make test-lowest` installs."""

import runpy
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

SCRIPT = runpy.run_path(str(Path(__file__).with_name("lowest_versions.py")))


def test_each_package_of_the_extras_is_asked_for_in_its_lowest_version() -> None:
    lines = requires("lambda-streamify") or []
    found = dict(line.split("==") for line in SCRIPT["wanted"](lines))

    for line in map(Requirement, lines):
        if line.marker is not None and any(line.marker.evaluate({"extra": extra}) for extra in ("emulator", "load")):
            assert f">={found[line.name]}" in str(line.specifier)
    assert "pytest" in found


def test_a_package_without_a_lower_bound_is_named() -> None:
    with pytest.raises(SystemExit, match="uvicorn has no lower bound"):
        SCRIPT["wanted"](["uvicorn<1; extra == 'emulator'"])
