"""How times of series go on, against pandas."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from specnet.data.series.dates import Frequency, calendar_features, microseconds
from specnet.data.tables.date_cells import DateFormat

pd = pytest.importorskip("pandas")


def micros(index: pd.DatetimeIndex) -> np.ndarray:
    return index.values.astype("datetime64[us]").astype(np.int64)


@pytest.mark.parametrize(
    ("freq", "start", "name"),
    [
        ("D", "2024-02-20", "1 day"),
        ("7D", "2024-02-20", "1 week"),
        ("h", "2024-02-28 05:00", "1 hour"),
        ("15min", "2024-02-28 05:00", "15 minutes"),
        ("MS", "2023-10-01", "1 month"),
        ("ME", "2023-10-31", "1 month"),
        ("QS", "2022-01-01", "3 months"),
        ("YS", "2001-01-01", "1 year"),
        ("B", "2024-02-20", "1 workday"),
    ],
)
def test_times_go_on_as_those_before(freq: str, start: str, name: str) -> None:
    times = micros(pd.date_range(start, periods=30, freq=freq))
    frequency = Frequency.of([times[:20]], dated=True)
    assert frequency is not None
    assert frequency.name == name
    assert not frequency.irregular(times).any()
    np.testing.assert_array_equal(frequency.after(times[19], 10), times[20:])
    without = np.delete(times, 9)
    found = Frequency.of([without[:20]], dated=True)
    assert found == frequency
    assert np.flatnonzero(found.irregular(without)).tolist() == [8]


def test_numbers_go_on_by_their_step() -> None:
    frequency = Frequency.of([np.arange(0, 5, 0.5)], dated=False)
    assert frequency == Frequency("number", 0.5)
    np.testing.assert_allclose(frequency.after(4.5, 2), [5.0, 5.5])
    assert Frequency.of([np.array([3.0])], dated=False) is None


def test_calendar_features_are_those_of_the_date_from_low_to_high() -> None:
    times = pd.date_range("2024-01-01", "2024-12-31 23:59", freq="1213min")
    parts = ("minute", "hour", "weekday", "day", "day_of_year", "month")
    found = calendar_features(micros(times), parts)
    for column, (values, top) in zip(
        found.T,
        [
            (times.minute, 59),
            (times.hour, 23),
            (times.day_of_week, 6),
            (times.day - 1, 30),
            (times.day_of_year - 1, 365),
            (times.month - 1, 11),
        ],
        strict=True,
    ):
        np.testing.assert_allclose(column, np.asarray(values) / top - 0.5)


def test_cells_are_dates_in_every_form() -> None:
    form = DateFormat("%d.%m.%Y")
    day = 19_782 * 86_400_000_000
    assert microseconds("29.02.2024", form) == microseconds(date(2024, 2, 29), form) == day
    assert microseconds("2024-02-29", form) is None
