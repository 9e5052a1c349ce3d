"""`streamify plot` with matplotlib, which draws its PNG."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from lambda_streamify_emulator.recordings.plot import CHUNK, SILENCE, plot

HEADER = '{"version":1,"kind":"lambda-stream","layer":"client"}\n'
LINES = """\
[1000,"h",{"status_code":200,"headers":{},"cookies":[]}]
[20000,"o","one"]
[80000,"o","three"]
"""
ENDS = {
    "end": '[90000,"x",{"reason":"end","bytes":8,"chunks":2}]\n',
    "error": '[90000,"e",{"type":"Function.A$x$","message":""}]\n',
    "cut": "",
}


def pixels(path: Path) -> Any:
    from matplotlib.image import imread

    return imread(BytesIO(path.read_bytes()))


def count(picture: Any, colour: str) -> int:
    """How many pixels have just this colour."""
    wanted = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    return int(((picture[:, :, :3] * 255).round() == wanted).all(axis=2).sum())


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_the_png_shows_chunks_and_gap(tmp_path: Path, end: str) -> None:
    (tmp_path / "a$b$.ndjson").write_text(HEADER + LINES + end)

    plot([tmp_path / "a$b$.ndjson"], tmp_path / "one.png")
    plot([tmp_path / "a$b$.ndjson"] * 2, tmp_path / "two.PNG")

    one, two = pixels(tmp_path / "one.png"), pixels(tmp_path / "two.PNG")
    assert count(one, CHUNK) > 100
    assert count(one, SILENCE) > 10_000
    assert two.shape[0] > one.shape[0]
    assert two.shape[1] == one.shape[1] == 1440


def test_the_png_of_many_chunks_and_of_none_is_drawn_too(tmp_path: Path) -> None:
    (tmp_path / "many").write_text(HEADER + "".join(f'[{number},"o","x"]\n' for number in range(10_000)))
    (tmp_path / "none").write_text(HEADER)

    for name in ("many", "none"):
        plot([tmp_path / name], tmp_path / f"{name}.png")

    assert count(pixels(tmp_path / "many.png"), CHUNK) > 10 * count(pixels(tmp_path / "none.png"), CHUNK)
