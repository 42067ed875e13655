from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from specnet.data import FORMATS, load_data
from specnet.data.collector import Collector
from specnet.data.drawing import draw, share
from specnet.data.splits import SplitSpec
from specnet.diagnostics import SpecError

fractions = st.floats(0, 0.49)
seeds = st.integers(0, 2**32)


@given(st.integers(1, 500), fractions, fractions, seeds)
def test_splits_are_disjoint_complete_and_as_large_as_told(rows, validation, test, seed):
    split = SplitSpec(validation=validation, test=test)
    faults = Collector(())
    counts = share(rows, split, None, faults)
    parts = draw(rows, split, None, seed)
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(rows))
    assert all((np.diff(part) > 0).all() for part in parts.values())
    assert {name: len(part) for name, part in parts.items()} == counts
    assert bool(faults.found) == any(count <= 0 for count in counts.values())
    for name, fraction in split.parts.items():
        assert abs(len(parts[name]) - rows * fraction) <= 0.5


@given(st.lists(st.integers(3, 80), min_size=2, max_size=6), fractions, fractions, seeds)
def test_stratified_splits_keep_each_class_its_share(per_class, validation, test, seed):
    classes = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(per_class)), per_class))
    split = SplitSpec(validation=validation, test=test, stratify=True)
    faults = Collector(())
    counts = share(len(classes), split, per_class, faults)
    parts = draw(len(classes), split, classes, seed)
    assert not faults.found
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(len(classes)))
    assert {name: len(part) for name, part in parts.items()} == counts
    for name, part in parts.items():
        here = np.bincount(classes[part], minlength=len(per_class))
        assert (here >= 1).all()
        if name != "train":
            ideal = np.array(per_class) * getattr(split, name)
            assert (np.abs(here - ideal) <= 1).all()


def test_stratified_sizes_are_exact_where_classes_are_large():
    counts = share(1000, SplitSpec(validation=0.15, test=0.25, stratify=True), [333, 333, 334], Collector(()))
    assert counts == {"train": 600, "validation": 150, "test": 250}


def test_a_class_with_too_few_rows():
    faults = Collector(())
    share(12, SplitSpec(validation=0.25, test=0.25, stratify=True), [10, 0, 2], faults)
    assert [f.code for f in faults.found] == ["SN551"]
    assert "needs 3 rows of each class of the target" in faults.found[0].message
    assert faults.found[0].message.endswith("class index `2` has 2 rows")


def test_classes_with_too_few_rows_are_named_where_they_have_names(desk):
    counts = {f"c{n:02}": n + 1 for n in range(14)}
    rows = [f"{i},{name}" for i, name in enumerate(name for name, n in counts.items() for _ in range(n))]
    desk.write("f.csv", "\n".join(["a,kind", *rows]) + "\n")
    fault = desk.fault(type="csv", path="f.csv", target="kind", split={"test": 0.3, "stratify": True})
    assert fault.message.endswith("class `c00` has 1 row")
    fault = desk.fault(type="csv", path="f.csv", target="kind", split={"folds": 13, "stratify": True})
    assert "class `c00` has 1 row, `c01` has 2 rows, `c02` has 3 rows" in fault.message
    assert fault.message.endswith("`c09` has 10 rows and 2 more classes have fewer")


def test_the_seed_draws_the_split(desk):
    fields = {"type": "builtin", "name": "iris", "split": {"test": 0.3}}
    prologue, again, other = (desk.load(**fields, seed=seed).splits["test"].inputs for seed in (1, 1, 2))
    np.testing.assert_array_equal(prologue, again)
    assert not np.array_equal(prologue, other)


def test_rows_stay_with_their_targets_and_in_order(desk):
    rows = [[i, 10 * i] for i in range(40)]
    data = desk.load(
        type="inline",
        inputs=rows,
        targets=[i + 0.5 for i in range(40)],
        split={"validation": 0.3, "test": 0.2},
    )
    for split in data.splits.values():
        np.testing.assert_array_equal(split.inputs[:, 0] + 0.5, split.targets)
        assert (np.diff(split.targets) > 0).all()


ROWS = {"type": "inline", "inputs": [[1], [2], [3], [4]], "targets": [0, 1, 0, 1]}


def test_an_empty_split_is_refused(desk):
    fault = desk.fault(**ROWS, split={"validation": 0.1})
    assert (fault.code, fault.path) == ("SN550", ("data", "split", "validation"))
    assert "0.1 of 4 rows is none" in fault.message
    assert fault.help is not None
    assert "0.25" in fault.help


def test_a_training_split_without_rows_is_refused(desk):
    fault = desk.fault(
        type="inline", inputs=[[1], [2]], targets=[0, 1], split={"validation": 0.49, "test": 0.49}
    )
    assert (fault.code, fault.path) == ("SN550", ("data", "split"))
    assert "no row is left to train on" in fault.message


def test_stratify_needs_classes(desk):
    fault = desk.fault(**ROWS | {"targets": [0.5, 1, 0, 1]}, split={"validation": 0.25, "stratify": True})
    assert (fault.code, fault.path) == ("SN552", ("data", "split", "stratify"))


def test_fractions_leave_rows(desk):
    with pytest.raises(ValidationError, match="less than 1"):
        desk.inspect(**ROWS, split={"validation": 0.5, "test": 0.5})
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        desk.inspect(**ROWS, split={"validation": -0.5})


def test_a_split_has_one_source(desk):
    table = {"inputs": [[1]], "targets": [0]}
    with pytest.raises(
        ValidationError, match="the test split has both a fraction here and a table"
    ) as caught:
        desk.inspect(**ROWS, split={"test": 0.25}, test=table)
    assert caught.value.errors()[0]["ctx"]["path"] == ("split", "test")
    data = desk.load(**ROWS, split={"validation": 0.25}, test=table)
    assert data.signature.rows == {"train": 3, "validation": 1, "test": 1}
    assert list(data.splits) == ["train", "validation", "test"]


def test_a_fault_is_told_at_its_row_of_the_data(desk):
    inputs = [[float(i), 0.0] for i in range(20)]
    inputs[13][1] = 1e300
    targets = [i % 3 for i in range(20)]
    targets[17] = 3
    fields = {
        "type": "inline",
        "inputs": inputs,
        "targets": targets,
        "split": {"validation": 0.4, "test": 0.3},
    }
    big = {"type": "scale", "factor": 1e10}
    hot = {"type": "one_hot", "classes": 3, "on": "targets"}
    rows = set()
    for seed in range(10):
        reader = FORMATS.validate({**fields, "transforms": [big, hot]})
        with pytest.raises(SpecError) as caught:
            load_data(reader, desk.folder, seed=seed, dtype="float64")
        rows |= {re.search(r"row \d+ of the data", d.message)[0] for d in caught.value.diagnostics}
    assert rows == {"row 14 of the data", "row 18 of the data"}
