"""Numbers that are read of many cells at once have the bits that `float` gives each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from specnet.data.tables.byte_cells import CellBlock

DIGITS = st.text("0123456789", max_size=22)
SIGNS = st.sampled_from(["", "-", "+", " ", "  -"])
NUMBERS = st.one_of(
    st.builds("{}{}{}{}".format, SIGNS, DIGITS, st.sampled_from(["", "."]), DIGITS),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(-1e6, 1e6).map(repr),
    st.integers(-(10**20), 10**20).map(str),
)  # fmt: skip
OTHERS = st.one_of(
    st.text("0123456789.-+eE_ xnaif", max_size=12),
    st.sampled_from(
        ["nan", "inf", "-inf", "1_000", "0x10", "1e400", "٣", "１２", "1.2.3", "--1", "12:30", "a", "é"]
    ),
)


def numbers(cells):
    block = CellBlock(("\n".join(cells) + "\n").encode(), 1, ",")
    assert block.whole(1 << 20)
    return block.numbers(0)


@given(st.lists(st.one_of(NUMBERS, OTHERS), min_size=1, max_size=40))
@example(["9007199254740993", "9007199254740992.5", "0.5000000000000001", "9999999999999999999"])
@example(
    [
        "123456789012345678901234567890",
        "18446744073709550592",
        "18446744073709551616",
        "99999999999999999999999",
    ]
)
def test_what_is_read_is_what_float_reads(cells):
    values, odd = numbers(cells)
    for cell, value, left in zip(cells, values.tolist(), odd.tolist(), strict=True):
        if not left:
            assert cell.isascii()
            assert "_" not in cell
            assert np.float64(value).tobytes() == np.float64(float(cell)).tobytes()


@given(st.lists(st.floats(0.001, 1e6) | st.floats(-1e6, -0.001), min_size=1, max_size=40))
def test_the_shortest_spelling_of_a_number_is_read_at_once(found):
    values, odd = numbers(list(map(repr, found)))
    # One quotient in a trillion is so near the middle of two numbers that it is left to `float`.
    assert not odd.any()
    assert values.tolist() == found


def test_half_way_between_two_numbers_is_left_to_float_or_read_as_it_does():
    random = np.random.default_rng(5)
    odd = [int(number) | 1 for number in random.integers(1 << 53, 1 << 62, 4000)]
    halves = [(number << 1 | 1) if number < 1 << 53 else number for number in odd]
    cells = [f"{number}"[:-k] + "." + f"{number}"[-k:] for number in halves for k in (1, 5, 12)]
    values, left = numbers(cells)
    expected = np.array(list(map(float, cells)))
    assert values[~left].tobytes() == expected[~left].tobytes()
    assert np.count_nonzero(left) < len(cells) / 100


@pytest.mark.parametrize(
    "cell", ["", "-", "+", ".", "-.", "1-2", "1 2", "12a", "1.5e3", "1,5", "nan", "0x1", "1" * 20]
)
def test_what_is_no_plain_number_is_left(cell):
    block = CellBlock(f"1;{cell}\n".encode(), 2, ";")
    assert block.numbers(1)[1].tolist() == [True]
    assert block.numbers(0)[0].tolist() == [1.0]


def test_lines_of_another_width_are_no_block():
    assert not CellBlock(b"1,2\n3\n4,5,6\n", 2, ",").whole(100)
    assert not CellBlock(b"1,2\n3,4000\n", 2, ",").whole(3)
    assert CellBlock(b"1,2\n3,400\n", 2, ",").whole(3)
