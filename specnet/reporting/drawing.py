"""A picture before it is drawn, and how it becomes a file."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from specnet.diagnostics.text import clipped, joined
from specnet.runs.extras import needed
from specnet.storage.files import write_whole

SUFFIXES = (".png", ".svg", ".pdf")
"""What pictures are written as."""

DPI = 150
"""Pixels per inch of a PNG file."""

CATEGORICAL = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d00", "#555555")
"""Colours that the colour-blind can distinguish, after Okabe and Ito (2008)."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
"""A shape for each of these colours, for print without colours."""

LINES = ("-", "--", "-.", ":")

SIGNED, UNSIGNED = "RdBu_r", "cividis"
"""Colour maps of numbers with and without a sign, readable for the colour-blind."""

LOGARITHMIC = 30.0
"""How many times the largest value must exceed the smallest for an axis to be logarithmic."""


class InapplicableError(ValueError):
    """A picture that a run has not; `option` is the option that asked for it."""

    def __init__(self, message: str, option: str = "--what") -> None:
        super().__init__(message)
        self.option = option


@dataclass(frozen=True, slots=True)
class Colours:
    """The colours of lines and letters, which a page replaces by its own."""

    ink: str = "#222222"
    train: str = CATEGORICAL[0]
    validation: str = CATEGORICAL[1]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture with its title, and what it shows in words for those who cannot see it."""

    title: str
    description: str
    draw: Callable[[Any, Colours], None]
    """Draw into a figure of matplotlib."""
    size: tuple[float, float] = (4.6, 2.9)
    """Inches."""


def settings(colours: Colours) -> dict[str, object]:
    """Return the settings of matplotlib that make equal pictures equal bytes, and their letters legible."""
    inked = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
    return {
        "svg.fonttype": "none",
        "svg.hashsalt": "specnet",
        "pdf.fonttype": 42,
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.titlesize": 9,
        "image.interpolation": "nearest",
        **dict.fromkeys(inked, colours.ink),
    }


def label(text: str, width: int = 32) -> str:
    """Return a name from a document or from data as matplotlib shows it as it is: cut, and not read as mathematics."""
    shown = clipped(text, width).replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") else shown  # legends leave out what begins so


@contextmanager
def quiet() -> Iterator[None]:
    """Draw letters that no font here has as boxes, without a word."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def check_file(path: Path) -> None:
    """Raise ValueError where a file's name does not say what kind of picture it is to be.

    Raises RunError where matplotlib is not installed.
    """
    if path.suffix.lower() not in SUFFIXES:
        kinds = joined(SUFFIXES, "or")
        raise ValueError(f"{path}: a picture is written as {kinds}; name the file accordingly")
    needed("matplotlib", "report", "drawing")


def write_drawing(path: Path, drawing: Drawing) -> None:
    """Write a picture in the format that the file's suffix names; equal pictures give equal bytes.

    Raises ValueError where that is none of `SUFFIXES`, and RunError where matplotlib is not installed, or the file
    cannot be written.
    """
    check_file(path)
    matplotlib = needed("matplotlib", "report", "drawing")
    figures = needed("matplotlib.figure", "report", "drawing")
    kind = path.suffix.lower()[1:]
    colours = Colours()
    undated = {
        "png": {"Software": None},
        "svg": {"Date": None, "Creator": None},
        "pdf": {"CreationDate": None},
    }
    with matplotlib.rc_context(settings(colours)):
        figure = figures.Figure(figsize=drawing.size, layout="constrained")
        figure.suptitle(label(drawing.title, 120), x=0.01, ha="left", fontsize=10, fontweight="bold")
        drawing.draw(figure, colours)

        def save(file: IO[bytes]) -> None:
            with quiet():
                figure.savefig(file, format=kind, dpi=DPI, metadata=undated[kind])

        write_whole(path, save)


def colour_map_of(name: str) -> Any:
    """Return one of matplotlib's colour maps: from a number between 0 and 1 to its colour."""
    return needed("matplotlib", "report", "drawing").colormaps[name]


def plain_axes(figure: Any, colours: Colours) -> Any:
    """Return the axes of a figure that has one plot, with a light grid."""
    axes = figure.subplots()
    axes.patch.set_visible(False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color=colours.ink, alpha=0.12, linewidth=0.6)
    return axes
