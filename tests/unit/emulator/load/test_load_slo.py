import pytest

from lambda_streamify_emulator.errors import LoadError
from lambda_streamify_emulator.load.slo import parse_slo
from lambda_streamify_emulator.recordings.timeline import Gaps, Timeline


def stream(first_byte: int | None, largest_gap: int | None, total: int) -> Timeline:
    gaps = None if largest_gap is None else Gaps(largest_gap, largest_gap, largest_gap, largest_gap, 2)
    return Timeline(first_byte, first_byte, total, total, 2, 6, gaps, "end", None)


def test_limits_have_units() -> None:
    slo = parse_slo("ttfb=500ms, gap = 0.2s,total=1500us")

    assert (slo.text, slo.limits) == (
        "ttfb=500ms, gap = 0.2s,total=1500us",
        {"ttfb": 500_000, "gap": 200_000, "total": 1500},
    )


@pytest.mark.parametrize(
    "text", ["", "ttfb", "ttfb=500", "ttfb=-5ms", "ttfb=5m", "p99=5ms", "ttfb=5ms;gap=5ms", "gap=5ms,"]
)
def test_another_form_is_an_error_that_shows_the_right_one(text: str) -> None:
    with pytest.raises(LoadError, match=r"write ttfb, gap or total with a time, as in ttfb=500ms,gap=0\.2s"):
        parse_slo(text)


def test_a_limit_is_named_once() -> None:
    with pytest.raises(LoadError, match="name gap twice"):
        parse_slo("gap=1s,gap=2s")


def test_a_stream_misses_the_limits_that_it_exceeds() -> None:
    slo = parse_slo("ttfb=10us,gap=20us,total=30us")

    assert slo.missed(stream(10, 20, 30)) == []
    assert slo.missed(stream(11, 20, 30)) == ["ttfb"]
    assert slo.missed(stream(10, 21, 31)) == ["gap", "total"]


def test_a_stream_of_one_chunk_has_no_gap_to_miss() -> None:
    assert parse_slo("gap=1us").missed(stream(10, None, 30)) == []
