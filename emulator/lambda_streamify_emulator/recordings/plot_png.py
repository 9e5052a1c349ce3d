"""The picture of `plot` as a PNG file, drawn by matplotlib where that is installed."""

from __future__ import annotations

import io
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors import PlotError
from .plot import CHUNK, DOTS, ERROR_COLOUR, HEAD_COLOUR, INK, LEFT, PLOT, SILENCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .plot import Lane, Scale

PIP_LINE = "pip install matplotlib"


def png(lanes: Sequence[Lane], scale: Scale) -> bytes:
    """The picture as a PNG file, drawn by matplotlib; it shows what the SVG shows. Raises PlotError without it."""
    try:
        figures: Any = import_module("matplotlib.figure")  # untyped: it may not be here when types are checked
    except ImportError as error:
        raise PlotError(f"a PNG is drawn by matplotlib: {PIP_LINE}, or choose a name that ends in .svg") from error

    figure = figures.Figure(figsize=(9.6, 1.4 + 2.1 * len(lanes)), dpi=150, layout="constrained")
    figure.suptitle("Chunks over time", fontweight="bold")
    all_axes = figure.subplots(len(lanes), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for lane, axes in zip(lanes, all_axes, strict=True):
        _png_lane(lane, scale, axes)
    all_axes[-1].set_xlabel(scale.time_label)
    drawn = {words: sign for axes in all_axes for sign, words in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(drawn.values(), drawn.keys(), loc="outside lower center", ncols=5, frameon=False)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def _png_lane(lane: Lane, scale: Scale, axes: Any) -> None:
    _, unit = scale.unit
    axes.set_title(f"{lane.headline}\n{lane.figures}", loc="left", fontsize=9, parse_math=False)
    axes.set_ylabel("bytes in chunk")
    axes.set_xlim(0, scale.total / unit * 1.01)
    axes.set_ylim(0, scale.size * 1.08)
    if lane.silence:
        start, end = lane.silence
        axes.axvspan(start / unit, end / unit, color=SILENCE, label="longest gap")
    if lane.head is not None:
        axes.axvline(lane.head / unit, color=HEAD_COLOUR, linestyle="--", label="status and headers")
    if lane.timeline.error is not None:
        axes.axvline(lane.timeline.total / unit, color=ERROR_COLOUR, label="end in an error")
    elif lane.timeline.reason is not None:
        axes.axvline(lane.timeline.total / unit, color=INK, label="end")
    times = [(column / 2 - LEFT) / PLOT * scale.total / unit for column in lane.marks]
    few = len(lane.marks) <= DOTS
    if few:
        axes.plot(times, list(lane.marks.values()), "o", markersize=4, color=CHUNK)
    axes.vlines(times, 0, list(lane.marks.values()), color=CHUNK, linewidth=1.5 if few else 0.5, label="chunk")
