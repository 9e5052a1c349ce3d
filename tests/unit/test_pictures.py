"""The pictures of the documents are what their script draws, have a text, and can be read in both schemes."""

import json
import re
from xml.etree import ElementTree as ET

import pytest

from documents import DOCUMENTS
from lambda_streamify_emulator.recordings.recording_file import reading
from pictures.drawing import DARK, LIGHT
from pictures.drawn import DOCS, pictures
from pictures.timelines import RECORDINGS

DRAWN = pictures()
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")
READ_ON = {"ink": ("ground", "box", "public"), "note": ("ground", "box", "public"), "bad": ("ground",)}


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == DRAWN[name], "run: make pictures"


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_well_formed_and_loads_nothing(name: str) -> None:
    root = ET.fromstring(DRAWN[name])  # noqa: S314 - the project's own
    values = [value for element in root.iter() for value in element.attrib.values()]

    assert len(values) > 20
    assert [value for value in values if "://" in value] == []
    assert not re.search(r"@import|url\((?!#)", DRAWN[name])


def test_each_picture_is_on_a_page_with_a_text_that_says_what_it_shows() -> None:
    shown = {
        (document.parent / target).resolve(): text
        for document in DOCUMENTS
        for text, target in IMAGE.findall(document.read_text(encoding="utf-8"))
    }

    assert {DOCS / name for name in DRAWN} <= shown.keys()
    assert {path for path, text in shown.items() if len(text) < 20} == set()


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_the_texts_of_pictures_have_enough_contrast(colors: dict[str, str]) -> None:
    """WCAG 2.2, "Contrast (Minimum)": 4.5 to 1."""
    ratios = {
        (text, ground): contrast(colors[text], colors[ground])
        for text, grounds in READ_ON.items()
        for ground in grounds
    }

    assert {pair: ratio for pair, ratio in ratios.items() if ratio < 4.5} == {}


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_recordings_show_one_stream_that_passes_and_one_that_is_held() -> None:
    pieces = {}
    for name in ("streamed", "held"):
        for side in ("function", "reader"):
            with reading(RECORDINGS / f"{name}.{side}.ndjson") as recording:
                pieces[name, side] = [event.chunk for event in recording if event.chunk is not None]

    assert len({b"".join(chunks) for chunks in pieces.values()}) == 1
    assert {key: len(chunks) for key, chunks in pieces.items()} == {
        ("streamed", "function"): 10, ("streamed", "reader"): 10, ("held", "function"): 10, ("held", "reader"): 1,
    }  # fmt: skip


def test_the_terminal_shows_all_that_the_demo_printed() -> None:
    events = map(json.loads, (RECORDINGS / "demo.cast").read_text(encoding="utf-8").splitlines()[1:])
    printed = re.sub(r"\x1b\[\d+m", "", "".join(text for _, _, text in events))
    shown = "".join(ET.fromstring(DRAWN["demo.svg"]).itertext())  # noqa: S314 - the project's own

    assert "Chunk 0" in printed
    assert '"token": "Mar"' in printed
    assert [word for word in printed.split() if len(word) < 40 and word not in shown] == []
