import threading

import pytest

from lambda_streamify_emulator.building.steps import Steps


def test_a_step_is_reported_when_it_begins_and_when_it_has_ended() -> None:
    said, noted, times = list[str](), list[str | None](), [10.0, 13.25]
    steps = Steps(said.append, noted.append, clock=lambda: times.pop(0))

    with steps.installing("requirements.txt with pip", "installing requirements"):
        assert said == ["installing requirements.txt with pip …"]
        assert noted == ["installing requirements"]

    assert said[1:] == ["installed requirements.txt with pip in 3.2 s"]
    assert noted[1:] == [None]


def test_a_step_that_takes_long_says_that_it_still_runs() -> None:
    said, times, seen = list[str](), iter(range(0, 10_000, 20)), threading.Event()

    def say(text: str) -> None:
        said.append(text)
        if len(said) == 3:
            seen.set()

    steps = Steps(say, clock=lambda: float(next(times)), interval_s=0.001)
    with steps.installing("aws-lambda-ric", "compiling"):
        seen.wait()

    assert said[:3] == [
        "installing aws-lambda-ric …",
        "still installing aws-lambda-ric: 20 s",
        "still installing aws-lambda-ric: 40 s",
    ]
    assert said[-1].startswith("installed aws-lambda-ric in ")


def test_a_step_that_fails_is_over_too() -> None:
    said, noted = list[str](), list[str | None]()

    def fail() -> None:
        with Steps(said.append, noted.append).installing("x", "installing x"):
            raise OSError

    with pytest.raises(OSError):  # noqa: PT011 - the one of above
        fail()

    assert said == ["installing x …"]
    assert noted == ["installing x", None]
