from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify_emulator.recordings.histogram import Histogram
from lambda_streamify_emulator.recordings.recording import Event, chunk_event
from lambda_streamify_emulator.recordings.timeline import Meter
from lambda_streamify_emulator.terminal.sparkline import ASCII, UNICODE, Glyphs, sparkline

HEAD = {"status_code": 200, "headers": {}, "cookies": []}


def drawn(
    chunks: Iterable[int],
    total: int,
    width: int,
    *,
    head: int | None = None,
    reason: str | None = "end",
    error: str | None = None,
    glyphs: Glyphs = UNICODE,
) -> list[str]:
    """Return the sparkline of a stream with chunks at these times, in milliseconds."""
    meter, histogram = Meter(), Histogram()
    if head is not None:
        meter.add(Event(head * 1000, "h", HEAD))
    for time in chunks:
        meter.add(chunk_event(time * 1000, b"abc"))
        histogram.add(time * 1000, 3)
    if error is not None:
        meter.add(Event(total * 1000, "e", {"type": error, "message": ""}))
    if reason is not None:
        meter.add(Event(total * 1000, "x", {"reason": reason, "bytes": 0, "chunks": 0}))
    return sparkline(meter.timeline(), histogram, width, glyphs)


def test_each_chunk_is_a_bar_and_the_largest_gap_a_line() -> None:
    assert drawn([220, 420, 1640], 1800, 48, head=100) == [
        "··╎·│····│──────────────────────────│··· 1.800 s",
        "first 0.100 s, last 1.640 s, gap 1.220 s",
    ]


def test_several_chunks_in_a_column_are_a_thicker_bar() -> None:
    assert drawn([0, *[520] * 2, *[999] * 10], 1000, 18)[0] == "│────┃···█ 1.000 s"


def test_a_stream_that_failed_says_so_where_it_ends() -> None:
    assert drawn([0], 1000, 20, reason="error", error="Function.A")[0] == "│·········· ✗1.000 s"


def test_a_connection_that_broke_is_a_failure_too() -> None:
    assert drawn([0], 1000, 20, reason="disconnect")[0] == "│·········· ✗1.000 s"


def test_a_stream_without_an_end_was_cut() -> None:
    assert drawn([0, 1000], 1000, 40, reason=None)[0] == "│────────────────────│ cut after 1.000 s"


def test_a_terminal_without_unicode_gets_ascii() -> None:
    chunks = [200, 400, 400, *[1400] * 10]

    assert drawn(chunks, 1500, 25, head=0, reason="error", glyphs=ASCII)[0] == ":.|.H---------#. x1.500 s"


FIGURES = [
    ([], None, "no byte came"),
    ([], 40, "first byte 0.040 s, no body"),
    ([50], None, "first byte 0.050 s, last byte 0.050 s, no gaps"),
]


@pytest.mark.parametrize(("chunks", "head", "figures"), FIGURES)
def test_figures_that_do_not_exist_are_omitted(chunks: list[int], head: int | None, figures: str) -> None:
    picture, line = drawn(chunks, 100, 60, head=head)

    assert line == figures
    assert picture.endswith(" 0.100 s")
    assert picture.count("│") == len(chunks)
    assert "─" not in picture


WIDTHS = [
    (73, "first byte 0.100 s, last byte 0.900 s, largest gap 0.800 s before chunk 2"),
    (72, "first byte 0.100 s, last byte 0.900 s, largest gap 0.800 s"),
    (57, "first 0.100 s, last 0.900 s, gap 0.800 s"),
    (39, "first 0.100 s, last 0.900 s"),
    (26, "first 0.100 s"),
    (18, "first 0.100 s"),
]


@pytest.mark.parametrize(("width", "figures"), WIDTHS)
def test_a_narrow_terminal_gets_the_figures_that_fit(width: int, figures: str) -> None:
    picture, line = drawn([100, 900], 1000, width)

    assert line == figures
    assert len(picture) == width


def test_without_room_for_a_sparkline_only_figures_are_shown() -> None:
    assert drawn([100, 900], 1000, 17) == ["first 0.100 s"]
    assert drawn([100, 900], 1000, 1) == [""]


def test_a_wide_terminal_gets_no_more_columns_than_the_histogram_has() -> None:
    picture, _ = drawn([0, 1000], 1000, 100_000)

    assert picture == "│" + "─" * 510 + "│ 1.000 s"


def test_all_at_once_is_one_bar() -> None:
    assert drawn([0, 0], 0, 24) == ["┃··············· 0.00 ms", "first 0.00 ms"]


def test_many_chunks_fill_the_line() -> None:
    assert drawn([number // 100 for number in range(100_000)], 1000, 48)[0] == "█" * 40 + " 1.000 s"


@given(st.lists(st.integers(0, 5000)), st.integers(0, 10_000), st.integers(1, 300), st.sampled_from([None, 0, 77]))
def test_no_line_is_longer_than_the_width(chunks: list[int], more: int, width: int, head: int | None) -> None:
    times = sorted(chunks)
    total = max([head or 0, *times]) + more

    lines = drawn([time for time in times if head is None or time >= head], total, width, head=head)

    assert 1 <= len(lines) <= 2
    assert all(len(line) <= width for line in lines)
