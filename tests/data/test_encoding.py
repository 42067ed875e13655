from __future__ import annotations

import json
import math

import numpy as np
import pytest

from specnet.data import Encoding
from specnet.diagnostics import SpecError

TABLE = "a,c,y\n1,red,cat\n3,green,dog\n8,red,dog\n"


@pytest.fixture
def table(desk):
    desk.write("f.csv", TABLE)
    return desk.load(type="csv", path="f.csv", target="y", transforms=["standardize"])


def stored(encoding: Encoding) -> Encoding:
    """The encoding after a way through a JSON file and an array file."""
    state = encoding.state()
    plain = json.loads(json.dumps(state.pop("encoding")))
    assert all(isinstance(array, np.ndarray) and array.dtype != object for array in state.values())
    return Encoding.from_state({"encoding": plain, **state}, encoding.format)


def messages(caught) -> list[str]:
    return [diagnostic.message for diagnostic in caught.value.diagnostics]


CELLS = [
    [[1, "red"], [3, "green"], [8, "red"]],
    [["1", "red"], [" 3.0 ", " green"], ["8", "red"]],
    [{"a": 1, "c": "red"}, {"c": "green", "a": 3, "other": 9}, {"a": 8.0, "c": "red"}],
    [(1, "red"), (3, "green"), (8, "red")],
    np.array([[1, "red"], [3, "green"], [8, "red"]], dtype=object),
]


@pytest.mark.parametrize("rows", CELLS, ids=range(len(CELLS)))
@pytest.mark.parametrize("way", [lambda e: e, stored])
def test_new_rows_become_what_the_same_rows_became(table, rows, way):
    np.testing.assert_array_equal(way(table.encoding).encode(rows), table.splits["train"].inputs)
    np.testing.assert_array_equal(table.encode(rows), table.splits["train"].inputs)


@pytest.mark.parametrize("way", [lambda e: e, stored])
@pytest.mark.parametrize("text", [TABLE, "c,a\nred,1\ngreen,3\nred,8\n"])
def test_a_file_needs_no_targets(desk, table, text, way):
    desk.write("new.csv", text)
    encoding = way(table.encoding)
    np.testing.assert_array_equal(encoding.encode_file("new.csv", desk.folder), table.splits["train"].inputs)
    np.testing.assert_array_equal(encoding.encode_file(desk.folder / "new.csv"), table.splits["train"].inputs)


def test_a_headerless_file_has_all_columns_or_the_features(desk):
    desk.write("f.csv", "1,5,2\n3,6,4\n")
    data = desk.load(type="csv", path="f.csv", header=False, target=1)
    for text in ("1,5,2\n3,6,4\n", "1,?,2\n3,,4\n", "1,2\n3,4\n"):
        desk.write("new.csv", text)
        np.testing.assert_array_equal(data.encoding.encode_file("new.csv", desk.folder), [[1, 2], [3, 4]])
    desk.write("new.csv", "1,2,3,4\n")
    with pytest.raises(SpecError, match="has 4 columns; the model takes 2, or the 3 of its training file"):
        data.encoding.encode_file("new.csv", desk.folder)


def test_cells_that_cannot_be_taken(table):
    rows = [[1, "blue"], ["x", "red"], [None, "red"], [1], [math.inf, "red"], [1, None], [[1], "red"]]
    with pytest.raises(SpecError) as caught:
        table.encode(rows)
    assert messages(caught) == [
        "row 1, column `c`: `blue` is not a category that the model was trained on",
        "row 2, column `a`: `x` is not a number",
        "row 3, column `a`: there is no value",
        "row 4 has 1 cells, the model takes 2",
        "row 5, column `a`: `inf` is not a finite number",
        "row 6, column `c`: there is no value",
        "row 7, column `a`: `[1]` is not a number",
    ]
    with pytest.raises(SpecError, match="row 1 has no `c`"):
        table.encode([{"a": 1}])


def test_a_file_that_cannot_be_taken(desk, table):
    desk.write("new.csv", "a,c\n1,blue\n?,red\n")
    with pytest.raises(SpecError) as caught:
        table.encoding.encode_file("new.csv", desk.folder)
    assert messages(caught) == [
        "column `a` of `new.csv` has no value in line 3 (`?`)",
        "column `c` of `new.csv` holds `blue` in line 2, which the training file does not have",
    ]
    with pytest.raises(SpecError, match=r"there is no file `absent.csv`"):
        table.encoding.encode_file("absent.csv", desk.folder)


def test_holes_are_filled_as_in_training(desk):
    desk.write("f.csv", "a,c,y\n1,red,1.5\n3,green,2.5\n8,red,3.5\n?,red,4.5\n")
    data = desk.load(type="csv", path="f.csv", target="y", missing="mean")
    for encoding in (data.encoding, stored(data.encoding)):
        assert encoding.encode([[None, "green"], [math.nan, None], ["?", "NA"]]).tolist() == [
            [4, 1, 0],
            [4, 0, 1],
            [4, 0, 1],
        ]
        desk.write("new.csv", "a,c\n,\n")
        assert encoding.encode_file("new.csv", desk.folder).tolist() == [[4, 0, 1]]


def test_unknown_categories_as_zeros(desk):
    desk.write("f.csv", TABLE)
    data = desk.load(type="csv", path="f.csv", target="y", unknown="zeros")
    assert stored(data.encoding).encode([[2, "blue"]]).tolist() == [[2, 0, 0]]


def test_categories_that_are_numbers(desk):
    desk.write("f.csv", "zip,y\n10,1.5\n9,2.5\n")
    data = desk.load(type="csv", path="f.csv", target="y", categories=["zip"])
    expected = [[0, 1], [1, 0]]
    for rows in ([["10"], ["9"]], [[10], [9.0]], np.array([[10], [9]])):
        assert data.encode(rows).tolist() == expected


def test_no_rows_are_no_rows(desk, table):
    assert table.encode([]).shape == (0, 3)
    iris = desk.load(type="builtin", name="iris")
    assert iris.encode([]).shape == (0, 4)


FORMATS = [
    {"type": "builtin", "name": "iris", "split": {"validation": 0.2, "test": 0.2, "stratify": True}},
    {"type": "synthetic", "kind": "moons", "validation": {"samples": 5}},
    {"type": "inline", "inputs": [[1, 2], [3, 4]], "targets": ["u", "v"]},
]


@pytest.mark.parametrize("fields", FORMATS, ids=lambda fields: fields["type"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arrays_are_encoded_by_the_fitted_transforms(desk, fields, dtype):
    transforms = ["standardize", {"type": "minmax", "range": [-1, 1]}, {"type": "reshape", "shape": [2, -1]}]
    data = desk.load(**fields, transforms=transforms, dtype=dtype)
    plain = desk.load(**fields)
    encoding = stored(data.encoding)
    assert encoding.signature == data.signature
    for name, split in data.splits.items():
        again = encoding.encode(plain.splits[name].inputs)
        assert again.dtype == dtype
        np.testing.assert_array_equal(again, split.inputs)
        np.testing.assert_array_equal(encoding.encode(plain.splits[name].inputs.tolist()), split.inputs)


def test_names_of_features_serve_for_arrays_too(desk):
    iris = desk.load(type="builtin", name="iris")
    row = {"petal_width": 4, "petal_length": 3, "sepal_width": 2, "sepal_length": 1}
    assert iris.encode([row]).tolist() == [[1, 2, 3, 4]]
    with pytest.raises(SpecError, match="have no column names"):
        desk.load(type="synthetic", kind="moons").encode([{"x": 1}])


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([[1, 2, 3]], r"one input has shape \[3\]; the model was trained on \[4\]"),
        ([1, 2, 3, 4], r"one input has shape \[1\]"),
        (5, "not rows, but a single value"),
        ([[1, 2, 3], [4]], "ragged"),
        ([["a", "b", "c", "d"]], "holds no number"),
        ([[1, 2, math.nan, 4]], "inputs of the new rows hold nan in row 1 of the data, element .2."),
        (None, "not rows, but a single value"),
    ],
)
def test_arrays_that_cannot_be_taken(desk, rows, words):
    with pytest.raises(SpecError, match=words):
        desk.load(type="builtin", name="iris", transforms=["standardize"]).encode(rows)


def test_array_files(desk):
    np.savez(desk.folder / "f.npz", inputs=np.arange(6.0).reshape(3, 2), targets=[0, 1, 0])
    np.savez(desk.folder / "new.npz", inputs=[[5.0, 6.0]])
    data = desk.load(type="npz", path="f.npz", transforms=[{"type": "scale", "factor": 2}])
    assert stored(data.encoding).encode_file("new.npz", desk.folder).tolist() == [[10, 12]]
    desk.write("x", bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4]))
    desk.write("y", bytes([0, 0, 8, 1, 0, 0, 0, 2, 0, 1]))
    images = desk.load(type="idx", inputs="x", targets="y")
    assert stored(images.encoding).encode_file("x", desk.folder).tolist() == [[1, 2], [3, 4]]
    with pytest.raises(SpecError, match=r"`builtin` data are not read from a file"):
        desk.load(type="builtin", name="iris").encoding.encode_file("x", desk.folder)


def test_a_stored_encoding_holds_no_rows_of_the_document(desk):
    data = desk.load(
        type="inline", inputs=[[123456.5]], targets=[0], test={"inputs": [[987654.5]], "targets": [0]}
    )
    assert "123456" not in json.dumps(data.state()["encoding"])
    assert "987654" not in json.dumps(data.state()["encoding"])


def test_predictions_in_the_units_of_the_data(desk):
    data = desk.load(
        type="inline",
        inputs=[[1], [2]],
        targets=[10.0, 30.0],
        transforms=[{"type": "minmax", "on": "targets"}],
    )
    assert stored(data.encoding).decode(np.array([0.0, 0.5])).tolist() == [10, 20]
    hot = desk.load(
        type="builtin", name="iris", transforms=[{"type": "one_hot", "classes": 3, "on": "targets"}]
    )
    probabilities = np.array([[0.1, 0.7, 0.2]])
    np.testing.assert_array_equal(hot.encoding.decode(probabilities), probabilities)


@pytest.mark.parametrize("transforms", [[], ["standardize"], ["minmax", {"type": "scale", "factor": 0.1}]])
@pytest.mark.parametrize(
    "rows",
    [
        [[1, 2]],
        [[0.1, -3.5], [1e-30, 7]],
        np.array([[1, 2]], np.int8),
        np.array([[True, False]]),
        [(2**60 + 1, 1)],
    ],
    ids=repr,
)
def test_the_short_way_of_plain_numbers_leads_where_the_long_one_does(desk, monkeypatch, transforms, rows):
    desk.write("f.csv", "a,b,y\n1,5,2\n3,6,4\n-1,2,2\n")
    table = desk.load(type="csv", path="f.csv", target="y", transforms=transforms)
    short = table.encode(rows)
    assert table.encoding._encoded(rows) is not None
    monkeypatch.setattr(Encoding, "_encoded", lambda self, rows: None)
    np.testing.assert_array_equal(short, table.encode(rows))
    assert short.dtype == table.splits["train"].inputs.dtype


def test_what_is_no_plain_row_of_numbers_goes_the_long_way(table, desk):
    assert table.encoding._encoded([[1, 2]]) is None  # the second column holds names
    desk.write("g.csv", "a,b,y\n1,5,2\n,6,4\n-1,2,2\n")
    filled = desk.load(type="csv", path="g.csv", target="y", missing="mean")
    for rows in ([[math.nan, 1]], [[math.inf, 1]], [["1", "2"]], [[1, 2, 3]], [[1], [1, 2]], [], [[None, 1]]):
        assert filled.encoding._encoded(rows) is None
    np.testing.assert_allclose(filled.encode([[math.nan, 1]]), [[0.0, 1.0]])
    with pytest.raises(SpecError, match="not a finite number"):
        filled.encode([[math.inf, 1]])
