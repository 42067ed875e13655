from __future__ import annotations

import math
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from specnet.cli.curve import Piece, Series, draw

BRAILLE = range(0x2800, 0x2900)


def plot(
    *curves: tuple[list[float], list[float]], ascii_only: bool = False, width: int = 60, height: int = 8
) -> list[str]:
    series = [
        Series(f"s{n}", x, y, "red" if n else "blue", "o" if n else "*", dashed=bool(n))
        for n, (x, y) in enumerate(curves)
    ]
    lines = draw(series, title="loss", x_name="epoch", width=width, height=height, ascii_only=ascii_only)
    return ["".join(text for text, _ in line) for line in lines]


def dots(lines: list[str]) -> dict[int, set[int]]:
    """The rows of the dots in each column of dots, both from the upper left."""
    start = min(line.index("│") if "│" in line else line.index("┤") for line in lines[1:-2]) + 1
    found: dict[int, set[int]] = {}
    for y, line in enumerate(lines[1:-2]):
        for x, letter in enumerate(line[start:]):
            bits = ord(letter) - 0x2800 if ord(letter) in BRAILLE else 0
            for row, pair in enumerate(((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))):
                for column in (0, 1):
                    if bits & pair[column]:
                        found.setdefault(2 * x + column, set()).add(4 * y + row)
    return found


def test_a_straight_line_is_drawn_through_every_column_of_dots() -> None:
    found = dots(plot(([1.0, 2.0, 3.0], [0.0, 1.0, 2.0])))
    columns, rows = max(found) + 1, 4 * 8
    assert sorted(found) == list(range(columns))
    assert columns == 2 * (60 - 3 - len("0.5"))
    for column, heights in found.items():
        exact = (1 - column / (columns - 1)) * (rows - 1)
        assert all(abs(height - exact) <= 0.7 for height in heights)


def test_a_jump_is_drawn_without_gaps() -> None:
    found = dots(plot(([float(n) for n in range(200)], [0.0] * 100 + [1.0] * 100)))
    assert set.union(*found.values()) == set(range(32))


def test_many_points_in_a_column_are_their_mean() -> None:
    wave = [0.0, 1.0] * 5000
    found = dots(plot(([float(n) for n in range(10_000)], wave), ([0.0, 9999.0], [0.0, 1.0])))
    middle = [heights for column, heights in found.items() if column % 6 >= 3 and 4 < column < 90]
    assert middle
    assert all(heights <= set(range(14, 19)) for heights in middle)


def test_the_axis_is_logarithmic_where_values_span_much() -> None:
    lines = plot(([1.0, 2.0, 3.0], [100.0, 1.0, 0.01]))
    assert lines[0].startswith(" loss (logarithmic)")
    assert [line.split()[0] for line in lines[1:-2] if "┤" in line] == ["100", "10", "1", "0.1", "0.01"]
    found = dots(lines)
    columns = max(found) + 1
    assert min(found[columns // 2]) == pytest.approx(31 / 2, abs=1)
    assert "logarithmic" not in plot(([1.0, 2.0], [100.0, 0.0]))[0]
    assert "logarithmic" not in plot(([1.0, 2.0], [1.0, 0.5]))[0]


def test_without_two_points_there_is_no_plot() -> None:
    assert plot(([], [])) == []
    assert plot(([1.0], [0.5])) == []
    assert plot(([1.0, 2.0], [0.5, math.nan])) == []


def test_values_that_are_not_finite_are_left_out() -> None:
    assert plot(([1.0, 2.0, 3.0], [1.0, math.inf, 2.0])) == plot(([1.0, 3.0], [1.0, 2.0]))


def test_ascii_alone_is_used_where_nothing_else_can_be_shown() -> None:
    lines = plot(([1.0, 2.0, 3.0], [3.0, 2.0, 1.5]), ([1.0, 3.0], [1.0, 2.0]), ascii_only=True)
    assert all(line.isascii() for line in lines)
    assert any("*" in line for line in lines[1:-2])
    assert any("o" in line for line in lines[1:-2])


def test_two_curves_are_distinguished_without_colours() -> None:
    x = [float(n) for n in range(100)]
    found = dots(plot((x, [1.0] * 100), (x, [2.0] * 100)))
    solid = sorted(column for column, heights in found.items() if max(heights) > 20)
    dashed = sorted(column for column, heights in found.items() if min(heights) < 10)
    assert solid == list(range(len(solid)))
    assert len(dashed) == pytest.approx(len(solid) / 2, abs=3)


def marked(place: float, text: str) -> tuple[str, int]:
    lines: list[list[Piece]] = draw(
        [Series("s", [0.0, 100.0], [0.0, 1.0], "", "*")],
        title="t",
        x_name="epoch",
        width=60,
        height=4,
        ascii_only=True,
        mark=(place, text),
    )
    line = "".join(piece for piece, _ in lines[-1])
    assert len(line) <= 60
    return line, line.index("^")


def test_a_mark_points_at_its_place() -> None:
    left, middle, right = (marked(place, "the best epoch")[1] for place in (0, 50, 100))
    assert right == 59
    assert middle == pytest.approx((left + right) / 2, abs=1)
    assert marked(0, "the best epoch")[0].endswith("^ the best epoch")
    assert marked(100, "the best epoch")[0].endswith("the best epoch ^")


numbers = st.floats(allow_nan=True, allow_infinity=True, width=32)


@given(
    st.lists(st.lists(numbers, max_size=40), min_size=1, max_size=2),
    st.booleans(),
    st.integers(30, 100),
    st.integers(2, 20),
)
@example([[9007200328482816.0, 1.0]], False, 30, 2)
@example([[], [1.0, 30.0]], False, 30, 2)
def test_whatever_the_values_the_plot_fits(
    ys: list[list[float]], ascii_only: bool, width: int, height: int
) -> None:
    lines = plot(
        *(([float(n + 1) for n in range(len(y))], y) for y in ys),
        ascii_only=ascii_only,
        width=width,
        height=height,
    )
    # The names of the curves take more lines where the first has no room for them.
    titles = sum(not re.match(r" [^|│┤+└]{0,12}[|│┤+└]", line) for line in lines[:-1])
    assert not lines or len(lines) == titles + height + 2
    assert titles <= 1 + len(ys)
    assert all(len(line) <= width for line in lines[1:])
