"""New rows of a table are read by column, with the same result as cell by cell."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import specnet
from specnet.data import row_files
from specnet.data.formats.csv import text_blocks
from specnet.data.tables import tabular
from specnet.data.tables.by_plan import PlanReader
from specnet.data.tables.cell_rows import CellRows, Places
from specnet.diagnostics import SpecError
from specnet.runs.predicting import predictions, readings
from specnet.runs.prediction_files import write_csv

ROWS = "".join(
    f"{n / 8},{('red', 'blue', '')[n % 3]},{('yes', 'no')[n % 2]},2024-0{1 + n % 9}-01,{n % 4}\n"
    for n in range(40)
)
DATA = {
    "type": "csv",
    "path": "train.csv",
    "target": "y",
    "missing": "mean",
    "missing_markers": ["", "?", "-9"],
    "replace": {"azure": "blue"},
    "columns": {
        "flag": {"type": "boolean"},
        "day": {"type": "date", "missing": "refuse"},
        "colour": {"missing": "most_frequent"},
    },
}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Models of a table: one that refuses categories that it does not know, and one that takes them as zeros."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "train.csv").write_text("a,colour,flag,day,y\n" + ROWS)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return [
            specnet.run(
                {
                    "specnet": 1,
                    "data": {**DATA, "unknown": unknown},
                    "layers": [{"type": "dense", "units": 4}],
                    "loss": "cross_entropy",
                    "training": {"epochs": 1},
                }
            ).model
            for unknown in ("refuse", "zeros")
        ]


def predicted(model, path, by_column):
    """Return what is written of a file, and the findings."""
    file, found = io.StringIO(), []
    with pytest.MonkeyPatch.context() as patch:
        if not by_column:
            patch.setattr(PlanReader, "columns", lambda reader, cells: model.encoding.columns.features[0])
        blocks = row_files.blocks(model.encoding, path, "new.csv", lambda note: None)
        try:
            write_csv(file, readings(model), predictions(model, blocks, "new.csv"), files=False)
        except SpecError as error:
            found = [(d.code, d.message, d.help) for d in error.diagnostics]
    return file.getvalue(), found


CELLS = st.tuples(
    st.sampled_from(["1", "-2.5", " 3", "-9", "", "?", "1e3", "inf", "nan", "1_0", "x", '"4"']),
    st.sampled_from(["red", "blue", "azure", " red ", "", "green", '"red"']),
    st.sampled_from(["yes", "NO", "1", "f", "", "maybe"]),
    st.sampled_from(["2024-05-31", "2024-05-31T12:00", "", "31.5.2024"]),
)
SOUND = st.tuples(
    st.sampled_from(["1", "-2.5", " 3", "-9", "", "1e3"]),
    st.sampled_from(["red", "azure", " blue", ""]),
    st.sampled_from(["yes", "NO", "1"]),
    st.sampled_from(["2024-05-31", "2023-01-01"]),
)


@given(
    sound=st.lists(SOUND, max_size=30),
    rows=st.lists(CELLS, max_size=6),
    more=st.booleans(),
    which=st.integers(0, 1),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_rows_by_column_are_those_of_cells(sound, rows, more, which, models, tmp_path):
    lines = [",".join(row) for row in (*sound, *rows)]
    if more:
        lines.insert(len(sound), "1,2")
    path = tmp_path / "new.csv"
    path.write_text("\n".join(["a,colour,flag,day", *lines]) + "\n")
    assert predicted(models[which], path, by_column=True) == predicted(models[which], path, by_column=False)


def test_sound_rows_are_not_read_cell_by_cell(models, tmp_path, monkeypatch):
    monkeypatch.setattr(tabular.Tabular, "rows_of_cells", lambda *a: pytest.fail("cells were read"))
    path = tmp_path / "new.csv"
    path.write_text("a,colour,flag,day\n" + "1,azure,no,2024-05-31\n" * 3000 + '2,"red",yes,2024-05-30\n')
    written, found = predicted(models[0], path, by_column=True)
    assert (written.count("\n"), found) == (3002, [])


def test_numbers_for_a_model_of_arrays_are_read_at_once(tmp_path, monkeypatch):
    from specnet.data import new_rows

    spec = {
        "specnet": 1,
        "data": {"type": "synthetic", "kind": "moons"},
        "layers": [{"type": "dense", "units": 2}],
    }
    model = specnet.run({**spec, "loss": "cross_entropy", "training": {"epochs": 1}}).model
    path = tmp_path / "new.csv"
    path.write_text("".join(f"{n / 10},{n}\n" for n in range(5000)))
    expected = model.predict(np.array([[n / 10, n] for n in range(5000)]))
    read = new_rows.number
    cells = []
    monkeypatch.setattr(new_rows, "number", lambda cell: cells.append(cell) or read(cell))
    blocks = row_files.blocks(model.encoding, path, "new.csv", lambda note: None)
    made = np.concatenate([part.made[""] for part in predictions(model, blocks, "new.csv")])
    np.testing.assert_array_equal(made, expected)
    # Those of the first block are found record by record, with the header that is looked for.
    assert len(cells) < 2 * 2000


def test_the_line_of_an_endless_line_is_said_once(models, tmp_path, monkeypatch):
    monkeypatch.setattr(text_blocks, "LONGEST", 1000)
    path = tmp_path / "new.csv"
    path.write_text("a,colour,flag,day\n1,azure,no,2024-05-31\n" + "," * 10_000)
    with pytest.raises(SpecError, match=r"`new\.csv` is not well-formed CSV: line 3 is longer than 0 MiB$"):
        list(row_files.blocks(models[0].encoding, path, "new.csv", lambda note: None))


def test_rows_and_places_are_sequences():
    rows = CellRows([["a", "b", "c"], [1, 2, 3]])
    assert (len(rows), rows[1], list(rows)) == (3, ("b", 2), [("a", 1), ("b", 2), ("c", 3)])
    assert list(rows[:2]) == [("a", 1), ("b", 2)]
    assert list(CellRows([], 2)[:1]) == [()]
    places = Places("line", [3, 5, 9])
    assert (places[1], list(places[1:]), len(places)) == ("line 5", ["line 5", "line 9"], 3)
