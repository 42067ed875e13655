from __future__ import annotations

import csv
import hashlib
import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from specnet.data import FORMATS, load_data
from specnet.diagnostics import SpecError

TABLE = """\
height,colour,weight,kind
1.5,red,10,cat
2.5,green,20,dog
-3e2,red,30,cat
"""


def test_numbers_and_categories(desk):
    desk.write("a.csv", TABLE)
    data = desk.load(type="csv", path="a.csv", target="kind")
    assert data.splits["train"].inputs.tolist() == [[1.5, 0, 1, 10], [2.5, 1, 0, 20], [-300, 0, 1, 30]]
    assert data.splits["train"].targets.tolist() == [0, 1, 0]
    assert data.signature.features == ("height", "colour=green", "colour=red", "weight")
    assert data.signature.classes == ("cat", "dog")
    assert data.signature.target_kind == "class"
    assert data.sources == (("a.csv", hashlib.sha256(TABLE.encode()).hexdigest()),)


def test_features_come_in_the_order_that_names_them(desk):
    desk.write("a.csv", TABLE)
    data = desk.load(type="csv", path="a.csv", target=2, features=["colour", 0])
    assert data.signature.features == ("colour=green", "colour=red", "height")
    assert data.splits["train"].inputs.tolist() == [[0, 1, 1.5], [1, 0, 2.5], [0, 1, -300]]
    assert data.splits["train"].targets.tolist() == [10, 20, 30]
    assert data.signature.integers


def test_columns_can_be_left_out(desk):
    desk.write("a.csv", TABLE)
    assert desk.inspect(type="csv", path="a.csv", target=-1, exclude=["colour", 0]).features == ("weight",)


def test_several_targets(desk):
    desk.write("a.csv", TABLE)
    data = desk.load(type="csv", path="a.csv", target=["weight", "height"], exclude=["kind"])
    assert data.splits["train"].targets.tolist() == [[10, 1.5], [20, 2.5], [30, -300]]
    assert data.signature.target == (2,)
    one = desk.load(type="csv", path="a.csv", target=["weight"])
    assert one.splits["train"].targets.tolist() == [[10], [20], [30]]


def test_categories_as_indices(desk):
    desk.write("a.csv", TABLE)
    data = desk.load(type="csv", path="a.csv", target="kind", encode="index")
    assert data.splits["train"].inputs.tolist() == [[1.5, 1, 10], [2.5, 0, 20], [-300, 1, 30]]


def test_numbers_can_be_categories_and_are_then_ordered_by_size(desk):
    desk.write("a.csv", "zip,y\n10,3\n9,7\n100,3\n9,11\n")
    data = desk.load(type="csv", path="a.csv", target="y", categories=["zip", "y"])
    assert data.signature.features == ("zip=9", "zip=10", "zip=100")
    assert data.signature.classes == ("3", "7", "11")
    assert data.splits["train"].targets.tolist() == [0, 1, 0, 2]


def test_without_a_header(desk):
    desk.write("a.csv", "1,2,x\n3,4,y\n")
    data = desk.load(type="csv", path="a.csv", header=False, target=-1)
    assert data.splits["train"].inputs.tolist() == [[1, 2], [3, 4]]
    assert data.signature.features == ("0", "1")


def test_a_header_of_years_must_be_said_to_be_one(desk):
    desk.write("a.csv", "2019,2020,y\n1,2,3\n4,5,6\n")
    fault = desk.fault(type="csv", path="a.csv", target="y")
    assert (fault.code, fault.path) == ("SN507", ("data", "path"))
    assert "it holds `2019`, `2020`" in fault.message
    assert "header = false" in fault.help
    assert desk.inspect(type="csv", path="a.csv", target="y", header=True).features == ("2019", "2020")


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("a;b;y\n1;2;3\n4;5;6\n", {"delimiter": ";"}),
        ("a\tb\ty\n1\t2\t3\n4\t5\t6\n", {"delimiter": "\t"}),
        ("a b y\n1 2 3\n4 5 6\n", {"delimiter": " "}),
        ("a,b,y\r\n1,2,3\r\n4,5,6\r\n", {}),
        ("\ufeffa,b,y\n1,2,3\n4,5,6", {}),
        (" a , b,y\n 1 ,\t2, 3\n4 , 5,6  \n", {}),
        ("\n\na,b,y\n\n1,2,3\n   \n4,5,6\n\n\n", {}),
        ('"a","b","y"\n"1","2","3"\n"4","5", "6"\n', {}),
        ("a,b,y\n+1,2.0,3e0\n4.,5.00,.6e1\n", {}),
    ],
)
def test_forms_of_the_same_table(desk, text, fields):
    desk.write("a.csv", text)
    data = desk.load(type="csv", path="a.csv", target="y", **fields)
    assert data.splits["train"].inputs.tolist() == [[1, 2], [4, 5]]
    assert data.splits["train"].targets.tolist() == [3, 6]
    assert data.signature.features == ("a", "b")


def test_another_encoding(desk):
    desk.write("a.csv", "größe,y\n1,ä\n2,ö\n".encode("latin-1"))
    data = desk.load(type="csv", path="a.csv", target="y", encoding="latin-1")
    assert data.signature.features == ("größe",)
    assert data.signature.classes == ("ä", "ö")


def test_quoted_cells_may_hold_anything(desk):
    desk.write("a.csv", 'a,name,y\n1,"Smith, ""J""\nsecond line",2.5\n3,b,4.5\n')
    assert desk.inspect(type="csv", path="a.csv", target="y").features == (
        "a",
        'name=Smith, "J"\nsecond line',
        "name=b",
    )


HOLES = "a,c,y\n1,u,1.5\n?,u,2.5\n3,,3.5\n5,v,4.5\n NA ,u,5.5\n"


def test_rows_with_holes_can_be_dropped(desk):
    desk.write("a.csv", HOLES)
    data = desk.load(type="csv", path="a.csv", target="y", missing="drop")
    assert data.splits["train"].inputs.tolist() == [[1, 1, 0], [5, 0, 1]]
    assert data.splits["train"].targets.tolist() == [1.5, 4.5]


def test_a_category_only_in_dropped_rows_is_none(desk):
    desk.write("a.csv", "a,c,y\n?,only,1.5\n2,u,2.5\n3,v,3.5\n")
    assert desk.inspect(type="csv", path="a.csv", target="y", missing="drop").features == ("a", "c=u", "c=v")


def test_holes_in_unused_columns_do_not_matter(desk):
    desk.write("a.csv", HOLES)
    assert desk.inspect(type="csv", path="a.csv", target="y", features=["c"], missing="drop").rows == {
        "train": 4
    }


def test_holes_can_be_filled_from_the_training_split(desk):
    desk.write("a.csv", HOLES)
    desk.write("b.csv", "a,c,y\n?,?,0.5\n")
    data = desk.load(type="csv", path="a.csv", target="y", missing="mean", test={"path": "b.csv"})
    assert data.splits["train"].inputs.tolist() == [[1, 1, 0], [3, 1, 0], [3, 1, 0], [5, 0, 1], [3, 1, 0]]
    assert data.splits["test"].inputs.tolist() == [[3, 1, 0]]


def test_means_of_a_drawn_training_split(desk):
    rows = "\n".join(f"{i if i % 3 else '?'},{i + 0.5}" for i in range(60))
    desk.write("a.csv", f"a,y\n{rows}\n")
    data = desk.load(type="csv", path="a.csv", target="y", missing="mean", split={"test": 0.5})
    train = data.splits["train"]
    number = train.targets - 0.5
    mean = number[number % 3 != 0].mean()
    for split in data.splits.values():
        number = split.targets - 0.5
        np.testing.assert_allclose(split.inputs[:, 0], np.where(number % 3 == 0, mean, number))


def test_a_training_split_without_values_fills_nothing(desk):
    desk.write("a.csv", "a,b,y\n" + "".join(f"?,{i},{i}.5\n" for i in range(9)) + "7,9,9.5\n")
    fields = {"type": "csv", "path": "a.csv", "target": "y", "missing": "mean", "split": {"test": 0.5}}
    outcomes = set()
    for seed in range(20):
        reader = FORMATS.validate(fields)
        try:
            data = load_data(reader, desk.folder, seed=seed, dtype="float64")
        except SpecError as error:
            (fault,) = error.diagnostics
            assert (fault.code, fault.path) == ("SN511", ("data", "missing"))
            assert fault.message.startswith("column `a` has no value in the training split")
            outcomes.add("fault")
        else:
            assert (data.splits["test"].inputs[:, 0] == 7).all()
            outcomes.add("filled")
    assert outcomes == {"fault", "filled"}


def test_a_hole_in_the_target_is_never_filled(desk):
    desk.write("a.csv", "a,y\n1,2.5\n2,?\n")
    fault = desk.fault(type="csv", path="a.csv", target="y", missing="mean")
    assert fault.message == "column `y` of `a.csv` has no value in line 3 (`?`)"


def test_markers_can_be_named(desk):
    desk.write("a.csv", "a,y\n1,2.5\n-999,3.5\n")
    fields = {"type": "csv", "path": "a.csv", "target": "y", "missing_markers": ["-999"], "missing": "drop"}
    assert desk.inspect(**fields).rows == {"train": 1}


def test_texts_can_be_replaced(desk):
    desk.write("a.csv", "a,y\n1,yes.\n2,no\nnone,yes\n")
    data = desk.load(type="csv", path="a.csv", target="y", replace={"yes.": "yes", "none": "0"})
    assert data.signature.classes == ("no", "yes")
    assert data.splits["train"].inputs.tolist() == [[1], [2], [0]]


def test_another_file_is_read_by_its_names(desk):
    desk.write("a.csv", TABLE)
    desk.write("b.csv", "kind,extra,weight,colour,height\ndog,?,7,red,8\n")
    data = desk.load(type="csv", path="a.csv", target="kind", test={"path": "b.csv"})
    assert data.splits["test"].inputs.tolist() == [[8, 0, 1, 7]]
    assert data.splits["test"].targets.tolist() == [1]
    assert [name for name, _ in data.sources] == ["a.csv", "b.csv"]


def test_unknown_categories_can_be_zeros(desk):
    desk.write("a.csv", TABLE)
    desk.write("b.csv", TABLE.replace("green", "blue"))
    data = desk.load(type="csv", path="a.csv", target="kind", test={"path": "b.csv"}, unknown="zeros")
    assert data.splits["test"].inputs[1].tolist() == [2.5, 0, 0, 20]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(-1e6, 1e6),
            st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=6),
            st.floats(-1e6, 1e6),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_what_was_written_is_read(desk, rows):
    # A letter before each text keeps it from being a number, a blank or a marker.
    rows = [(a, f"t{text}t", y) for a, text, y in rows]
    file = io.StringIO(newline="")
    csv.writer(file).writerows([("a", "c", "y"), *rows])
    desk.write("a.csv", file.getvalue())
    data = desk.load(type="csv", path="a.csv", target=["y"], encode="index")
    names = sorted({text for _, text, _ in rows})
    assert data.splits["train"].inputs.tolist() == [[a, names.index(text)] for a, text, _ in rows]
    assert data.splits["train"].targets.tolist() == [[y] for _, _, y in rows]


def test_a_file_longer_than_one_chunk(desk):
    rows = 10_000
    cells = "\n".join(
        f"{i},{'?' if i < 5000 else i % 7},{'?' if i < 5000 else 'abc'[i % 3]},{i % 2}" for i in range(rows)
    )
    desk.write("a.csv", f"a,b,c,y\n{cells}\n")
    data = desk.load(type="csv", path="a.csv", target="y", missing="mean")
    x = data.splits["train"].inputs
    assert x.shape == (rows, 5)
    np.testing.assert_array_equal(x[:, 0], np.arange(rows))
    tail = np.arange(5000, rows)
    np.testing.assert_array_equal(x[5000:, 1], tail % 7)
    np.testing.assert_allclose(x[:5000, 1], (tail % 7).mean())
    np.testing.assert_array_equal(x[5000:, 2:], np.eye(3)[tail % 3])
    common = np.bincount(tail % 3).argmax()
    np.testing.assert_array_equal(x[:5000, 2:], np.tile(np.eye(3)[common], (5000, 1)))


FAULTY = [
    ({"delimiter": ""}, "must be one character"),
    ({"delimiter": "::"}, "must be one character"),
    ({"decimal": ",", "thousands": ","}, "both `,`"),
    ({"strip": ["$", "5"]}, "could be a part of a number"),
    ({"comment": " #"}, "cannot begin or end with a blank"),
    ({"skip_rows": -1}, "greater than or equal to 0"),
    ({"compression": "gzip", "member": "a.csv"}, "applies to zip archives only"),
    ({"delimiter": '"'}, "cannot be a quote"),
    ({"encoding": "utf-99"}, "not a text encoding"),
    ({"encoding": "base64"}, "not a text encoding"),
    ({"target": True}, "valid string"),
    ({"target": [1.5]}, "valid string"),
    ({"features": [None]}, "valid string"),
    ({"features": [0], "exclude": [1]}, "only where `features` is not given"),
    ({"unknown": "zeros", "encode": "index"}, "one-hot categories only"),
    ({"missing": "zero"}, "'refuse', 'drop', 'mean', 'median' or 'most_frequent'"),
    ({"path": ""}, "at least 1 character"),
    ({"columns": []}, "valid dictionary"),
    ({"columns": {"a": {"kind": "number"}}}, "Extra inputs"),
    ({"columns": {"a": {"type": "number", "encode": "index"}}}, "`encode` applies to categories only"),
    ({"columns": {"a": {"type": "boolean", "encode": "index"}}}, "the column holds booleans"),
    (
        {"columns": {"a": {"type": "category", "scale": "minmax"}}},
        "`scale` applies to numbers and dates only",
    ),
    ({"columns": {"a": {"type": "number", "values": ["u"]}}}, "`values` applies to categories only"),
    (
        {"columns": {"a": {"type": "boolean", "unknown": "zeros"}}},
        "`unknown` applies to categories only",
    ),
    ({"columns": {"a": {"type": "category", "missing": "mean"}}}, "does not apply to a column of categories"),
    (
        {"columns": {"a": {"type": "boolean", "missing": "category"}}},
        "does not apply to a column of booleans",
    ),
    ({"columns": {"a": {"type": "number", "fill": "x"}}}, "this is a category"),
    ({"columns": {"a": {"type": "category", "fill": 1}}}, "this is a number"),
    ({"columns": {"a": {"type": "number", "fill": True}}}, "this is a boolean"),
    ({"columns": {"a": {"missing": "drop", "fill": 1}}}, "keep one of them"),
    ({"columns": {"a": {"values": []}}}, "lists no category"),
    ({"columns": {"a": {"values": ["u", "v", "u"]}}}, "`u` is named twice"),
    ({"columns": {"a": {"encode": "index"}}, "unknown": "zeros"}, "an index has no zeros"),
    ({"columns": {"a": {"unknown": "zeros"}}, "encode": "index"}, "an index has no zeros"),
]


@pytest.mark.parametrize(("fields", "words"), FAULTY, ids=str)
def test_faulty_fields(desk, fields, words):
    with pytest.raises(ValidationError, match=words):
        desk.inspect(**({"type": "csv", "path": "a.csv", "target": 0} | fields))
