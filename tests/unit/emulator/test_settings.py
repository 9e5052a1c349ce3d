from dataclasses import replace
from pathlib import Path

import pytest

from lambda_streamify_emulator.errors import EmulatorError
from lambda_streamify_emulator.settings import Settings, read_max_concurrency
from lambda_streamify_emulator.template.reader import Function

ON_DEMAND = Function("hello", "Hello", "app.handler", "python3.13", Path(), 3, 128, {}, (), None)
MANAGED = replace(ON_DEMAND, name="managed", max_concurrency=16)


def test_a_number_applies_to_the_functions_whose_template_says_none() -> None:
    settings = Settings(max_concurrency=read_max_concurrency("--max-concurrency", ["4"]))

    assert settings.max_concurrency_of(ON_DEMAND) == 4
    assert settings.max_concurrency_of(MANAGED) == 16


def test_a_number_for_a_name_applies_to_it_whatever_its_template_says() -> None:
    lines = ["managed=2", "hello = 3", "9"]
    settings = Settings(max_concurrency=read_max_concurrency("--max-concurrency", lines))

    assert [settings.max_concurrency_of(one) for one in (ON_DEMAND, MANAGED)] == [3, 2]


def test_without_a_number_a_function_runs_on_demand() -> None:
    assert Settings().max_concurrency_of(ON_DEMAND) is None
    assert Settings(max_concurrency={"managed": 2}).max_concurrency_of(ON_DEMAND) is None


def test_a_function_that_is_debugged_runs_one_at_a_time() -> None:
    assert Settings(debug="managed", max_concurrency={"": 4}).max_concurrency_of(MANAGED) is None


@pytest.mark.parametrize("line", ["", "many", "hello=", "0", "1601", "-1", "1.5", "\u0663"])
def test_another_value_is_refused_with_the_way_out(line: str) -> None:
    with pytest.raises(EmulatorError) as raised:
        read_max_concurrency("--max-concurrency", [line])
    assert str(raised.value) == f"--max-concurrency {line}: write a number from 1 to 1600, or NAME=NUMBER"


def test_an_unknown_name_is_refused() -> None:
    settings = Settings(max_concurrency={"": 2, "hello": 2, "hallo": 2})

    settings.check_names([ON_DEMAND, replace(ON_DEMAND, name="hallo")])
    with pytest.raises(EmulatorError) as raised:
        settings.check_names([ON_DEMAND, MANAGED])
    assert str(raised.value) == "--max-concurrency hallo: there is no such function; there are hello, managed"
