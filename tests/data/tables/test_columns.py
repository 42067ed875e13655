"""What `[data.columns.NAME]` says of single columns."""

from __future__ import annotations

import json

import numpy as np
import pytest

from specnet.data import Encoding
from specnet.data.signature import ColumnSlice
from specnet.diagnostics import SpecError

TABLE = """\
age,size,member,zip,price
20,mid,Yes,10,1.5
30,low,no,9,2.5
?,high,T,10,3.5
60,?,0,?,4.5
"""
SAID = {
    "age": {"missing": "median", "scale": "standardize"},
    "size": {"values": ["low", "mid", "high"], "encode": "index", "fill": "low"},
    "member": {"type": "boolean"},
    "zip": {"type": "category", "missing": "category"},
}


@pytest.fixture
def said(desk):
    desk.write("f.csv", TABLE)
    return desk.load(type="csv", path="f.csv", target="price", columns=SAID)


def stored(encoding: Encoding) -> Encoding:
    """The encoding after a way through a JSON file and an array file."""
    state = encoding.state()
    plain = json.loads(json.dumps(state.pop("encoding")))
    return Encoding.from_state({"encoding": plain, **state}, encoding.format)


AGES = np.array([20.0, 30.0, 30.0, 60.0])
EXPECTED = np.column_stack(
    [
        (AGES - AGES.mean()) / AGES.std(),
        [1, 0, 2, 0],
        [1, 0, 1, 0],
        [[0, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]],
    ]
)


def test_each_column_as_it_is_said(said):
    np.testing.assert_allclose(said.splits["train"].inputs, EXPECTED, rtol=1e-14)
    assert said.signature.features == ("age", "size", "member", "zip=9", "zip=10", "zip=(missing)")


def test_where_each_element_comes_from(said):
    assert said.signature.column_slices == (
        ColumnSlice("age", 0, 1, "number"),
        ColumnSlice("size", 1, 1, "index", 3, whole=True),
        ColumnSlice("member", 2, 1, "boolean", 2, whole=True),
        ColumnSlice("zip", 3, 3, "onehot", 3, whole=True),
    )
    assert stored(said.encoding).signature == said.signature


def test_column_slices_last_while_elements_are_what_they_were(desk):
    desk.write("f.csv", TABLE)
    fields = {"type": "csv", "path": "f.csv", "target": "price", "columns": SAID}
    kept = desk.inspect(**fields, transforms=["minmax", {"type": "reshape", "shape": [2, 3]}])
    assert [own.start for own in kept.column_slices] == [0, 1, 2, 3]
    assert desk.inspect(**fields, transforms=[{"type": "one_hot", "classes": 9}]).column_slices is None
    iris = desk.inspect(type="builtin", name="iris").column_slices
    assert iris[3] == ColumnSlice("petal_width", 3, 1, "number")
    assert desk.inspect(type="synthetic", kind="moons").column_slices is None


@pytest.mark.parametrize("way", [lambda e: e, stored])
def test_new_rows_and_files(desk, said, way):
    encoding = way(said.encoding)
    rows = [
        [20, "mid", True, 10],
        ["30", "low", "off", "9"],
        [None, "high", 1, 10.0],
        [60, None, False, "NA"],
    ]
    np.testing.assert_allclose(encoding.encode(rows), EXPECTED, rtol=1e-14)
    desk.write("new.csv", TABLE.replace(",price", ",cost"))
    np.testing.assert_allclose(encoding.encode_file("new.csv", desk.folder), EXPECTED, rtol=1e-14)
    with pytest.raises(SpecError) as caught:
        encoding.encode([[1, "tall", "perhaps", 10], [1, "low", None, 11]])
    assert [d.message for d in caught.value.diagnostics] == [
        "row 1, column `size`: `tall` is not a category that the model was trained on",
        "row 1, column `member`: `perhaps` is neither true nor false",
        "row 2, column `member`: there is no value",
        "row 2, column `zip`: `11` is not a category that the model was trained on",
    ]


NUMBERS = "a,b,y\n" + "".join(f"{i * i % 17 if i % 4 else '?'},{i % 5},{i}.5\n" for i in range(40))


@pytest.mark.parametrize("scale", ["standardize", "minmax"])
@pytest.mark.parametrize("missing", ["mean", "median", "most_frequent"])
def test_gaps_and_scales_are_those_of_the_training_split(desk, scale, missing):
    compose = pytest.importorskip("sklearn.pipeline")
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    desk.write("f.csv", NUMBERS)
    fields = {"type": "csv", "path": "f.csv", "target": "y", "split": {"test": 0.4}}
    data = desk.load(**fields, missing=missing, columns={"a": {"scale": scale}})
    kept = {name: split.targets - 0.5 for name, split in data.splits.items()}
    raw = {n: np.where(i % 4 == 0, np.nan, i * i % 17)[:, np.newaxis] for n, i in kept.items()}
    scaler = StandardScaler() if scale == "standardize" else MinMaxScaler()
    theirs = compose.make_pipeline(SimpleImputer(strategy=missing), scaler).fit(raw["train"])
    for name, split in data.splits.items():
        np.testing.assert_allclose(split.inputs[:, :1], theirs.transform(raw[name]), rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(split.inputs[:, 1], kept[name] % 5)


def test_a_scale_for_all_numbers_leaves_categories_alone(desk):
    desk.write("f.csv", "a,b,c,y\n1,8,u,0.5\n3,4,v,1.5\n5,6,u,2.5\n")
    columns = {"b": {"scale": "none"}, "c": {"encode": "index"}}
    data = desk.load(type="csv", path="f.csv", target="y", scale="minmax", columns=columns)
    assert data.splits["train"].inputs.tolist() == [[0, 8, 0], [0.5, 4, 1], [1, 6, 0]]
    assert data.splits["train"].targets.tolist() == [0.5, 1.5, 2.5]


def test_both_scales_then_the_transforms(desk):
    desk.write("f.csv", "a,b,y\n1,8,0.5\n3,4,1.5\n")
    columns = {"a": {"scale": "minmax"}, "b": {"scale": "standardize"}}
    double = [{"type": "scale", "factor": 2.0}]
    data = desk.load(type="csv", path="f.csv", target="y", columns=columns, transforms=double)
    assert data.splits["train"].inputs.tolist() == [[0, 2], [2, -2]]
    for encoding in (data.encoding, stored(data.encoding)):
        assert encoding.encode([[1, 8]]).tolist() == [[0, 2]]
        assert encoding.inputs.invert(data.splits["train"].inputs).tolist() == [[1, 8], [3, 4]]


def test_rows_are_dropped_for_one_column_alone(desk):
    desk.write("f.csv", "a,b,y\n1,?,0.5\n?,4,1.5\n?,?,2.5\n5,5,3.5\n")
    columns = {"a": {"missing": "drop"}, "b": {"fill": -1}}
    data = desk.load(type="csv", path="f.csv", target="y", columns=columns)
    assert data.splits["train"].inputs.tolist() == [[1, -1], [5, 5]]
    with pytest.raises(SpecError, match="row 1, column `a`: there is no value"):
        data.encode([[None, 2]])
    # A gap that is refused may stand in a row that is dropped for another one.
    desk.write("f.csv", "a,b,y\n1,2,0.5\n?,?,1.5\n")
    assert desk.inspect(type="csv", path="f.csv", target="y", columns={"a": {"missing": "drop"}}).rows == {
        "train": 1
    }
    desk.write("f.csv", "a,b,y\n1,2,0.5\n1,?,1.5\n?,?,1.5\n")
    fault = desk.fault(type="csv", path="f.csv", target="y", columns={"a": {"missing": "drop"}})
    assert fault.message == "column `b` of `f.csv` has no value in line 3 (`?`)"


def test_a_column_overrides_what_all_have(desk):
    desk.write("f.csv", "a,c,y\n?,u,0.5\n2,?,1.5\n4,v,2.5\n")
    fields = {"type": "csv", "path": "f.csv", "target": "y", "missing": "mean", "unknown": "zeros"}
    data = desk.load(**fields, columns={"a": {"fill": 9}, "c": {"unknown": "refuse"}})
    assert data.splits["train"].inputs.tolist() == [[9, 1, 0], [2, 1, 0], [4, 0, 1]]
    with pytest.raises(SpecError, match="`w` is not a category"):
        data.encode([[1, "w"]])
    fault = desk.fault(**fields, columns={"a": {"missing": "refuse"}})
    assert fault.code == "SN511"


@pytest.mark.parametrize(
    ("settings", "classes", "targets"),
    [
        ({"type": "category"}, ("1", "2", "10"), [2, 0, 1]),
        ({"type": "category", "values": ["10", "2", "1", "0"]}, ("10", "2", "1", "0"), [0, 2, 1]),
        ({"type": "number"}, tuple(map(str, range(11))), [10, 1, 2]),
    ],
)
def test_targets(desk, settings, classes, targets):
    desk.write("f.csv", "a,y\n1,10\n2,1\n3,2\n")
    data = desk.load(type="csv", path="f.csv", target="y", columns={"y": settings})
    assert (data.signature.classes, data.splits["train"].targets.tolist()) == (classes, targets)


def test_boolean_targets_are_two_classes(desk):
    desk.write("f.csv", "a,y,z\n1,on,1.0\n2,OFF,0\n3,?,1\n")
    columns = {"y": {"type": "boolean", "missing": "drop"}}
    one = desk.load(type="csv", path="f.csv", target="y", columns=columns)
    assert (one.signature.classes, one.splits["train"].targets.tolist()) == (("false", "true"), [1, 0])
    columns["z"] = {"type": "boolean"}
    two = desk.load(type="csv", path="f.csv", target=["y", "z"], columns=columns)
    assert two.splits["train"].targets.tolist() == [[1, 1], [0, 0]]


def test_without_a_header_columns_go_by_their_places(desk):
    desk.write("f.csv", "1,7\n2,8\n")
    fields = {"type": "csv", "path": "f.csv", "target": 1, "header": False}
    data = desk.load(**fields, columns={"0": {"type": "category"}})
    assert data.splits["train"].inputs.tolist() == [[1, 0], [0, 1]]
    for key in ("a", "-1", "2"):
        fault = desk.fault(**fields, columns={key: {"type": "category"}})
        assert (fault.code, fault.path, fault.part) == ("SN509", ("data", "columns", key), "key")
        assert "from `0` to `1`" in fault.help


def test_settings_hold_for_another_file_in_another_order(desk):
    desk.write("f.csv", TABLE)
    desk.write("t.csv", "price,zip,member,size,age\n9.5,?,on,high,?\n")
    fields = {"type": "csv", "path": "f.csv", "target": "price", "columns": SAID}
    test = desk.load(**fields, test={"path": "t.csv"}).splits["test"].inputs
    np.testing.assert_allclose(test, [[EXPECTED[1, 0], 2, 1, 0, 0, 1]])


FAULTS = [
    ({"ages": {"type": "number"}}, "SN509", ("ages",), "has no column `ages`", "did you mean `age`?"),
    (
        {"age": {"encode": "index"}},
        "SN517",
        ("age", "encode"),
        "column `age`: `encode` applies",
        "`type` says",
    ),
    ({"size": {"scale": "minmax"}}, "SN517", ("size", "scale"), "holds categories", "`type` says"),
    ({"size": {"missing": "mean"}}, "SN517", ("size", "missing"), '`missing = "mean"`', "`type` says"),
    ({"age": {"fill": "x"}}, "SN517", ("age", "fill"), "this is a category, and", "`type` says"),
    ({"note": {"type": "category"}}, "SN517", ("note",), "neither a feature nor a target", "leave them out"),
    ({"zip": {"type": "category"}}, "SN517", ("zip", "type"), "listed in `categories`", "list it once"),
    ({"price": {"scale": "minmax"}}, "SN517", ("price", "scale"), "features only", 'on = "targets"'),
    ({"price": {"missing": "mean"}}, "SN517", ("price", "missing"), "must have a value", '"drop"'),
    (
        {"size": {"values": ["low", "mid"]}},
        "SN514",
        ("path",),
        "`high` in line 3, which is none of",
        "list it in `values`",
    ),
    ({"size": {"type": "boolean"}}, "SN514", ("path",), "which is neither true nor false", "true, yes"),
    ({"size": {"type": "number"}}, "SN512", ("path",), "has text among its numbers", "missing_markers"),
]


@pytest.mark.parametrize(
    ("columns", "code", "path", "message", "cure"), FAULTS, ids=lambda value: str(value)[:40]
)
def test_what_does_not_fit(desk, columns, code, path, message, cure):
    desk.write("f.csv", "age,size,zip,note,price\n20,mid,1,a,1.5\n30,high,2,b,2.5\n")
    fields = {"type": "csv", "path": "f.csv", "target": "price", "exclude": ["note"], "categories": ["zip"]}
    fault = desk.fault(**fields, columns=columns)
    where = ("data", *(("columns", *path) if path != ("path",) else path))
    assert (fault.code, fault.path) == (code, where)
    assert message in fault.message
    assert cure in fault.help
