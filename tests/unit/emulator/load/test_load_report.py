from typing import Any

from lambda_streamify_emulator.load.figures import LAG_LIMIT_US, LoadFigures
from lambda_streamify_emulator.load.measurement import Measurement
from lambda_streamify_emulator.load.report import progress, table, warnings
from lambda_streamify_emulator.load.slo import parse_slo
from lambda_streamify_emulator.recordings.distribution import Distribution
from lambda_streamify_emulator.recordings.timeline import Gaps, Timeline

STREAM = Timeline(41_210, 41_380, 900_000, 1_100_000, 3, 38, Gaps(50_734, 600_000, 600_000, 600_000, 2), "end", None)
GAPS = Distribution()
for gap in (50_734, 600_000):
    GAPS.add(gap)


def seen(*outcomes: tuple[str, str], slo: str | None = None, records: int = 0) -> LoadFigures:
    figures = LoadFigures()
    for outcome, reason in outcomes:
        measurement = Measurement(outcome, 200, reason, STREAM, GAPS, records)
        figures.add(measurement, parse_slo(slo) if slo else None)
    return figures


def figures(*outcomes: tuple[str, str]) -> dict[str, Any]:
    return seen(*outcomes).as_dict(10.04)


def test_the_figures_are_a_table() -> None:
    assert table(figures(("complete", ""), ("complete", ""), ("cut", "IncompleteRead: [cut]"))) == [
        "                     p50         p95         p99         max",
        "first byte       0.041 s     0.041 s     0.041 s     0.041 s",
        "gap              0.051 s     0.600 s     0.600 s     0.600 s",
        "largest gap      0.600 s     0.600 s     0.600 s     0.600 s",
        "whole stream     1.100 s     1.100 s     1.100 s     1.100 s",
        "chunks                 3           3           3           3",
        "client lag             -           -           -           -",
        "",
        "                     p50          p5          p1         min",
        "chunks/s             2.3         2.3         2.3         2.3",
        "",
        "3 streams in 10.0 s, 0.3 per second, 114 bytes",
        "0.9 chunks per second",
        "2 complete, 1 cut",
        "       1  IncompleteRead: [cut]",
    ]


def test_an_open_loop_has_its_waiting_and_a_record_stream_its_records_in_the_table() -> None:
    measured = seen(("complete", ""), records=5)
    measured.add_wait(20_000)

    lines = table(measured.as_dict(10))

    assert "wait             0.020 s     0.020 s     0.020 s     0.020 s" in lines
    assert "records/s            4.7         4.7         4.7         4.7" in lines
    assert "0.3 chunks per second, 0.5 records per second" in lines


def test_limits_add_the_goodput_and_what_was_missed() -> None:
    measured = seen(("complete", ""), ("cut", "cut"), slo="ttfb=1s,gap=1s")
    assert table(measured.as_dict(10))[-2:] == [
        "goodput 0.1 per second: 1 of 2 streams (50.0 %) within ttfb=1s,gap=1s",
        "       1  cut",
    ]

    measured = seen(("complete", ""), slo="ttfb=1ms,gap=1ms")
    assert table(measured.as_dict(10))[-2:] == [
        "goodput 0.0 per second: 0 of 1 streams (0.0 %) within ttfb=1ms,gap=1ms",
        "missed: ttfb by 1, gap by 1",
    ]


def test_measures_without_values_have_no_figures() -> None:
    lines = table(figures(("no answer", "refused")))

    assert lines[1] == "first byte             -           -           -           -"
    assert lines[-2:] == ["1 no answer", "       1  refused"]


def test_progress_is_a_line() -> None:
    assert progress(figures(("complete", ""), ("cut", ""))) == "  10 s  2 streams, 1 failed, first byte p50 0.041 s"
    assert progress(figures()) == "  10 s  0 streams, 0 failed, first byte p50 -"


def test_there_is_nothing_to_warn_of_in_a_sound_test() -> None:
    assert warnings(figures(("complete", ""), ("cut", "cut"))) == []


def test_a_late_client_and_requests_that_were_never_sent_are_warned_of() -> None:
    measured = LoadFigures()
    measured.add_lag(LAG_LIMIT_US + 10_000)
    measured.add_not_started(1234)

    late, waiting = warnings(measured.as_dict(1))

    assert late.startswith("the client itself was late: client lag p99 is 0.030 s, above 0.020 s, so do not trust")
    assert waiting.startswith("not started: 1,234; no user was free for these requests")
