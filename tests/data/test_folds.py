"""Folds that are drawn freely: every row is held out once a repeat, as in scikit-learn's KFold and StratifiedKFold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from specnet.data import FORMATS
from specnet.data.collector import Collector
from specnet.data.folds import draw_fold, fold_share
from specnet.data.splits import SplitSpec

seeds = st.integers(0, 2**32)
validations = st.sampled_from([0.0, 0.25, 0.5])


@given(st.integers(12, 200), st.integers(2, 6), st.integers(1, 3), validations, seeds)
def test_each_row_is_held_out_once_in_each_repeat(rows, folds, repeats, validation, seed):
    held: list[list[int]] = [[] for _ in range(repeats)]
    for fold in range(1, folds * repeats + 1):
        split = SplitSpec(folds=folds, repeats=repeats, fold=fold, validation=validation)
        faults = Collector(())
        counts = fold_share(rows, split, None, faults)
        parts = draw_fold(rows, split, None, seed)
        assert not faults.found
        assert {name: len(part) for name, part in parts.items()} == counts
        assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(rows))
        assert all((np.diff(part) > 0).all() for part in parts.values())
        rest = rows - len(parts["test"])
        assert len(parts.get("validation", ())) == round(rest * validation)
        held[(fold - 1) // folds] += parts["test"].tolist()
    assert all(sorted(own) == list(range(rows)) for own in held)


@given(st.lists(st.integers(6, 40), min_size=1, max_size=5), st.integers(2, 5), validations, seeds)
def test_stratified_folds_have_the_sizes_of_scikit_learn(per_class, folds, validation, seed):
    model_selection = pytest.importorskip("sklearn.model_selection")
    classes = np.repeat(np.arange(len(per_class)), per_class)
    theirs = [
        np.bincount(classes[test], minlength=len(per_class)).tolist()
        for _, test in model_selection.StratifiedKFold(folds).split(classes, classes)
    ]
    shuffled = np.random.default_rng(seed).permutation(classes)
    ours, held = [], []
    for fold in range(1, folds + 1):
        split = SplitSpec(folds=folds, fold=fold, validation=validation, stratify=True)
        faults = Collector(())
        counts = fold_share(len(classes), split, per_class, faults)
        parts = draw_fold(len(classes), split, shuffled, seed)
        assert not faults.found
        assert {name: len(part) for name, part in parts.items()} == counts
        ours.append(np.bincount(shuffled[parts["test"]], minlength=len(per_class)).tolist())
        held += parts["test"].tolist()
        if validation:
            rest = np.array(per_class) - ours[-1]
            here = np.bincount(shuffled[parts["validation"]], minlength=len(per_class))
            assert (np.abs(here - rest * validation) <= 1).all()
    assert ours == theirs
    assert sorted(held) == list(range(len(classes)))


def test_repeats_and_seeds_draw_other_folds():
    def held_out(seed: int, fold: int) -> list[int]:
        split = SplitSpec(folds=3, repeats=2, fold=fold)
        return draw_fold(60, split, None, seed)["test"].tolist()

    assert held_out(1, 1) == held_out(1, 1)
    assert held_out(1, 1) != held_out(2, 1)
    assert held_out(1, 1) != held_out(1, 4)


def test_a_document_without_fold_reads_the_first(desk):
    fields = {"type": "builtin", "name": "iris"}
    first = desk.load(**fields, split={"folds": 5, "stratify": True, "fold": 1})
    whole = desk.load(**fields, split={"folds": 5, "stratify": True})
    assert whole.signature.rows == {"train": 120, "test": 30}
    np.testing.assert_array_equal(whole.splits["test"].inputs, first.splits["test"].inputs)


def test_too_few_rows_for_the_folds(desk):
    rows = {"type": "inline", "inputs": [[1], [2], [3]], "targets": [0.5, 1.5, 2.5]}
    fault = desk.fault(**rows, split={"folds": 4})
    assert (fault.code, fault.path) == ("SN550", ("data", "split", "folds"))
    assert fault.message == "4 folds need as many rows, and there are 3 rows"
    fault = desk.fault(**rows, split={"folds": 3, "validation": 0.1})
    assert (fault.code, fault.path) == ("SN550", ("data", "split", "validation"))
    assert "no row would be left for the validation split" in fault.message
    fault = desk.fault(**rows, split={"folds": 3, "validation": 0.9})
    assert "no row would be left for the training" in fault.message


def test_too_few_rows_of_a_class_for_the_folds(desk):
    rows = {"type": "inline", "inputs": [[n] for n in range(9)], "targets": ["a"] * 6 + ["b"] * 3}
    fault = desk.fault(**rows, split={"folds": 4, "stratify": True})
    assert (fault.code, fault.path) == ("SN551", ("data", "split", "stratify"))
    message = "4 stratified folds need 4 rows of each class of the target: class `b` has 3 rows"
    assert fault.message == message
    assert desk.load(**rows, split={"folds": 3, "stratify": True}).signature.rows["test"] == 3


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ({"folds": 1}, "greater than or equal to 2"),
        ({"folds": 5, "test": 0.2}, "the fold that is held out is the test split"),
        ({"folds": 5, "repeats": 2, "fold": 11}, "there are 10 folds, and this is number 11"),
        ({"folds": 10**9}, "1,000,000,000 folds are more than 1,000"),
        ({"folds": 500, "repeats": 3}, "1,500 folds are more than 1,000"),
        ({"fold": 1}, "`fold` applies only with `folds`"),
        ({"test": 0.2, "repeats": 2}, "`repeats` applies only with `folds`"),
        ({"folds": 5, "time": "a", "repeats": 2}, "the same in each repeat"),
        ({"folds": 5, "time": "a", "group": "b"}, "by `time` or by `group`"),
        ({"test": 0.2, "time": "a", "stratify": True}, "by `time` or by `stratify`"),
        ({"column": "a", "test": 0.2}, "and so does `test`"),
        ({"column": "a", "group": "b"}, "and so does `group`"),
        ({"column": 1, "group": 0}, "and so does `group`"),
        ({"group": "b"}, "`group` has no effect"),
    ],
)
def test_keys_that_contradict_each_other(split, message):
    fields = {"type": "csv", "path": "f.csv", "target": "y", "split": split}
    with pytest.raises(ValidationError, match=message):
        FORMATS.validate(fields)


@pytest.mark.parametrize("split", [{"folds": 3}, {"column": "part"}])
def test_a_split_has_one_source(split):
    fields = {"type": "csv", "path": "f.csv", "target": "y", "test": {"path": "g.csv"}, "split": split}
    with pytest.raises(ValidationError, match=f"both `{next(iter(split))}` here and a table of its own"):
        FORMATS.validate(fields)


def test_data_without_names_are_split_by_none():
    fields = {"type": "builtin", "name": "iris", "split": {"test": 0.2, "group": "who"}}
    with pytest.raises(ValidationError, match="`builtin` data have none"):
        FORMATS.validate(fields)
