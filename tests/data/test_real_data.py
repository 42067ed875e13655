from __future__ import annotations

import csv

import numpy as np
import pytest

TEXT_IN_ADULT = [1, 3, 5, 6, 7, 8, 9, 13]


def rows_of(path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return [[cell.strip() for cell in row] for row in csv.reader(file) if row]


def test_iris(desk, real):
    path = real("iris/iris.csv")
    data = desk.load(type="csv", path=str(path), header=False, target=-1)
    rows = rows_of(path)
    assert data.splits["train"].inputs.tolist() == [[float(cell) for cell in row[:4]] for row in rows]
    names = data.signature.classes
    assert [names[i] for i in data.splits["train"].targets] == [row[4] for row in rows]
    assert data.signature.rows == {"train": 150}


def test_shipped_iris_differs_from_uci_where_its_sources_say(desk, real):
    theirs = desk.load(type="csv", path=str(real("iris/iris.csv")), header=False, target=-1).splits["train"]
    ours = desk.load(type="builtin", name="iris").splits["train"]
    differing = np.unique(np.argwhere(theirs.inputs != ours.inputs)[:, 0])
    assert differing.tolist() == [34, 37]


def test_iris_without_saying_that_it_has_no_header(desk, real):
    fault = desk.fault(type="csv", path=str(real("iris/iris.csv")), target="species")
    assert fault.code == "SN507"


@pytest.mark.parametrize("colour", ["red", "white"])
def test_wine(desk, real, colour):
    path = real(f"wine-quality/winequality-{colour}.csv")
    data = desk.load(type="csv", path=str(path), header=False, target=-1)
    rows = np.array(rows_of(path), dtype=float)
    np.testing.assert_array_equal(data.splits["train"].inputs, rows[:, :-1])
    np.testing.assert_array_equal(data.splits["train"].targets, rows[:, -1])
    assert data.signature.integers
    named = desk.load(type="csv", path=str(path), header=False, target=-1, categories=[-1])
    assert named.signature.classes == tuple(str(n) for n in np.unique(rows[:, -1]).astype(int))


def test_california_housing(desk, real):
    path = real("california-housing/housing.csv")
    fields = {"type": "csv", "path": str(path), "target": "median_house_value"}
    fault = desk.fault(**fields)
    assert fault.code == "SN511"
    assert "column 4 (from 0)" in fault.message  # it is outside the document's folder
    assert "in lines 292, 343, 540, 565, 698 and 202 more" in fault.message
    rows = rows_of(path)[1:]
    assert desk.inspect(**fields, missing="drop").rows == {"train": len(rows) - 207}
    data = desk.load(**fields, missing="mean", split={"test": 0.2})
    assert data.signature.features[-5:] == tuple(
        f"ocean_proximity={name}" for name in sorted({row[-1] for row in rows})
    )
    bedrooms = data.signature.features.index("total_bedrooms")
    known = {(row[0], row[1], row[3], row[8]): row[4] for row in rows}
    train = data.splits["train"]
    there = []
    for x, y in zip(train.inputs.tolist(), train.targets.tolist(), strict=True):
        text = known[f"{x[0]}", f"{x[1]}", f"{x[3]}", f"{y:.1f}"]
        if text:
            there.append(float(text))
    filled = train.inputs[:, bedrooms]
    assert filled.mean() == pytest.approx(np.mean(there), rel=1e-3)


def test_adult(desk, real):
    train, test = real("adult/adult-train.csv"), real("adult/adult-test.csv")
    fields = {"type": "csv", "path": str(train), "header": False, "target": -1, "test": {"path": str(test)}}
    found = desk.found(**fields)
    assert [f.code for f in found] == ["SN511", "SN511", "SN511"]
    assert "column 1 (from 0)" in found[0].message
    found = desk.found(**fields, missing="mean")
    assert [f.code for f in found] == ["SN514"]
    assert "column 14 (from 0)" in found[0].message
    replace = {"<=50K.": "<=50K", ">50K.": ">50K"}
    data = desk.load(**fields, missing="drop", replace=replace, dtype="float32")
    assert data.signature.rows == {"train": 30162, "test": 15060}
    assert data.signature.classes == ("<=50K", ">50K")
    for path, split in ((train, data.splits["train"]), (test, data.splits["test"])):
        rows = [row for row in rows_of(path) if "?" not in row]
        assert split.targets.tolist() == [row[-1].startswith(">50K") for row in rows]
        column = {name: i for i, name in enumerate(data.signature.features)}
        ages = split.inputs[:, column["0"]]
        assert ages.tolist() == [float(row[0]) for row in rows]
        married = split.inputs[:, column["5=Married-civ-spouse"]]
        assert married.tolist() == [float(row[5] == "Married-civ-spouse") for row in rows]
        hot = [i for i, name in enumerate(data.signature.features) if "=" in name]
        assert (split.inputs[:, hot].sum(axis=1) == len(TEXT_IN_ADULT)).all()


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_images(desk, real, name):
    def files(part):
        return {
            "inputs": str(real(f"{name}/{part}-images-idx3-ubyte.gz")),
            "targets": str(real(f"{name}/{part}-labels-idx1-ubyte.gz")),
        }

    data = desk.load(
        type="idx",
        **files("train"),
        test=files("t10k"),
        transforms=[{"type": "scale", "factor": 1 / 255}],
        dtype="float32",
    )
    assert data.signature.rows == {"train": 60000, "test": 10000}
    assert data.signature.inputs == (28, 28)
    assert data.signature.class_count == 10
    mean, std = {"mnist": (0.1307, 0.3081), "fashion-mnist": (0.2860, 0.3530)}[name]
    assert data.splits["train"].inputs.mean(dtype=np.float64) == pytest.approx(mean, abs=1e-4)
    assert data.splits["train"].inputs.std(dtype=np.float64) == pytest.approx(std, abs=1e-4)
    counts = np.bincount(data.splits["test"].targets).tolist()
    mnist = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert counts == (mnist if name == "mnist" else [1000] * 10)
