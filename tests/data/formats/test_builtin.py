from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

import specnet.data


def test_iris_is_fishers(desk):
    datasets = pytest.importorskip("sklearn.datasets")
    theirs = datasets.load_iris()
    data = desk.load(type="builtin", name="iris")
    np.testing.assert_array_equal(data.splits["train"].inputs, theirs.data)
    np.testing.assert_array_equal(data.splits["train"].targets, theirs.target)
    assert data.signature.classes == tuple(theirs.target_names)
    assert data.signature.target_kind == "class"
    assert data.signature.features == ("sepal_length", "sepal_width", "petal_length", "petal_width")


def test_digits_are_alpaydins(desk):
    datasets = pytest.importorskip("sklearn.datasets")
    theirs = datasets.load_digits()
    data = desk.load(type="builtin", name="digits", dtype="float32")
    np.testing.assert_array_equal(data.splits["train"].inputs, theirs.data)
    np.testing.assert_array_equal(data.splits["train"].targets, theirs.target)
    assert data.signature.classes == tuple("0123456789")
    assert data.signature.features == tuple(theirs.feature_names)


def test_the_rows_of_each_class_are_known(desk):
    for name in ("iris", "digits"):
        stratified = {"validation": 0.2, "test": 0.1, "stratify": True}
        data = desk.load(type="builtin", name=name, split=stratified)
        whole = desk.load(type="builtin", name=name).splits["train"].targets
        for split, part in ((0.2, "validation"), (0.1, "test")):
            counts = np.bincount(data.splits[part].targets)
            assert (np.abs(counts - split * np.bincount(whole)) < 1).all()


def test_sources_are_hashed(desk):
    folder = Path(specnet.data.__file__).parent / "builtin"
    assert desk.load(type="builtin", name="iris").sources == (
        ("builtin:iris.csv", hashlib.sha256((folder / "iris.csv").read_bytes()).hexdigest()),
    )
    assert len(desk.load(type="builtin", name="digits").sources) == 2


def test_each_shipped_file_has_its_source_and_licence():
    folder = Path(specnet.data.__file__).parent / "builtin"
    text = (folder / "SOURCES.md").read_text(encoding="utf-8")
    assert "CC BY 4.0" in text
    for path in folder.iterdir():
        assert path.name == "SOURCES.md" or f"`{path.name}`" in text
