import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from lambda_streamify_emulator.errors import LoadError
from lambda_streamify_emulator.load.chart import chart
from lambda_streamify_emulator.load.figures import LoadFigures
from lambda_streamify_emulator.load.html_report import charts, complete_report
from lambda_streamify_emulator.load.measurement import Measurement
from lambda_streamify_emulator.recordings.distribution import Distribution
from lambda_streamify_emulator.recordings.timeline import Timeline

STREAM = Timeline(41_210, 41_380, 900_000, 1_100_000, 1, 38, None, "end", None)


def figures(*reasons: str) -> dict[str, Any]:
    seen = LoadFigures()
    for reason in reasons:
        seen.add(Measurement("cut" if reason else "complete", 200, reason, STREAM, Distribution()))
    return seen.as_dict(2)


def test_the_section_stands_before_locusts_own_report(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("<html><body><div>Locust</div></body></html>")

    complete_report(path, figures("", "<b>cut</b>"), [figures(""), figures("<b>cut</b>")])

    report = path.read_text()
    assert report.startswith('<html><body>\n<section id="streams"')
    assert report.endswith("</section>\n<div>Locust</div></body></html>")
    assert "2 streams in 2.0 s" in report
    assert "&lt;b&gt;cut&lt;/b&gt;" in report
    assert report.count("<svg ") == 4


def test_without_locusts_report_the_error_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"--html .*missing\.html: Locust's report cannot be completed: No such file"):
        complete_report(tmp_path / "missing.html", figures(), [])


def test_charts_show_each_second_by_itself() -> None:
    ended, first_byte, *_ = charts([figures(""), figures(), figures("cut", "", "")])

    assert re.findall(r'cx="([\d.]+)"', ended) == 2 * ["189.3", "318.7", "448.0"]
    assert "6 s</text>" in ended
    assert len(re.findall("<circle", first_byte)) == 4  # two lines; in one second there was no stream
    assert "41.21</text>" in first_byte


def test_a_chart_is_svg_with_a_gap_where_there_is_no_value() -> None:
    drawn = ET.fromstring(chart("a < b", "ms", [1, 2, 3, 4], {"line": [1, None, 4, 2]}))  # noqa: S314 - ours

    assert drawn.findtext("title") == "a < b"
    (line,) = [path.get("d") for path in drawn.iter("path") if path.get("stroke-width")]
    assert line is not None
    assert re.sub("[^ML]", "", line) == "MML"


def test_a_chart_without_values_is_empty() -> None:
    drawn = ET.fromstring(chart("nothing", "ms", [], {"line": []}))  # noqa: S314 - ours

    assert list(drawn.iter("circle")) == []
