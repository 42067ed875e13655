from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from specnet import api

ROWS = ["20,red,yes,1.5,a", "31,blue,no,100000.25,b", "42,red,yes,0,a", "53,green,no,84,b", "64,blue,yes,7,a"]


@pytest.mark.parametrize("encode", ["onehot", "index"])
def test_rows_are_shown_with_the_cells_of_the_table(tmp_path: Path, encode: str) -> None:
    from specnet.reporting.html.worst import worst
    from specnet.reporting.predictions import predicted

    (tmp_path / "d.csv").write_text("age,colour,member,sum,y\n" + "\n".join(ROWS * 2) + "\n")
    spec = {
        "specnet": 1,
        "data": {
            "type": "csv",
            "path": "d.csv",
            "target": "y",
            "scale": "standardize",
            "columns": {"colour": {"encode": encode}},
        },
        "layers": [{"type": "dense", "units": 2}],
        "loss": "cross_entropy",
        "training": {"epochs": 1},
    }
    (tmp_path / "t.json").write_text(json.dumps(spec))
    result = api.run(api.load(tmp_path / "t.json"))
    with np.errstate(all="ignore"):
        (given,) = predicted(result.model, result.data, "train")
        rows = worst(given, result.data)
    assert len(rows) == 10
    for row in rows:
        names, cells = zip(*row.cells, strict=True)
        assert names == ("age", "colour", "member", "sum")
        assert f"{','.join(cells)},{row.target}" == ROWS[(row.number - 1) % 5]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("parts", "shown"),
    [
        (None, ["2024-02-29", "1999-12-31"]),
        (["weekday", "days"], ["2024-02-29", "1999-12-31"]),
        (["day", "month", "year"], ["2024-02-29", "1999-12-31"]),
        (["month", "weekday"], ["month 2, weekday 3", "month 12, weekday 4"]),
    ],
)
def test_dates_are_shown_as_dates(tmp_path: Path, parts, shown, dtype: str) -> None:
    from specnet.reporting.html.worst import worst
    from specnet.reporting.predictions import predicted

    (tmp_path / "d.csv").write_text("when,y\n" + "29.02.2024,1\n31.12.1999,0\n" * 5)
    when = {
        "type": "date",
        "format": "%d.%m.%Y",
        "scale": "standardize",
        **({"parts": parts} if parts else {}),
    }
    spec = {
        "specnet": 1,
        "dtype": dtype,
        "data": {"type": "csv", "path": "d.csv", "target": "y", "columns": {"when": when}},
        "layers": [{"type": "dense", "units": 2}],
        "loss": "cross_entropy",
        "training": {"epochs": 1},
    }
    (tmp_path / "t.json").write_text(json.dumps(spec))
    result = api.run(api.load(tmp_path / "t.json"))
    (given,) = predicted(result.model, result.data, "train")
    assert {cell for row in worst(given, result.data) for _, cell in row.cells} == set(shown)


@pytest.mark.parametrize(("error", "text"), [(0.0, "2024-05-31 13:45:00"), (0.01, "2024-05-31")])
def test_a_time_is_shown_where_it_is_exact(error: float, text: str) -> None:
    from specnet.reporting.cells import _date

    assert _date({"days": 19874 + 13.75 / 24}, error) == text


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (14083.98, 0.05, "14084"),
        (-1e-6, 1e-5, "0"),
        (0.30000001, 1e-6, "0.3"),
        (1234567.0, 0.1, "1234567"),
        (2.5, 0.0, "2.5"),
    ],
)
def test_numbers_have_no_digits_that_nobody_measured(value: float, error: float, text: str) -> None:
    from specnet.reporting.cells import number

    assert number(value, error) == text
