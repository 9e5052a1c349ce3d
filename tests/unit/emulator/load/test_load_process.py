"""The parts that need no Locust; tests/ecosystem/test_load.py runs the whole process."""

import io
import json
from typing import Any

import pytest

from lambda_streamify_emulator.load.locust_request import report_to_locust
from lambda_streamify_emulator.load.measurement import Measurement
from lambda_streamify_emulator.load.process import print_figures
from lambda_streamify_emulator.recordings.distribution import Distribution
from lambda_streamify_emulator.recordings.timeline import Gaps, Timeline

STREAM = Timeline(41_210, 41_380, 900_000, 1_100_000, 3, 38, Gaps(50_734, 600_000, 600_000, 600_000, 2), "end", None)
GAPS = Distribution()
for gap in (50_734, 600_000):
    GAPS.add(gap)


def reported(measurement: Measurement) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    report_to_locust(lambda **entry: entries.append(entry), "/story", measurement)
    return entries


def test_each_time_of_a_stream_is_reported_to_locust_separately() -> None:
    measurement = Measurement("complete", 200, "", STREAM, GAPS)

    assert reported(measurement) == [
        {"request_type": "first byte", "name": "/story", "response_time": 41.21, "response_length": 0, "context": {}},
        {"request_type": "largest gap", "name": "/story", "response_time": 600, "response_length": 0, "context": {}},
        {
            "request_type": "stream",
            "name": "/story",
            "response_time": 1100,
            "response_length": 38,
            "exception": None,
            "context": {"measurement": measurement},
        },
    ]


def test_a_failure_is_reported_without_the_times_that_it_lacks() -> None:
    (entry,) = reported(
        Measurement("no answer", None, "refused", Timeline(None, None, None, 0, 0, 0, None, None, None), GAPS)
    )

    assert (entry["request_type"], str(entry["exception"])) == ("stream", "refused")


def test_figures_are_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_figures({"streams": 1})

    assert json.loads(capsys.readouterr().out) == {"streams": 1}


class Gone(io.StringIO):
    """A pipe whose reader has closed it."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_it_exits_when_its_parent_has_exited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", Gone())
    monkeypatch.setattr("sys.stderr", io.StringIO())

    with pytest.raises(SystemExit):
        print_figures({})
