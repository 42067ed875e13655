"""Curves drawn in a terminal: in the dots of braille letters, or in ASCII."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Piece = tuple[str, str]
"""A text and its style."""

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of each dot of a braille letter, by row and column."""

NARROWEST = 4
"""Columns in which a curve still has a shape."""

LOGARITHMIC = 30.0
"""How many times the largest value must exceed the smallest for the axis to be logarithmic."""


@dataclass(frozen=True, slots=True)
class Series:
    """One curve."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    style: str
    letter: str
    """What draws it where there is only ASCII."""
    dashed: bool = False
    """Whether it is drawn with gaps, which tell it apart where there are no colours."""


def draw(
    series: Sequence[Series],
    *,
    title: str,
    x_name: str,
    width: int,
    height: int,
    ascii_only: bool,
    mark: tuple[float, str] | None = None,
) -> list[list[Piece]]:
    """Return a plot of curves in lines of at most `width` columns.

    The values' axis is logarithmic where all are positive and span much. Where a column stands for several
    points it shows their mean. Values that are not finite are left out; without two points, or without NARROWEST
    columns for the curves, there is no plot.
    `mark` puts an arrow with a string below one place of the x axis.
    """
    finite = [_finite(each) for each in series]
    points = [(x, y) for each in finite for x, y in zip(each.x, each.y, strict=True)]
    if len({x for x, _ in points}) < 2:
        return []
    axis = _Axis.over([y for _, y in points], height)
    room = max(len(label) for label in axis.labels.values())
    columns = width - room - 3
    if columns < NARROWEST:
        return []
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    canvas = _Canvas(columns, height, ascii_only)
    for each in finite:
        canvas.add(each, left, right, axis)
    lines = _title(title + (" (logarithmic)" if axis.logarithmic else ""), finite, width, ascii_only)
    bar, corner, across, tick = ("|", "+", "-", "+") if ascii_only else ("│", "└", "─", "┤")
    for row in range(height):
        label = axis.labels.get(row, "")
        lines.append([(f" {label:>{room}} {tick if label else bar}", "dim"), *canvas.row(row)])
    lines.append([(f" {' ' * room} {corner}{across * columns}", "dim")])
    first, last = f"{left:.10g}", f"{x_name} {right:.10g}"
    gap = max(1, columns - len(first) - len(last))
    lines.append([(f" {' ' * room}  {first}{' ' * gap}{last}", "dim")])
    if mark is not None and left <= mark[0] <= right:
        place = round((mark[0] - left) / (right - left) * (columns - 1))
        lines.append([(" " * (room + 3) + _arrow(place, mark[1], columns, ascii_only), "")])
    return lines


def _arrow(place: int, text: str, columns: int, ascii_only: bool) -> str:
    """Return a line that points up at a place, the text on the side where there is room."""
    arrow = "^" if ascii_only else "▲"
    if place + 2 + len(text) <= columns:
        return f"{' ' * place}{arrow} {text}"
    return (f"{text} {arrow}" if len(text) < place else arrow).rjust(place + 1)


def _title(title: str, series: Sequence[Series], width: int, ascii_only: bool) -> list[list[Piece]]:
    """Return the title and each curve's name, in as many lines as they take."""
    lines: list[list[Piece]] = [[(f" {title}", "bold")]]
    used = 1 + len(title)
    for each in series:
        sample = each.letter * 2 if ascii_only else "⠒ ⠒" if each.dashed else "⠒⠒⠒"
        room = 3 + len(sample) + 1 + len(each.name)
        if used + room > width and used:
            lines.append([])
            used = 0
        lines[-1] += [("   ", ""), (sample, each.style), (f" {each.name}", "")]
        used += room
    return lines


def _finite(series: Series) -> Series:
    kept = [(x, y) for x, y in zip(series.x, series.y, strict=True) if math.isfinite(y)]
    return Series(
        series.name, [x for x, _ in kept], [y for _, y in kept], series.style, series.letter, series.dashed
    )


@dataclass(frozen=True, slots=True)
class _Axis:
    """From values to heights between 0 (low) and 1, with labels for some rows."""

    low: float
    high: float
    logarithmic: bool
    labels: dict[int, str]

    @classmethod
    def over(cls, values: Sequence[float], height: int) -> _Axis:
        low, high = min(values), max(values)
        logarithmic = low > 0 and high / low >= LOGARITHMIC
        if logarithmic:
            low, high = math.log10(low), math.log10(high)
        if high == low:
            low, high = low - max(abs(low) * 0.1, 1e-12), high + max(abs(high) * 0.1, 1e-12)
        labels: dict[int, str] = {}
        for tick in _powers(low, high) if logarithmic else _round_numbers(low, high):
            row = round((1 - (tick - low) / (high - low)) * (height - 1))
            labels.setdefault(row, f"{10.0**tick:.3g}" if logarithmic else f"{tick:.6g}")
        return cls(low, high, logarithmic, labels)

    def at(self, value: float) -> float:
        value = math.log10(value) if self.logarithmic else value
        return (value - self.low) / (self.high - self.low)


def _round_numbers(low: float, high: float) -> list[float]:
    """Return three to six round numbers of a range."""
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * times for times in (1, 2, 2.5, 5, 10) if power * times >= rough * 0.999)
    return [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _powers(low: float, high: float) -> list[float]:
    """Return the logarithms of a range's powers of ten, all or every few; of 1, 2 and 5 in a short range."""
    if high - low < 2:
        steps = [math.log10(times) for times in (1, 2, 5)]
        exponents = range(math.floor(low), math.ceil(high) + 1)
        return [e + step for e in exponents for step in steps if low <= e + step <= high]
    every = max(1, math.ceil((high - low) / 5))
    return [float(e) for e in range(math.ceil(low), math.floor(high) + 1) if e % every == 0]


class _Canvas:
    """A grid of letters, each of two by four dots, or of one in ASCII."""

    def __init__(self, columns: int, rows: int, ascii_only: bool) -> None:
        self._ascii = ascii_only
        self._across, self._down = (1, 1) if ascii_only else (2, 4)
        self._width, self._height = columns * self._across, rows * self._down
        self._cells = [[0] * columns for _ in range(rows)]
        self._styles = [[""] * columns for _ in range(rows)]
        self._letters = [[" "] * columns for _ in range(rows)]

    def add(self, series: Series, left: float, right: float, axis: _Axis) -> None:
        before: int | None = None
        for column, value in _by_column(series, left, right, self._width):
            height = round((1 - axis.at(value)) * (self._height - 1))
            start = height if before is None else before + (height > before) - (height < before)
            before = height
            if series.dashed and not self._ascii and column % 6 >= 3:
                continue
            for dot in range(min(start, height), max(start, height) + 1):
                self._put(column, dot, series)

    def _put(self, column: int, dot: int, series: Series) -> None:
        x, y = column // self._across, dot // self._down
        if not self._ascii:
            self._cells[y][x] |= _DOTS[dot % 4][column % 2]
        self._styles[y][x] = series.style
        self._letters[y][x] = series.letter

    def row(self, y: int) -> list[Piece]:
        """Return a row as pieces, with blanks at its end left out."""
        pieces: list[Piece] = []
        for cell, letter, style in zip(self._cells[y], self._letters[y], self._styles[y], strict=True):
            text = letter if self._ascii else chr(0x2800 + cell) if cell else " "
            if pieces and pieces[-1][1] == style:
                pieces[-1] = (pieces[-1][0] + text, style)
            else:
                pieces.append((text, style))
        if pieces and not pieces[-1][0].strip():
            pieces.pop()
        return pieces


def _by_column(series: Series, left: float, right: float, columns: int) -> list[tuple[int, float]]:
    """Return a value for each column from a curve's first point to its last.

    A column with several points has their mean, one between two points what a line between them has there.
    """
    places = [(x - left) / (right - left) * (columns - 1) for x in series.x]
    sums: dict[int, list[float]] = {}
    for place, value in zip(places, series.y, strict=True):
        sums.setdefault(round(place), []).append(value)
    known = [(column, math.fsum(values) / len(values)) for column, values in sorted(sums.items())]
    line: list[tuple[int, float]] = known[:1]
    for (start, low), (end, high) in pairwise(known):
        slope = (high - low) / (end - start)
        line += [(column, low + slope * (column - start)) for column in range(start + 1, end)]
        # Its own value, which the sum above would miss by a rounding: it may be above 0 and the sum not.
        line.append((end, high))
    return line
