"""Windows of series: which there are, what they hold, which split they belong to, and how they are scaled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from specnet.data import FORMATS, Encoding, load_data, open_data
from specnet.data.arrays.windows import WindowRows
from specnet.data.labelled import labelled_rows
from specnet.data.streamed import whole
from specnet.diagnostics import SpecError

DAYS = [str(day) for day in np.arange("2024-01-01", "2024-03-01", dtype="datetime64[D]")]
A, B = np.arange(60.0) ** 1.5, 1000.0 + np.arange(60.0) % 7
KEYS = {"type": "series", "path": "s.csv", "target": "y", "lookback": 5, "horizon": 3}


def write(
    folder: Path, rows: list[tuple[Any, ...]], header: str = "date,id,y,p,k", name: str = "s.csv"
) -> Path:
    lines = [header, *(",".join("" if cell is None else str(cell) for cell in row) for row in rows)]
    (folder / name).write_text("\n".join(lines) + "\n")
    return folder / name


def two(folder: Path, count: int = 60) -> dict[str, Any]:
    """Two series whose rows take turns."""
    rows = []
    for i in range(count):
        rows += [(DAYS[i], "a", A[i], i, i % 2), (DAYS[i], "b", B[i], -i, i % 3)]
    write(folder, rows)
    return {**KEYS, "time": "date", "series": "id"}


def load(folder: Path, keys: dict[str, Any]) -> Any:
    return load_data(FORMATS.validate(keys), folder, seed=1, dtype="float64")


def messages(folder: Path, keys: dict[str, Any]) -> list[str]:
    with pytest.raises(SpecError) as caught:
        open_data(FORMATS.validate(keys), folder)
    for found in caught.value.diagnostics:
        assert found.path[0] == "data"
    return [f"{found.code} {found.message}" for found in caught.value.diagnostics]


def test_windows_hold_what_was_and_what_is_known_ahead(tmp_path: Path) -> None:
    keys = two(tmp_path) | {"past": ["p"], "known": ["k"], "calendar": ["weekday"]}
    train = load(tmp_path, keys).splits["train"]
    inputs, targets = whole(train.inputs), whole(train.targets)
    assert inputs.shape == (2 * 53, 5, 6)
    assert targets.shape == (2 * 53, 3)
    i = np.arange(60)
    for at in (0, 17, 52):
        np.testing.assert_array_equal(targets[at], A[at + 5 : at + 8])
        np.testing.assert_array_equal(targets[53 + at], B[at + 5 : at + 8])
        np.testing.assert_array_equal(inputs[at, :, 0], A[at : at + 5])
        np.testing.assert_array_equal(inputs[at, :, 1], i[at : at + 5])
        np.testing.assert_array_equal(inputs[at, :, 2], i[at : at + 5] % 2)
        # The first of January 2024 was a Monday.
        np.testing.assert_allclose(inputs[at, :, 3], i[at : at + 5] % 7 / 6 - 0.5)
        np.testing.assert_array_equal(inputs[53 + at, :, 4], (i[at : at + 5] + 3) % 3)
        np.testing.assert_allclose(inputs[at, :, 5], (i[at : at + 5] + 3) % 7 / 6 - 0.5)


def test_windows_are_views_of_one_array(tmp_path: Path) -> None:
    opened = open_data(FORMATS.validate(two(tmp_path)), tmp_path)
    part = opened.source.read(0)["train"]
    for rows in (part.inputs, part.targets):
        assert isinstance(rows, WindowRows)
        assert len(rows.array) == 120
    assert opened.signature.batches == ("inputs", "targets")


@pytest.mark.parametrize(
    "split",
    [
        {"validation_steps": 6, "test_steps": 10},
        {"validation": 0.1, "test": 10 / 60},
        {"validation_steps": 6, "test": 10 / 60},
    ],
)
def test_the_last_times_are_held_out_and_no_window_reaches_across(
    tmp_path: Path, split: dict[str, Any]
) -> None:
    data = load(tmp_path, two(tmp_path) | {"split": split})
    found = {name: whole(each.targets) for name, each in data.splits.items()}
    limits = {"train": (5, 44), "validation": (44, 50), "test": (50, 60)}
    for name, (low, high) in limits.items():
        count = high - low - 2
        assert data.signature.rows[name] == 2 * count == len(found[name])
        np.testing.assert_array_equal(found[name][0], A[low : low + 3])
        np.testing.assert_array_equal(found[name][count - 1], A[high - 3 : high])
        np.testing.assert_array_equal(found[name][-1], B[high - 3 : high])
    # The lookback of the first validation window lies in the training.
    np.testing.assert_array_equal(whole(data.splits["validation"].inputs)[0, :, 0], A[39:44])


def test_a_stride_leaves_out_windows_of_each_split(tmp_path: Path) -> None:
    data = load(tmp_path, two(tmp_path) | {"stride": 4, "split": {"test_steps": 10}})
    np.testing.assert_array_equal(whole(data.splits["train"].targets)[:2, 0], A[[5, 9]])
    np.testing.assert_array_equal(whole(data.splits["test"].targets)[:2, 0], A[[50, 54]])


@pytest.mark.parametrize("scale", ["standardize", "minmax"])
def test_each_series_is_scaled_by_its_own_past(tmp_path: Path, scale: str) -> None:
    data = load(
        tmp_path, two(tmp_path) | {"scale": scale, "split": {"test_steps": 10}, "past": ["p"], "season": 7}
    )
    for series, values, other in ((0, A, np.arange(60)), (1, B, -np.arange(60))):
        past = values[:50]
        center, span = (past.mean(), past.std()) if scale == "standardize" else (past.min(), np.ptp(past))
        test = data.splits["test"]
        own = slice(0, 8) if series == 0 else slice(8, 16)
        np.testing.assert_allclose(whole(test.targets)[own][0], (values[50:53] - center) / span)
        np.testing.assert_allclose(whole(test.inputs)[own][0, :, 0], (values[45:50] - center) / span)
        at, by = (other[:50].mean(), other[:50].std()) if scale == "standardize" else (other[:50].min(), 49)
        np.testing.assert_allclose(whole(test.inputs)[own][0, :, 1], (other[45:50] - at) / by)
        naive = np.abs(past[7:] - past[:-7]).mean()
        np.testing.assert_allclose(test.scales[own], np.full((8, 3, 1), [[center], [span], [naive]]))


def test_series_that_are_scaled_together_come_back_through_the_transforms(tmp_path: Path) -> None:
    data = load(
        tmp_path,
        two(tmp_path) | {"scale": "standardize", "scale_by": "together", "split": {"test_steps": 10}},
    )
    past = np.concatenate([A[:50], B[:50]])
    targets = whole(data.splits["test"].targets)
    np.testing.assert_allclose(targets[0], (A[50:53] - past.mean()) / past.std())
    np.testing.assert_allclose(data.encoding.decode(targets)[0], A[50:53])
    np.testing.assert_array_equal(data.splits["test"].scales[:, :2, 0], [[0.0, 1.0]] * 16)
    raw = np.stack([B[:5], A[:5]])[..., None]
    np.testing.assert_allclose(data.encoding.encode(raw), (raw - past.mean()) / past.std())


def test_what_a_run_keeps_scales_other_series(tmp_path: Path) -> None:
    keys = two(tmp_path) | {"scale": "standardize", "split": {"test_steps": 10}}
    encoding = load(tmp_path, keys).encoding
    state = encoding.state()
    again = Encoding.from_state(
        {**state, "encoding": json.loads(json.dumps(state["encoding"]))}, encoding.format
    )
    rows = [
        (day, name, value, 0, 0)
        for name, of in (("b", B), ("new", A))
        for day, value in zip(DAYS, of, strict=False)
    ]
    place = write(tmp_path, rows, name="other.csv")
    found = labelled_rows(again, place)
    np.testing.assert_allclose(found.targets.take(slice(0, 1))[0], (B[5:8] - B[:50].mean()) / B[:50].std())
    # A series that training did not have is scaled by its own steps.
    np.testing.assert_allclose(found.targets.take(slice(53, 54))[0], (A[5:8] - A.mean()) / A.std())


def test_several_targets_are_columns_of_the_horizon(tmp_path: Path) -> None:
    data = load(tmp_path, two(tmp_path) | {"target": ["y", "p"]})
    assert data.signature.target == (3, 2)
    np.testing.assert_array_equal(whole(data.splits["train"].targets)[1, :, 1], [6, 7, 8])


def test_rows_without_a_target_at_the_end_are_the_future(tmp_path: Path) -> None:
    rows = [(DAYS[i], "a", A[i] if i < 20 else None, 0 if i < 20 else None, i) for i in range(24)]
    write(tmp_path, rows)
    train = load(tmp_path, {**KEYS, "time": "date", "known": ["k"], "past": ["p"]}).splits["train"]
    assert len(train) == 13


@pytest.mark.parametrize("suffix", ["npy", "npz", "parquet", "txt.gz"])
def test_series_come_from_every_kind_of_file(tmp_path: Path, suffix: str) -> None:
    columns, keys = np.stack([A, B], axis=1), {**KEYS, "path": f"s.{suffix}", "target": [0, 1]}
    if suffix == "npy":
        np.save(tmp_path / "s.npy", columns)
    elif suffix == "npz":
        np.savez(tmp_path / "s.npz", columns=columns)
        keys["array"] = "columns"
    elif suffix == "parquet":
        pa = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        parquet.write_table(pa.table({"u": A, "v": B}), tmp_path / "s.parquet")
        keys["target"] = ["u", "v"]
    else:
        import gzip

        text = "".join(f"{a!r} {b!r}\n" for a, b in columns.tolist())
        (tmp_path / "s.txt.gz").write_bytes(gzip.compress(text.encode()))
        keys |= {"header": False, "delimiter": "whitespace"}
    train = load(tmp_path, keys).splits["train"]
    np.testing.assert_array_equal(whole(train.targets)[0], columns[5:8])


def test_months_and_other_forms_of_dates_are_read(tmp_path: Path) -> None:
    write(tmp_path, [(f"20{20 + i // 12}-{i % 12 + 1:02}", "a", i, 0, 0) for i in range(40)])
    opened = open_data(FORMATS.validate({**KEYS, "time": "date"}), tmp_path)
    assert opened.source.panel.frequency.name == "1 month"
    write(tmp_path, [(f"{i + 1:02}/02/2024", "a", i, 0, 0) for i in range(12)])
    (found,) = messages(tmp_path, {**KEYS, "time": "date"})
    assert found == "SN544 `time` holds dates that can be read in several ways, such as `01/02/2024`"
    opened = open_data(FORMATS.validate({**KEYS, "time": "date", "date_format": "%d/%m/%Y"}), tmp_path)
    assert opened.source.panel.frequency.name == "1 day"


@pytest.mark.parametrize(
    ("change", "more", "message"),
    [
        (
            lambda r: r.insert(5, r[5]),
            {},
            "SN557 the series has 2024-01-06 twice, in line 7 of `s.csv` and line 8",
        ),
        (
            lambda r: r.insert(9, r.pop(5)),
            {},
            "SN557 the series has 2024-01-06 in line 11 of `s.csv`, after 2024-01-10",
        ),
        (
            lambda r: r.pop(5),
            {},
            "SN557 the series goes from 2024-01-05 to 2024-01-07 in line 7 of `s.csv`, and its steps are of 1 day",
        ),
        (
            lambda r: r.__setitem__(5, (DAYS[5], "a", None, 0, 0)),
            {},
            "SN511 the series has no value of `y` in line 7 of `s.csv`",
        ),
        (
            lambda r: r.__setitem__(0, (DAYS[0], "a", None, 0, 0)),
            {"missing": "forward"},
            "SN511 the series has no value of `y` in line 2 of `s.csv`",
        ),
        (
            lambda r: r.__setitem__(5, (DAYS[5], "a", "many", 0, 0)),
            {},
            "SN512 column `y` holds `many` in line 7 of `s.csv`, which is not a number",
        ),
        (
            lambda r: r.__setitem__(5, (DAYS[5], "a", "inf", 0, 0)),
            {},
            "SN513 column `y` holds inf in line 7 of `s.csv`",
        ),
        (
            lambda r: r.__setitem__(5, ("yesterday", "a", 1, 0, 0)),
            {},
            "SN544 `time` holds `yesterday` in line 7 of `s.csv`, which is not a date in ISO 8601, such as 2024-05-31",
        ),
        (
            lambda r: r.__setitem__(5, (None, "a", 1, 0, 0)),
            {},
            "SN511 column `date` has no value in line 7 of `s.csv`",
        ),
        (lambda r: r.__delitem__(slice(7, None)), {}, "SN558 the series has 7 steps, and a window takes 8"),
        (lambda r: r.clear(), {}, "SN506 `s.csv` has no rows of data"),
        (lambda r: None, {"target": "z"}, "SN509 `s.csv` has no column `z`"),
        (lambda r: None, {"target": 9}, "SN509 `s.csv` has 5 columns, and no column 9 (from 0)"),
        (lambda r: None, {"past": ["y"]}, "SN510 column `y` is among `target` already"),
        (
            lambda r: r.__setitem__(5, (DAYS[5], "a", 1)),
            {},
            "SN505 line 7 of `s.csv` has 3 cells, where the first has 5",
        ),
        (
            lambda r: None,
            {"split": {"test_steps": 2}},
            "SN550 the test split has 2 steps of time, and a horizon takes 3",
        ),
        (
            lambda r: None,
            {"split": {"validation_steps": 10, "test_steps": 11}},
            "SN550 no time is left to train on: the other splits take all 20",
        ),
        (
            lambda r: None,
            {"season": 14, "split": {"test_steps": 6}},
            "SN558 `season` is 14 steps, and the series has 14 before the held-out ones",
        ),
        (
            lambda r: None,
            {"split": {"test_steps": 14}},
            "SN550 the train split has no window, which takes 5 steps before its 3",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    tmp_path: Path, change: Any, more: dict[str, Any], message: str
) -> None:
    rows = [(DAYS[i], "a", i, 0, 0) for i in range(20)]
    change(rows)
    write(tmp_path, rows)
    assert message in messages(tmp_path, {**KEYS, "time": "date", **more})


def test_gaps_may_be_ignored_and_missing_values_repeated(tmp_path: Path) -> None:
    rows = [(DAYS[i], "a", None if i == 7 else i, 0, 0) for i in range(20) if i != 5]
    write(tmp_path, rows)
    data = load(tmp_path, {**KEYS, "time": "date", "gaps": "ignore", "missing": "forward"})
    np.testing.assert_array_equal(whole(data.splits["train"].targets)[:, 0], [6, 6, *range(8, 18)][0:12])


def test_every_series_at_fault_is_named(tmp_path: Path) -> None:
    rows = [
        (DAYS[i], name, i, 0, 0) for name in "abc" for i in range(20) if (name, i) not in {("a", 4), ("c", 9)}
    ]
    write(tmp_path, rows)
    found = messages(tmp_path, {**KEYS, "time": "date", "series": "id"})
    assert [message[:24] for message in found] == ["SN557 series `a` goes fr", "SN557 series `c` goes fr"]


def test_what_lies_outside_of_the_project_is_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    rows = [("secret", "a", 1, 0, 0), *((DAYS[i], "private", "word", 0, 0) for i in range(20))]
    write(tmp_path, rows)
    keys = {**KEYS, "path": "../s.csv", "time": "date", "series": "id"}
    text = " ".join(messages(tmp_path / "project", keys))
    write(tmp_path, [(DAYS[i], "private", i, 0, 0) for i in range(20) if i != 6])
    text += " ".join(messages(tmp_path / "project", keys))
    assert "series 1 goes from a time" in text
    assert not {"secret", "private", "word", DAYS[5]} & set(text.replace("`", "").replace(",", "").split())
