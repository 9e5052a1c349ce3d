"""The layer and AWS's client on each interpreter that the machine has, beside the one that runs all of test_parity.py.

The client comes from the package index, which has a wheel for each interpreter; without it these tests are skipped.
"""

import sys
from pathlib import Path

import pytest

from parity import RUNTIMES, Scene, differences, dispatched, listed_differences, observe
from sandbox import make_file_system, other_python

REPRESENTATIVE = tuple(
    map(
        dispatched,
        (
            *("results.decimal", "results.namedtuple", "results.nan", "results.accented_text", "results.bytes"),
            *("results.subclass_of_str", "results.text_enumeration", "results.bytes_in_an_object", "results.set"),
            *("results.nested_500", "results.generator", "results.coroutine"),
            *("failures.raises", "failures.raises_in_c", "failures.raises_in_a_comprehension"),
            *("failures.raises_over_several_lines", "failures.raises_a_group", "failures.raises_with_notes"),
            *("failures.raises_under_a_decorator", "failures.fails_in_a_thread", "endings.exits_with_a_status"),
            *("logs.each_level", "logs.extra_fields", "logs.exception", "logs.prints", "logs.root_handler"),
            *("events.context_repr", "surroundings.search_path", "surroundings.environment", "surroundings.files"),
        ),
    )
)


OWN = f"{sys.version_info[0]}.{sys.version_info[1]}"
OTHERS = [version for version in ("3.10", "3.11", "3.12", "3.13") if version != OWN]


@pytest.mark.parametrize("version", OTHERS)
def test_both_runtimes_do_the_same_but_for_what_is_listed(version: str, cache: Path, tmp_path: Path) -> None:
    python, packages = other_python(cache, version)
    system = make_file_system(tmp_path / "root", packages, python, version)
    scene = Scene(f"Python {version}", REPRESENTATIVE)

    aws, ours = (observe(runtime, scene, system, tmp_path) for runtime in RUNTIMES)

    assert aws.keys() == ours.keys()
    found = [one for case in aws for one in differences(scene.name, aws, ours, case)]
    listed = listed_differences()
    assert [str(one) for one in found if not any(row.covers(one) for row in listed)] == []
