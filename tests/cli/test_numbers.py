from __future__ import annotations

import math

import pytest

from specnet.cli import numbers


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([1.0, 0.96667, 0.9], ["1.0000", "0.9667", "0.9000"]),
        ([1.0], ["1.000"]),
        ([0.00046438], ["0.0004644"]),
        ([0.5, 0.0], ["0.5000", "0.0000"]),
        ([123.456, 7.0], ["123.456", "7.000"]),
        ([2.5e-7, 1.0], ["2.500e-07", "1.000e+00"]),
        ([3e9], ["3.000e+09"]),
        ([math.nan, 0.5, math.inf, -math.inf], ["NaN", "0.5000", "inf", "-inf"]),
        ([None, 0.25], [" ", "0.2500"]),
        ([0.0], ["0.000"]),
        ([123456.0, 0.5], ["123456.000", "0.500"]),
    ],
)
def test_a_column_has_its_points_in_line(values: list[float | None], texts: list[str]) -> None:
    assert numbers.column(values) == texts


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([3.869380646010267, -0.6126333955416581], ["3.86938065", "-0.61263340"]),
        ([0.0, 1.0, 1.0], ["0", "1", "1"]),
        ([5.1, 4.0], ["5.10000000", "4.00000000"]),
        ([1e-9, 1.0], ["0.00000000", "1.00000000"]),
        ([1e-9], ["1.00000000e-09"]),
        ([12345.678], ["12345.6780"]),
    ],
)
def test_entries_have_as_many_digits_as_the_largest_needs(values: list[float], texts: list[str]) -> None:
    assert numbers.entries(values, 9) == texts


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.00 s"),
        (0.314, "0.31 s"),
        (12.34, "12.3 s"),
        (99.96, "1:40 min"),
        (245.4, "4:05 min"),
        (3723, "1:02:03 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert numbers.duration(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "0:01"), (59.5, "1:00"), (3723, "1:02:03")])
def test_time_left(seconds: float, text: str) -> None:
    assert numbers.time_left(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (9999, "9999"),
        (10_000, "10.0k"),
        (999_999, "1.00M"),
        (123_456_789, "123M"),
        (10**18, "1000P"),
    ],
)
def test_amounts(count: int, text: str) -> None:
    assert numbers.amount(count) == text


def test_numbers_alone() -> None:
    assert numbers.number(0.00123456) == "0.001235"
    assert numbers.number(1234567.0) == "1234567"
    assert numbers.number(math.nan) == "NaN"
