"""Without matplotlib; tests/ecosystem/test_plot_png.py has it."""

import sys
from pathlib import Path

import pytest

from lambda_streamify_emulator.errors import PlotError
from lambda_streamify_emulator.recordings.plot import plot

HEADER = '{"version":1,"kind":"lambda-stream","layer":"client"}\n'


def test_without_matplotlib_a_png_names_the_line_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)

    (tmp_path / "r").write_text(HEADER)

    with pytest.raises(PlotError, match=r"^a PNG is drawn by matplotlib: pip install matplotlib, or choose"):
        plot([tmp_path / "r"], tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()
