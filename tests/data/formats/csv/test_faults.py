from __future__ import annotations

import gzip

import pytest

CASES = {
    "a hole": (
        "a,y\n1,2\n,3\n",
        {},
        "SN511",
        "column `a` of `f.csv` has no value in line 3",
        'missing = "drop"',
    ),
    "a marker": (
        "a,y\n1,2\n ? ,3\n",
        {},
        "SN511",
        "column `a` of `f.csv` has no value in line 3 (`?`)",
        "mean",
    ),
    "many holes": (
        "a,y\n1,2\n" + "NA,3\n" * 9,
        {},
        "SN511",
        "column `a` of `f.csv` has no value in lines 3, 4, 5, 6, 7 and 4 more (`NA`)",
        "drop",
    ),
    "a string among numbers": (
        "a,y\n1,2\nabc,3\n4,5\n",
        {},
        "SN512",
        "column `a` of `f.csv` has text among its numbers: `abc` in line 3",
        "missing_markers",
    ),
    "a number among texts": (
        "a,y\nu,2\n7,3\nv,5\n",
        {},
        "SN512",
        "column `a` of `f.csv` has a number among its strings: `7` in line 3",
        'categories = ["a"]',
    ),
    "an infinity among texts": (
        "a,y\nu,2\ninf,3\nv,5\n",
        {},
        "SN512",
        "column `a` of `f.csv` has a number among its strings: `inf` in line 3",
        'categories = ["a"]',
    ),
    "digits with underscores": (
        "a,y\n1,2\n1_000,3\n4,5\n",
        {},
        "SN512",
        "column `a` of `f.csv` has text among its numbers: `1_000` in line 3",
        "",
    ),
    "another script's digits": (
        "a,y\n1,2\n٣,3\n4,5\n",
        {},
        "SN512",
        "column `a` of `f.csv` has text among its numbers: `٣` in line 3",
        "",
    ),
    "an infinity": (
        "a,y\n1,2\n-inf,3\n4,5\n",
        {},
        "SN513",
        "column `a` of `f.csv` holds `-inf` in line 3, which is not a finite number",
        "missing_markers",
    ),
    "a number too large": (
        "a,y\n1,2\n1e999,3\n4,5\n",
        {},
        "SN513",
        "column `a` of `f.csv` holds `1e999` in line 3, which is not a finite number",
        "",
    ),
    "a NaN that is no marker": (
        "a,y\n1,2\nnan,3\n4,5\n",
        {"missing_markers": [""]},
        "SN513",
        "column `a` of `f.csv` holds `nan` in line 3, which is not a finite number",
        "missing_markers",
    ),
    "a short row": (
        "a,b,y\n1,2,3\n4,5\n6,7,8\n",
        {},
        "SN505",
        "line 3 of `f.csv` has 2 cells, where the header has 3",
        "quoted",
    ),
    "long rows": (
        "a,b,y\n1,2,3\n4,5,6,7\n6,7,8,9,9\n",
        {},
        "SN505",
        "lines 3 and 4 of `f.csv` have 4 or 5 cells, where the header has 3",
        "quoted",
    ),
    "a row after a cell of two lines": (
        'a,b,y\n"x\ny",2,3\nz,5\n',
        {},
        "SN505",
        "line 4 of `f.csv` has 2 cells, where the header has 3",
        "quoted",
    ),
    "an empty file": ("", {}, "SN506", "`f.csv` is empty", None),
    "blank lines only": ("\n  \n\n", {}, "SN506", "`f.csv` is empty", None),
    "a header only": ("a,y\n", {}, "SN506", "`f.csv` has no rows of data", None),
    "every row dropped": (
        "a,y\n?,1\n2,?\n",
        {"missing": "drop"},
        "SN506",
        "`f.csv` has no rows of data: every row has a missing value",
        None,
    ),
    "a column without values": (
        "a,b,y\n?,1,1\n?,2,2\n",
        {"missing": "mean"},
        "SN511",
        "column `a` of `f.csv` has no value at all",
        'exclude = ["a"]',
    ),
    "a headerless file": (
        "5.1,3.5,red\n4.9,3.0,green\n",
        {},
        "SN507",
        "the first line of `f.csv` looks like data, not like names of columns: it holds `5.1`, `3.5`",
        "header = false",
    ),
    "a header after all": (
        "a,b,y\n1,2,3\n4,5,6\n",
        {"header": False, "target": 2},
        "SN507",
        "the first line of `f.csv` looks like names of columns: it holds `a`",
        "leave out `header = false`",
    ),
    "no such column": (
        "height,y\n1,2\n",
        {"target": "hieght"},
        "SN509",
        "`f.csv` has no column `hieght`",
        "did you mean `height`?",
    ),
    "another case": (
        "a,Species\n1,2\n",
        {"target": "species"},
        "SN509",
        "`f.csv` has no column `species`",
        "did you mean `Species`?",
    ),
    "nothing like a column": (
        "a,b\n1,2\n",
        {"target": "qqqq"},
        "SN509",
        "`f.csv` has no column `qqqq`",
        "it has `a`, `b`",
    ),
    "a place beyond": (
        "a,b\n1,2\n",
        {"target": 2},
        "SN509",
        "there is no column 2: `f.csv` has 2 columns",
        "they go from 0 to 1",
    ),
    "a place before": (
        "a,b\n1,2\n",
        {"target": -3},
        "SN509",
        "there is no column -3: `f.csv` has 2 columns",
        "0 to 1",
    ),
    "a name without a header": (
        "1,2\n3,4\n",
        {"header": False, "target": "a"},
        "SN509",
        "there is no column `a`: without a header, columns have no names",
        "index",
    ),
    "another delimiter": (
        "a;b;y\n1;2;3\n",
        {},
        "SN509",
        "`f.csv` has no column `y`",
        'write `delimiter = ";"`',
    ),
    "tabs": ("a\ty\n1\t2\n", {}, "SN509", "`f.csv` has no column `y`", 'write `delimiter = "\\t"`'),
    "two columns of a name": (
        "a,a,y\n1,2,3\n",
        {"features": ["a"]},
        "SN508",
        "`f.csv` has 2 columns called `a`",
        "give an index: 0 or 1",
    ),
    "two columns of a name, unasked": (
        "a,a,y\n1,2,3\n",
        {},
        "SN508",
        "`f.csv` has 2 columns called `a`",
        "exclude = [1]",
    ),
    "a column without a name": (
        ",a,y\n0,1,2\n1,3,4\n",
        {},
        "SN508",
        "column 0 (from 0) of `f.csv` has no name",
        "exclude = [0]",
    ),
    "a feature twice": (
        "a,b,y\n1,2,3\n",
        {"features": ["a", 0]},
        "SN510",
        "column `0` is named twice",
        None,
    ),
    "a target as feature": (
        "a,b,y\n1,2,3\n",
        {"features": ["a", "y"]},
        "SN510",
        "column `y` is a target, and cannot be a feature too",
        None,
    ),
    "no feature": ("y\n1\n", {}, "SN510", "no column is left as a feature", None),
    "an empty list of features": (
        "a,y\n1,2\n",
        {"features": []},
        "SN510",
        "no column is left as a feature",
        None,
    ),
    "an empty list of targets": ("a,y\n1,2\n", {"target": []}, "SN510", "`target` names no column", None),
    "text among several targets": (
        "a,b,y\n1,u,3\n",
        {"target": ["y", "b"]},
        "SN516",
        "target column `b` holds text: several targets must be numbers",
        "single",
    ),
    "names of rows": (
        "a,y\n" + "".join(f"name{i},{i}\n" for i in range(20)),
        {"max_categories": 10},
        "SN515",
        "column `a` of `f.csv` has 20 categories, such as `name0`, `name1`, `name10`",
        'exclude = ["a"]',
    ),
    "an open quote": (
        'a,y\n1,2\n"3,4\n5,6\n',
        {},
        "SN504",
        "`f.csv` is not well-formed CSV: unexpected end of data, in line 4",
        "quote",
    ),
    "text after a quote": (
        'a,y\n1,2\n"3"x,4\n',
        {},
        "SN504",
        "`f.csv` is not well-formed CSV: ',' expected after '\"', in line 3",
        "quote",
    ),
    "another encoding": (
        "a,y\n1,2\nä,3\n".encode("latin-1"),
        {},
        "SN503",
        "`f.csv` is not text in utf-8: line 3 has the byte 0xe4",
        "latin-1",
    ),
    "UTF-16": ("a,y\n1,2\n".encode("utf-16"), {}, "SN503", "`f.csv` is UTF-16", "utf-16"),
    "binary junk": (
        bytes(range(256)) * 4,
        {},
        "SN503",
        "`f.csv` is not text in utf-8: line 3 has the byte 0x80",
        "",
    ),
    "half a gzip file": (
        gzip.compress(b"a,y\n1,2\n", mtime=0)[:-9],
        {},
        "SN502",
        "`f.csv` is a damaged gzip file: Compressed file ended before the end-of-stream marker was reached",
        None,
    ),
    "a file that is not compressed": (
        "a,y\n1,2\n",
        {"compression": "xz"},
        "SN502",
        "`f.csv` is not a xz file",
        None,
    ),
    "decimal commas among numbers": (
        'a,y\n1,2\n"2,5",3\n"4,75",5\n',
        {},
        "SN512",
        "column `a` of `f.csv` has text among its numbers: `2,5`, `4,75` in lines 3 and 4",
        'write `decimal = ","`, if these are numbers',
    ),
    "comments": (
        "a,y\n# one, two, three\n1,2\n3,4\n# four\n5,6\n",
        {},
        "SN505",
        "lines 2 and 5 of `f.csv` have 1 or 3 cells, where the header has 2",
        'it seems to need `comment = "#"`',
    ),
    "blanks between cells": (
        "a b y\n1 2 3\n4 5 6\n",
        {},
        "SN509",
        "`f.csv` has no column `y`",
        'it seems to need `delimiter = "whitespace"`',
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_fault_is_found_at_its_line(desk, name):
    content, fields, code, message, cure = CASES[name]
    desk.write("f.csv", content)
    fault = desk.fault(**({"type": "csv", "path": "f.csv", "target": "y"} | fields))
    assert (fault.code, fault.message) == (code, message)
    if cure is None:
        assert fault.help is None
    else:
        assert cure in (fault.help or "")


def test_the_key_at_fault(desk):
    desk.write("f.csv", "a,b,y\n1,2,3\n")
    fields = {"type": "csv", "path": "f.csv"}
    assert desk.fault(**fields, target="z").path == ("data", "target")
    assert desk.fault(**fields, target=["y", "z"]).path == ("data", "target", 1)
    assert desk.fault(**fields, target="y", features=["a", "z"]).path == ("data", "features", 1)
    assert desk.fault(**fields, target="y", exclude=["z"]).path == ("data", "exclude", 0)
    assert desk.fault(**fields, target="y", categories=["z"]).path == ("data", "categories", 0)


def test_all_faults_of_a_table_at_once(desk):
    desk.write("f.csv", "a,b,c,y\n1,x,3,4\n?,5,6,7\n8,y,inf,?\n1\nq,z,2,1\n9,w,1,1\n")
    found = desk.found(type="csv", path="f.csv", target="y")
    assert [f.code for f in found] == ["SN505", "SN511", "SN512", "SN512", "SN513", "SN511"]


def test_all_wrong_names_at_once(desk):
    desk.write("f.csv", "a,b,y\n1,2,3\n")
    found = desk.found(type="csv", path="f.csv", target="z", features=["a", "q", 9], categories=["r"])
    assert [f.path[1:] for f in found] == [("target",), ("categories", 0), ("features", 1), ("features", 2)]


def test_at_most_twenty_faults_are_listed(desk):
    names = [f"c{i}" for i in range(30)]
    desk.write("f.csv", ",".join([*names, "y"]) + "\n" + ",".join(["?"] * 30 + ["1"]) + "\n")
    found = desk.found(type="csv", path="f.csv", target="y")
    assert len(found) == 21
    assert found[-1].message == "10 more errors in the data are not listed"


MAIN = "a,c,y\n1,red,cat\n2,green,dog\n3,red,dog\n"
OTHERS = {
    "a new class": (
        "a,c,y\n1,red,cow\n",
        "SN514",
        "the target, column `y` of `g.csv`, holds class `cow` in line 2, which the training",
    ),
    "a new category": ("a,c,y\n1,blue,cat\n", "SN514", "column `c` of `g.csv` holds `blue` in line 2"),
    "text in a column of numbers": (
        "a,c,y\nx,red,cat\n",
        "SN512",
        "column `a` of `g.csv` has text among its numbers",
    ),
    "a column less": ("a,y\n1,cat\n", "SN509", "`g.csv` has no column `c`"),
    "a hole": ("a,c,y\n1,?,cat\n", "SN511", "column `c` of `g.csv` has no value in line 2 (`?`)"),
    "no rows": ("a,c,y\n", "SN506", "`g.csv` has no rows of data"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_faults_of_another_file_are_told_there(desk, name):
    content, code, message = OTHERS[name]
    desk.write("f.csv", MAIN)
    desk.write("g.csv", content)
    fault = desk.fault(type="csv", path="f.csv", target="y", test={"path": "g.csv"})
    assert fault.code == code
    assert fault.message.startswith(message)
    assert fault.path == ("data", "test", "path")
    if code == "SN514":  # of a target, `unknown` says nothing
        assert ('`unknown = "zeros"`' in fault.help) == (name == "a new category")


def test_a_second_spelling_of_a_class_can_be_replaced(desk):
    desk.write("f.csv", MAIN)
    desk.write("g.csv", MAIN.replace("cat", "cat.").replace("dog", "dog."))
    fault = desk.fault(type="csv", path="f.csv", target="y", test={"path": "g.csv"})
    assert 'replace = { "cat." = "cat" }' in fault.help
    replace = {"cat.": "cat", "dog.": "dog"}
    data = desk.load(type="csv", path="f.csv", target="y", test={"path": "g.csv"}, replace=replace)
    assert data.splits["test"].targets.tolist() == [0, 1, 1]


def test_a_new_class_is_refused_even_where_features_pass(desk):
    desk.write("f.csv", MAIN)
    desk.write("g.csv", "a,c,y\n1,blue,cow\n")
    fault = desk.fault(type="csv", path="f.csv", target="y", test={"path": "g.csv"}, unknown="zeros")
    assert "`cow`" in fault.message


def test_headerless_files_have_as_many_columns(desk):
    desk.write("f.csv", "1,2\n3,4\n")
    desk.write("g.csv", "1,2,3\n")
    fault = desk.fault(type="csv", path="f.csv", header=False, target=1, test={"path": "g.csv"})
    assert (fault.code, fault.message) == ("SN554", "`g.csv` has 3 columns, the training file 2")


def test_a_huge_cell(desk):
    desk.write("f.csv", "a,y\n" + "x" * 200_000 + ",1\n")
    fault = desk.fault(type="csv", path="f.csv", target="y")
    assert fault.code == "SN504"
    assert "field larger than field limit" in fault.message


def test_long_and_strange_cells_are_clipped(desk):
    desk.write("f.csv", "a,y\n1,1\n2,2\n3,3\n" + "w" * 500 + "\x07,4\n")
    fault = desk.fault(type="csv", path="f.csv", target="y")
    assert len(fault.message) < 200
    desk.write("f.csv", "a,y\n1,1\n2,2\n3,3\n\x07w,4\n")
    assert "`\\x07w`" in desk.fault(type="csv", path="f.csv", target="y").message


def test_a_new_category_in_a_row_that_is_left_out_is_none(desk):
    desk.write("f.csv", MAIN)
    desk.write("g.csv", "a,c,y\n?,blue,cat\n1,red,cat\n")
    fields = {"type": "csv", "path": "f.csv", "target": "y", "test": {"path": "g.csv"}, "missing": "drop"}
    assert desk.load(**fields).splits["test"].inputs.tolist() == [[1, 0, 1]]
    desk.write("g.csv", "a,c,y\n?,blue,cat\n1,pink,cat\n")
    assert "holds `pink` in line 3, which" in desk.fault(**fields).message
