"""Columns of dates: what `type = "date"` makes of their cells, beside `datetime` and pandas."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pytest

import specnet
from specnet.data import FORMATS, Encoding, load_data
from specnet.data.passed import PassedData
from specnet.data.signature import ColumnSlice
from specnet.data.streamed import StreamedRows, whole
from specnet.data.tables.date_cells import PARTS, DateFormat, date_parts, days
from specnet.data.tables.dates import date_formats
from specnet.diagnostics import SpecError

RANDOM = np.random.default_rng(3)
DAYS = [date(1889, 12, 31) + timedelta(days=int(n)) for n in RANDOM.integers(0, 80000, 60)]
WRITTEN = [f"{day:%d.%m.%Y}" for day in DAYS]
COLUMNS = {"when": {"type": "date", "format": "%d.%m.%Y"}}
EXPECTED = np.array(
    [
        [day.year, day.month, day.day, day.weekday(), day.toordinal() - date(1970, 1, 1).toordinal()]
        for day in DAYS
    ]
)


def table(cells) -> str:
    rows = [f"{cell},{n % 7},{n * 0.5}" for n, cell in enumerate(cells)]
    return "\n".join(["when,n,y", *rows]) + "\n"


def fields(**more):
    return {"type": "csv", "path": "f.csv", "target": "y", "columns": COLUMNS, **more}


def test_parts_are_those_of_pandas():
    pandas = pytest.importorskip("pandas")
    moments = pandas.to_datetime(RANDOM.integers(-(10**18), 2 * 10**18, 500), unit="ns").floor("s")
    found = date_parts(np.array([days(moment.to_pydatetime()) for moment in moments]), PARTS)
    of_pandas = [moments.year, moments.month, moments.day, moments.day_of_week]
    np.testing.assert_array_equal(found[:, :4], np.column_stack(of_pandas))
    np.testing.assert_allclose(found[:, 4], moments.as_unit("s").asi8 / 86400, rtol=1e-14)


def test_dates_become_numbers(desk):
    desk.write("f.csv", table(WRITTEN))
    data = desk.load(**fields())
    np.testing.assert_array_equal(data.splits["train"].inputs[:, :5], EXPECTED)
    assert data.signature.features == (*(f"when.{part}" for part in PARTS), "n")
    assert data.signature.column_slices[:2] == (
        ColumnSlice("when", 0, 5, "date"),
        ColumnSlice("n", 5, 1, "number", whole=True),
    )


def test_rows_that_stay_in_their_file_are_the_same(desk):
    desk.write("f.csv", table(["", *WRITTEN]))
    settings = fields(columns={"when": {**COLUMNS["when"], "missing": "median", "scale": "minmax"}})
    held = desk.load(**settings)
    lazy = load_data(FORMATS.validate({**settings, "load": "batches"}), desk.folder, seed=7, dtype="float64")
    rows = lazy.splits["train"].inputs
    assert isinstance(rows, StreamedRows)
    np.testing.assert_array_equal(whole(rows), held.splits["train"].inputs)


def test_chosen_parts_are_scaled_one_by_one(desk):
    desk.write("f.csv", table(WRITTEN))
    columns = {"when": {**COLUMNS["when"], "parts": ["days", "month"], "scale": "standardize"}}
    rows = desk.load(**fields(columns=columns)).splits["train"].inputs[:, :2]
    chosen = EXPECTED[:, [4, 1]]
    np.testing.assert_allclose(
        rows, (chosen - chosen.mean(axis=0)) / chosen.std(axis=0), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize(
    ("setting", "instead"),
    [
        ({"missing": "median"}, date(2021, 3, 10)),
        ({"missing": "mean"}, date(2021, 3, 16)),
        ({"missing": "most_frequent"}, date(2021, 3, 1)),
        ({"fill": "31.01.1999"}, date(1999, 1, 31)),
    ],
)
def test_gaps_become_a_date(desk, setting, instead):
    desk.write("f.csv", table(["01.03.2021", "", "01.03.2021", "10.03.2021", "11.03.2021", "26.04.2021"]))
    data = desk.load(**fields(columns={"when": {**COLUMNS["when"], **setting}}))
    assert data.splits["train"].inputs[1, :4].tolist() == [
        instead.year,
        instead.month,
        instead.day,
        instead.weekday(),
    ]


def test_rows_without_a_date_are_refused_or_dropped(desk):
    desk.write("f.csv", table(["01.03.2021", "?", "02.03.2021"]))
    found = desk.fault(**fields())
    assert (found.code, found.message) == ("SN511", "column `when` of `f.csv` has no value in line 3 (`?`)")
    dropped = desk.load(**fields(columns={"when": {**COLUMNS["when"], "missing": "drop"}}))
    assert len(dropped.splits["train"]) == 2


@pytest.mark.parametrize(
    ("cells", "message", "help"),
    [
        (
            ["01.03.2021", "30.02.2021", "02.03.2021"],
            "column `when` of `f.csv` holds `30.02.2021` in line 3, which is not a date in the format %d.%m.%Y",
            "add it to `missing_markers`",
        ),
        (
            ["2021-03-01", "2021-03-02", "02.03.2021"],
            "column `when` of `f.csv` holds `2021-03-01`, `2021-03-02` in lines 2 and 3, "  # noqa: ISC004
            "not dates in the format %d.%m.%Y",
            "no `format` reads them",
        ),
        (
            ["3/13/2021", "02.03.2021", "02.03.2021"],
            "column `when` of `f.csv` holds `3/13/2021` in line 2, which is not a date in the format %d.%m.%Y",
            '`format = "%m/%d/%Y"` reads it',
        ),
        (
            ["20210301", "02.03.2021", "02.03.2021"],
            "column `when` of `f.csv` holds `20210301` in line 2, which is not a date in the format %d.%m.%Y",
            "no `format` reads it",
        ),
    ],
)
@pytest.mark.parametrize("load", ["whole", "batches"])
def test_cells_that_are_no_dates_are_named_with_their_lines(desk, cells, message, help, load):
    desk.write("f.csv", table(cells))
    found = desk.fault(**fields(load=load))
    assert (found.code, found.message) == ("SN544", message)
    assert found.help.startswith(help)


def test_new_rows_are_read_as_the_training_rows(desk):
    desk.write("f.csv", table(["", *WRITTEN]))
    data = desk.load(**fields(columns={"when": {**COLUMNS["when"], "missing": "median"}}))
    state = data.encoding.state()
    plain = json.loads(json.dumps(state.pop("encoding")))
    for encoding in (data.encoding, Encoding.from_state({"encoding": plain, **state}, data.encoding.format)):
        new = [[cell, n % 7] for n, cell in enumerate(["", *WRITTEN])]
        np.testing.assert_array_equal(encoding.encode(new), data.splits["train"].inputs)
        new = [[cell, (n + 1) % 7] for n, cell in enumerate(DAYS)]
        np.testing.assert_array_equal(encoding.encode(new), data.splits["train"].inputs[1:])
        np.testing.assert_array_equal(encoding.encode_file("f.csv", desk.folder), data.splits["train"].inputs)
        with pytest.raises(SpecError, match="row 1, column `when`: `2021-03-01` is not a date in the format"):
            encoding.encode([["2021-03-01", 1]])


def test_models_without_dates_are_stored_as_before(desk):
    desk.write("f.csv", table(WRITTEN))
    data = desk.load(**fields(columns={}, exclude=["when"]))
    (column,) = data.encoding.state()["encoding"]["columns"]["features"]
    assert {"format", "parts"}.isdisjoint(column)


def test_typed_dates_of_frames_and_parquet(desk):
    pandas = pytest.importorskip("pandas")
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    settings = {"when": {"type": "date", "missing": "median"}}
    moments = [datetime(day.year, day.month, day.day, 6) for day in DAYS[:20]]  # noqa: DTZ001
    frame = pandas.DataFrame({"when": [*moments, None], "y": np.arange(21.0)})
    frame["when"] = frame["when"].astype("datetime64[us]")
    reader = FORMATS.validate({"type": "frame", "target": "y", "columns": settings})
    of_frame = load_data(reader, desk.folder, seed=0, dtype="float64", passed=PassedData({"train": frame}))
    expected = EXPECTED[:20] + np.array([0, 0, 0, 0, 0.25])
    np.testing.assert_array_equal(of_frame.splits["train"].inputs[:20], expected)
    for kind in ("timestamp[us]", "date32"):
        array = arrow.array([*moments, None]).cast(arrow.timestamp("us"))
        column = array.cast(arrow.date32()) if kind == "date32" else array
        parquet.write_table(arrow.table({"when": column, "y": np.arange(21.0)}), desk.folder / "f.parquet")
        data = desk.load(type="parquet", path="f.parquet", target="y", columns=settings)
        np.testing.assert_array_equal(data.splits["train"].inputs[:20, :4], expected[:, :4])
    found = desk.fault(type="parquet", path="f.parquet", target="y")
    assert found.code == "SN518"
    assert 'write `type = "date"` in [data.columns."when"]' in found.help


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"type": "number", "parts": ["year"]}, "`parts` applies to dates only"),
        ({"type": "category", "format": "%Y"}, "`format` applies to dates only"),
        ({"type": "date", "parts": []}, "`parts` lists no part of a date"),
        ({"type": "date", "parts": ["year", "year"]}, "`year` is named twice"),
        ({"type": "date", "parts": ["hour"]}, "hour"),
        ({"type": "date", "format": "%d.%m."}, "the format has no year"),
        ({"type": "date", "format": "%%Y"}, "the format has no year"),
        ({"type": "date", "format": "%Y %q"}, "dates cannot be read by this format"),
        ({"type": "date", "encode": "index"}, "`encode` applies to categories only"),
        ({"type": "date", "missing": "category"}, '`missing = "category"` does not apply'),
        ({"type": "date", "fill": 3}, "`3` is not a date in ISO 8601"),
        ({"type": "date", "fill": "1.1.1999"}, "`1.1.1999` is not a date in ISO 8601"),
    ],
)
def test_settings_that_do_not_fit_dates(settings, message):
    document = {
        "specnet": 1,
        "data": {"type": "csv", "path": "f.csv", "target": "y", "columns": {"when": settings}},
        "layers": [{"type": "dense", "units": 1}],
        "loss": "mse",
        "training": {"epochs": 1},
    }
    found = specnet.validate(document, data=False).diagnostics
    assert [message in each.message for each in found] == [True], found


def test_settings_that_fit_only_what_the_cells_are(desk):
    desk.write("f.csv", table([*WRITTEN]))
    found = desk.fault(**fields(columns={"n": {"parts": ["year"]}}, exclude=["when"]))
    assert (found.code, "`parts` applies to dates only" in found.message) == ("SN517", True)
    found = desk.fault(**{**fields(), "target": "when", "columns": {"when": {"type": "date"}}})
    assert (found.code, found.message) == ("SN517", "`when` is a target, and a date can be a feature only")


def test_transforms_of_columns_take_no_dates(desk):
    desk.write("f.csv", table(WRITTEN))
    found = desk.fault(**fields(transforms=[{"type": "log", "on": ["when"]}]))
    assert (found.code, found.message) == ("SN560", "`when` holds dates, and `log` takes a column of numbers")


def test_too_many_categories_that_are_dates_get_help(desk):
    desk.write("f.csv", table(WRITTEN))
    for load in ("whole", "batches"):
        found = desk.fault(**fields(columns={}, max_categories=9, load=load))
        assert found.code == "SN515"
        assert found.help.startswith('these are dates: `type = "date"` and `format = "%d.%m.%Y"` in')


def test_formats_that_read_every_cell():
    assert date_formats(["2024-05-31", "2024-05-31T10:00"]) == [None]
    assert date_formats(["5/31/2024", "1/2/2024"]) == ["%m/%d/%Y"]
    assert date_formats(["3/1/2024", "1/2/2024"]) == ["%m/%d/%Y", "%d/%m/%Y"]
    assert date_formats(["31.5.2024 10:30"]) == ["%d.%m.%Y %H:%M"]
    assert date_formats(["31 May 2024"]) == ["%d %b %Y", "%d %B %Y"]
    assert date_formats(["2024-05"]) == ["%Y-%m"]
    assert date_formats(["31.05.2024", "2024-05-31"]) == []
    assert date_formats([]) == []


def test_a_time_zone_leaves_a_date_as_it_is_written():
    east = datetime(2024, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=9)))
    written = DateFormat().days(east.isoformat())
    assert written == days(east) == days(datetime(2024, 1, 1, 0, 30, tzinfo=UTC))
    assert date_parts(np.array([written]), ("year", "day")).tolist() == [[2024, 1]]
