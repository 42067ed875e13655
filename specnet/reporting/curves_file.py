from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from specnet.runs.extras import needed
from specnet.runs.files import write_whole

SPREAD = 30.0
"""How many times the largest value must exceed the smallest for the axis to be logarithmic."""


def write_curves(
    path: Path, names: Sequence[str], title: str, curves: Sequence[tuple[Sequence[int], Sequence[float]]]
) -> None:
    """Draw a curve a run, epoch by epoch, into an SVG file; equal curves give equal bytes.

    Raises RunError where matplotlib is not installed, or the file cannot be written.
    """
    matplotlib = needed("matplotlib", "report", "drawing curves")
    figures = needed("matplotlib.figure", "report", "drawing curves")
    with matplotlib.rc_context(
        {"svg.fonttype": "none", "svg.hashsalt": "specnet", "font.family": "sans-serif"}
    ):
        figure = figures.Figure(figsize=(8, 4.5), layout="constrained")
        axes = figure.subplots()
        for number, (name, (epochs, losses)) in enumerate(zip(names, curves, strict=True)):
            style = ("-", "--", ":", "-.")[number // 10 % 4]
            axes.plot(epochs, losses, style, label=name, linewidth=1.5)
        values = [loss for _, losses in curves for loss in losses if loss - loss == 0.0]
        if values and min(values) > 0 and max(values) >= SPREAD * min(values):
            axes.set_yscale("log")
        axes.set_xlabel("epoch")
        axes.set_ylabel(title)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
        axes.legend(frameon=False)
        write_whole(path, lambda file: figure.savefig(file, format="svg", metadata={"Date": None}))
