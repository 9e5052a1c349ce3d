"""What of it needs no Locust; tests/ecosystem/test_load.py runs it as it is."""

import io
import json
from typing import Any

import pytest

from lambda_streamify_emulator.load.figures import Seen
from lambda_streamify_emulator.load.process import say, tell
from lambda_streamify_emulator.recordings.distribution import Distribution
from lambda_streamify_emulator.recordings.timeline import Gaps, Timeline

STREAM = Timeline(41_210, 41_380, 900_000, 1_100_000, 3, 38, Gaps(50_734, 600_000, 600_000, 600_000, 2), "end", None)
GAPS = Distribution()
for gap in (50_734, 600_000):
    GAPS.add(gap)


def told(seen: Seen) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    tell(lambda **entry: entries.append(entry), "/story", seen)
    return entries


def test_locust_is_told_each_time_of_a_stream_by_itself() -> None:
    seen = Seen("complete", 200, "", STREAM, GAPS)

    assert told(seen) == [
        {"request_type": "first byte", "name": "/story", "response_time": 41.21, "response_length": 0, "context": {}},
        {"request_type": "largest gap", "name": "/story", "response_time": 600, "response_length": 0, "context": {}},
        {
            "request_type": "stream",
            "name": "/story",
            "response_time": 1100,
            "response_length": 38,
            "exception": None,
            "context": {"seen": seen},
        },
    ]


def test_what_a_stream_did_not_have_is_not_told_and_its_failure_is() -> None:
    (entry,) = told(Seen("no answer", None, "refused", Timeline(None, None, None, 0, 0, 0, None, None, None), GAPS))

    assert (entry["request_type"], str(entry["exception"])) == ("stream", "refused")


def test_figures_are_a_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    say({"streams": 1})

    assert json.loads(capsys.readouterr().out) == {"streams": 1}


class Gone(io.StringIO):
    """A pipe that nobody reads any more."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_when_nobody_is_there_any_more_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", Gone())
    monkeypatch.setattr("sys.stderr", io.StringIO())

    with pytest.raises(SystemExit):
        say({})
