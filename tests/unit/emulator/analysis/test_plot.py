import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify_emulator.analysis.plot import CHUNK_COLOUR, LEFT, PLOT_WIDTH, WIDTH, plot, read, svg, ticks
from lambda_streamify_emulator.errors import PlotError, RecordingFileError

HEADER = '{"version":1,"kind":"lambda-stream","layer":"client"}\n'
HEAD = '[100,"h",{"status_code":200,"headers":{},"cookies":[]}]'
END = '[1000,"x",{"reason":"end","bytes":1,"chunks":1}]'
FAILED = '[900,"e",{"type":"Function.A","message":"why"}]'
NAME = "{http://www.w3.org/2000/svg}"


def recording(path: Path, *lines: str) -> Path:
    path.write_text(HEADER + "".join(f"{line}\n" for line in lines))
    return path


def chunks(count: int, step: int, size: int = 5) -> Iterable[str]:
    return (f'[{number * step},"o","{"x" * size}"]' for number in range(1, count + 1))


def drawn(*paths: Path) -> ET.Element:
    return ET.fromstring(svg(*read(paths)))  # noqa: S314 - made here


def texts(picture: ET.Element) -> list[str]:
    return [element.text or "" for element in picture.iter(f"{NAME}text")]


def stems(picture: ET.Element, lane: int = 0) -> list[tuple[float, float]]:
    """Return position and height of each mark in a lane."""
    paths = [path for path in picture.findall(f"{NAME}path") if path.get("stroke") == CHUNK_COLOUR]
    marks = re.findall(r"M([\d.]+) ([\d.]+)V([\d.]+)", paths[lane].get("d", ""))
    return [(float(x), round(float(base) - float(top), 1)) for x, base, top in marks]


def test_each_chunk_is_a_mark_at_its_time_with_its_size_as_height(tmp_path: Path) -> None:
    path = recording(tmp_path / "a.ndjson", '[0,"o","xxxx"]', '[500,"o","xx"]', '[1000,"o","x"]')

    assert stems(drawn(path)) == [(LEFT, 130), (LEFT + PLOT_WIDTH / 2, 65), (LEFT + PLOT_WIDTH, 32.5)]
    assert len(list(drawn(path).iter(f"{NAME}circle"))) == 3 + 1  # and the one in the legend


def test_the_picture_has_labels(tmp_path: Path) -> None:
    path = recording(tmp_path / "a <b>.ndjson", HEAD, *chunks(3, 300), FAILED)

    words = texts(drawn(path))

    assert words[0] == "Chunks over time"
    assert words[1:5] == ["chunk", "longest gap", "status and headers", "end in an error"]
    assert "a <b>.ndjson (client): Function.A" in words
    figures = "3 chunks; 15 bytes; first byte 0.10 ms; gaps p50 0.30 ms, p99 0.30 ms, longest 0.30 ms; cut 0.90 ms"
    assert figures in words
    assert "bytes in chunk" in words
    assert "time since the request began (µs)" in words


def test_the_picture_counts_chunks_that_were_not_recorded(tmp_path: Path) -> None:
    lossy = END.replace("}]", ',"lost":{"chunks":4,"bytes":9}}]')

    assert "0 chunks; 0 bytes; first byte -; 4 not recorded; end 1.00 ms" in texts(
        drawn(recording(tmp_path / "a", lossy))
    )


@pytest.mark.parametrize(
    ("total", "unit", "first"), [(1500, "µs", "200"), (150_000, "ms", "20"), (600_000_000, "s", "100")]
)
def test_the_axis_has_round_times_in_a_unit_that_fits(tmp_path: Path, total: int, unit: str, first: str) -> None:
    words = texts(drawn(recording(tmp_path / "a", f'[{total},"o","x"]')))

    assert f"time since the request began ({unit})" in words
    assert first in words


def test_two_recordings_share_their_scales(tmp_path: Path) -> None:
    short = recording(tmp_path / "short", '[500,"o","xx"]', END)
    long = recording(tmp_path / "long", '[500,"o","xxxx"]', '[2000,"o","xxxx"]')

    picture = drawn(short, long)

    assert stems(picture, 0) == [(LEFT + PLOT_WIDTH / 4, 65)]
    assert stems(picture, 1) == [(LEFT + PLOT_WIDTH / 4, 130), (LEFT + PLOT_WIDTH, 130)]
    assert {"short (client)", "long (client)", "end"} <= set(texts(picture))


def test_the_longest_gap_lies_between_the_two_chunks_around_it(tmp_path: Path) -> None:
    path = recording(tmp_path / "a", '[0,"o","x"]', '[100,"o","x"]', '[150,"o",""]', '[900,"o","x"]', END)
    (lane,), _ = read([path])

    assert lane.longest_gap == (100, 900)


@pytest.mark.parametrize("count", [0, 1, 10, 10_000])
def test_no_texts_overlap(tmp_path: Path, count: int) -> None:
    failed = f'[{10**8},"e",{{"type":"Function.SomeErrorWithALongName","message":"why"}}]'
    path = recording(tmp_path / ("long name " * 20), HEAD, *chunks(count, 777), failed)
    picture = drawn(path, path)
    boxes = []
    for element in [*picture.iter(f"{NAME}g"), *picture.findall(f"{NAME}text")]:
        text = element if element.tag.endswith("text") else element.find(f"{NAME}text")
        assert text is not None
        place = element.get("transform", "")
        if "rotate" in place:
            continue
        shift = re.match(r"translate\(([\d.]+) ([\d.]+)\)", place)
        dx, dy = (float(shift[1]), float(shift[2])) if shift else (0.0, 0.0)
        size = float(text.get("font-size", "12"))
        width = 0.62 * size * len(text.text or "")  # no sans-serif is wider, on average
        x = dx + float(text.get("x", "0")) - {"middle": width / 2, "end": width}.get(text.get("text-anchor", ""), 0)
        y = dy + float(text.get("y", "0"))
        boxes.append((x, y - size, x + width, y, text.text))

    assert [box for box in boxes if box[0] < 0 or box[2] > WIDTH] == []
    for number, (x1, y1, x2, y2, text_a) in enumerate(boxes):
        for u1, v1, u2, v2, text_b in boxes[number + 1 :]:
            assert x2 <= u1 or u2 <= x1 or y2 <= v1 or v2 <= y1, (text_a, text_b)


def test_the_picture_does_not_grow_with_the_number_of_chunks(tmp_path: Path) -> None:
    some = recording(tmp_path / "a", *chunks(4_000, 1))
    more = recording(tmp_path / "b", *chunks(16_000, 1))

    assert len(svg(*read([more]))) < 1.1 * len(svg(*read([some])))


@given(st.floats(0.001, 1e12), st.integers(2, 10))
def test_ticks_are_few_evenly_apart_and_within(end: float, count: int) -> None:
    found = ticks(end, count)

    assert found[0] == 0
    assert 1 <= len(found) <= count + 2
    assert found[-1] <= end * 1.001
    steps = [later - earlier for earlier, later in pairwise(found)]
    assert all(step == pytest.approx(steps[0]) for step in steps)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.jpg", "{path}: the picture is an SVG, so its name must end in .svg"),
        ("a", "{path}: the picture is an SVG, so its name must end in .svg"),
        ("no/folder/a.svg", "{path} cannot be written: No such file or directory"),
    ],
)
def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(PlotError) as raised:
        plot([recording(tmp_path / "r", END)], tmp_path / name)

    assert str(raised.value) == message.format(path=tmp_path / name)


def test_a_damaged_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingFileError, match="line 2: not JSON"):
        plot([recording(tmp_path / "r", "damage")], tmp_path / "a.svg")
