"""Splits by group, by time and by a column, with the properties of scikit-learn's splitters."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specnet.data.collector import Collector
from specnet.data.grouping import deal, split_by_keys
from specnet.data.split_keys import SplitKeys
from specnet.data.splits import SplitSpec

seeds = st.integers(0, 2**32)


def parts_of(split: dict[str, Any], keys: SplitKeys, seed: int = 0) -> dict[str, np.ndarray]:
    faults = Collector(())
    found = split_by_keys(SplitSpec(**split), keys, seed, faults)
    assert not faults.found
    return found


def fault_of(split: dict[str, Any], keys: SplitKeys) -> tuple[str, str]:
    faults = Collector(())
    split_by_keys(SplitSpec(**split), keys, 0, faults)
    (fault,) = faults.found
    return fault.code, fault.message


def grouped(sizes: list[int], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))


sizes = st.lists(st.integers(1, 20), min_size=6, max_size=30)


@given(sizes, st.integers(2, 6), seeds)
def test_folds_of_whole_groups_are_as_even_as_scikit_learns(sizes, folds, seed):
    """The folds have the sizes of GroupKFold, which deals the largest groups to the smallest folds."""
    model_selection = pytest.importorskip("sklearn.model_selection")
    groups = grouped(sizes, seed)
    theirs = sorted(len(test) for _, test in model_selection.GroupKFold(folds).split(groups, groups=groups))
    held, ours = [], []
    for fold in range(1, folds + 1):
        parts = parts_of({"folds": folds, "fold": fold, "group": "g"}, SplitKeys(groups=groups), seed)
        assert not set(groups[parts["train"]]) & set(groups[parts["test"]])
        assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(len(groups)))
        held += parts["test"].tolist()
        ours.append(len(parts["test"]))
    assert sorted(held) == list(range(len(groups)))
    assert sorted(ours) == theirs


@given(sizes, st.integers(2, 5), st.integers(2, 3), seeds)
def test_further_repeats_hold_out_each_group_once(sizes, folds, repeats, seed):
    groups = grouped(sizes, seed)
    held = []
    for fold in range(folds * (repeats - 1) + 1, folds * repeats + 1):
        split = {"folds": folds, "repeats": repeats, "fold": fold, "group": "g"}
        parts = parts_of(split, SplitKeys(groups=groups), seed)
        assert not set(groups[parts["train"]]) & set(groups[parts["test"]])
        held += parts["test"].tolist()
    assert sorted(held) == list(range(len(groups)))


@given(sizes, st.sampled_from([0.0, 0.2, 0.4]), seeds)
def test_fractions_of_whole_groups(sizes, validation, seed):
    groups = grouped(sizes, seed)
    parts = parts_of({"validation": validation, "test": 0.25, "group": "g"}, SplitKeys(groups=groups), seed)
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(len(groups)))
    assert sum(len(set(groups[part])) for part in parts.values()) == len(sizes)
    assert all(len(part) for part in parts.values())


def test_fractions_are_exact_where_groups_are_small():
    groups = grouped([2] * 500, 3)
    parts = parts_of({"validation": 0.2, "test": 0.1, "group": "g"}, SplitKeys(groups=groups))
    assert {name: len(part) for name, part in parts.items()} == {"train": 700, "validation": 200, "test": 100}


def test_the_seed_draws_the_groups():
    groups = grouped([3] * 40, 0)
    tests = [
        set(groups[parts_of({"test": 0.2, "group": "g"}, SplitKeys(groups=groups), seed)["test"]])
        for seed in (1, 1, 2)
    ]
    assert tests[0] == tests[1] != tests[2]


@given(st.integers(12, 40), st.integers(2, 4), seeds)
def test_stratified_groups_are_dealt_as_scikit_learn_does(count, folds, seed):
    """In the same order of groups, each goes to the same fold as by StratifiedGroupKFold."""
    model_selection = pytest.importorskip("sklearn.model_selection")
    random = np.random.default_rng(seed)
    groups = np.sort(random.integers(0, count, 6 * count))
    groups = np.unique(groups, return_inverse=True)[1]
    classes = random.integers(0, 3, len(groups))
    classes[:3] = [0, 1, 2]
    table = np.zeros((groups.max() + 1, 3))
    np.add.at(table, (groups, classes), 1)
    order = np.argsort(-table.std(axis=1), kind="stable")
    ours = deal(groups, classes, [1 / folds] * folds, order)
    theirs = np.empty(len(groups), int)
    splitter = model_selection.StratifiedGroupKFold(folds)
    for fold, (_, test) in enumerate(splitter.split(groups, classes, groups)):
        theirs[test] = fold
    # Which of equal folds comes first is free: rounding decides it there.
    spread = [np.bincount(classes[parts == f], minlength=3) for parts in (ours, theirs) for f in range(folds)]
    ours_, theirs_ = (np.array(own) / np.bincount(classes) for own in (spread[:folds], spread[folds:]))
    assert ours_.std(axis=0).mean() <= theirs_.std(axis=0).mean() + 0.05


def test_stratified_groups_keep_the_shares_of_the_classes():
    random = np.random.default_rng(5)
    groups = np.repeat(np.arange(100), 10)
    classes = (random.random(1000) < random.random(100)[groups] * 0.4).astype(np.int64)
    keys = SplitKeys(groups=groups, classes=classes)
    share = classes.mean()
    for fold in range(1, 6):
        parts = parts_of({"folds": 5, "fold": fold, "group": "g", "stratify": True, "validation": 0.25}, keys)
        for part in parts.values():
            assert abs(classes[part].mean() - share) < 0.02
        assert sum(len(set(groups[part])) for part in parts.values()) == 100


@given(st.integers(8, 80), st.integers(2, 6), seeds)
def test_folds_by_time_are_the_expanding_windows_of_scikit_learn(rows, folds, seed):
    model_selection = pytest.importorskip("sklearn.model_selection")
    times = np.random.default_rng(seed).permutation(rows)
    order = np.argsort(times)
    splitter = model_selection.TimeSeriesSplit(folds)
    for fold, (train, test) in enumerate(splitter.split(times), 1):
        parts = parts_of({"folds": folds, "fold": fold, "time": "t"}, SplitKeys(times=times))
        assert parts["train"].tolist() == sorted(order[train].tolist())
        assert parts["test"].tolist() == sorted(order[test].tolist())
        if len(train) > 3:
            own = {"folds": folds, "fold": fold, "time": "t", "validation": 0.3}
            with_validation = parts_of(own, SplitKeys(times=times))
            assert with_validation["test"].tolist() == parts["test"].tolist()
            assert times[with_validation["train"]].max() < times[with_validation["validation"]].min()
            assert len(with_validation["validation"]) == round(len(train) * 0.3)


@given(st.lists(st.integers(0, 9), min_size=12, max_size=60), st.sampled_from([0.0, 0.25]))
def test_rows_of_one_time_are_never_divided(times, validation):
    ranks = np.unique(np.array(times), return_inverse=True)[1]
    needed = 2 + bool(validation)
    split = {"validation": validation, "test": 0.25, "time": "t"}
    if ranks.max() + 1 < needed:
        code, message = fault_of(split, SplitKeys(times=ranks))
        assert code == "SN555"
        assert f"{needed} splits by time need {needed} different times" in message
        return
    parts = parts_of(split, SplitKeys(times=ranks))
    ordered = [ranks[parts[name]] for name in ("train", "validation", "test") if name in parts]
    assert len(ordered) == needed
    assert all(before.max() < after.min() for before, after in pairwise(ordered))


def test_the_last_rows_by_time_are_the_test():
    times = np.random.default_rng(0).permutation(100)
    parts = parts_of({"validation": 0.2, "test": 0.1, "time": "t"}, SplitKeys(times=times))
    assert sorted(times[parts["test"]].tolist()) == list(range(90, 100))
    assert sorted(times[parts["validation"]].tolist()) == list(range(70, 90))


def test_a_column_says_the_split():
    named = np.array([0, 2, 0, 1, 0])
    parts = parts_of({"column": "c"}, SplitKeys(parts=named))
    assert {name: part.tolist() for name, part in parts.items()} == {
        "train": [0, 2, 4],
        "validation": [3],
        "test": [1],
    }
    assert list(parts_of({"column": "c"}, SplitKeys(parts=np.zeros(3, int)))) == ["train"]
    code, message = fault_of({"column": "c"}, SplitKeys(parts=np.array([1, 2])))
    assert code == "SN550"
    assert "names no row `train`" in message


@pytest.mark.parametrize(
    ("split", "keys", "message"),
    [
        ({"test": 0.2}, [0, 0, 0], "2 splits need 2 groups, and there is 1"),
        ({"folds": 3}, [0, 1, 1], "3 folds need 3 groups, and there are 2"),
        ({"folds": 2, "validation": 0.5}, [0, 1, 1], "the validation split of fold 1 needs 2 groups"),
    ],
)
def test_too_few_groups(split, keys, message):
    code, said = fault_of({**split, "group": "g"}, SplitKeys(groups=np.array(keys)))
    assert code == "SN555"
    assert message in said


def test_too_few_times():
    code, said = fault_of({"folds": 3, "time": "t"}, SplitKeys(times=np.array([0, 0, 1, 1, 2])))
    assert (code, said) == ("SN555", "3 folds by time need 4 different times, and there are 3")
    keys = SplitKeys(times=np.array([0, 0, 1, 1, 2, 2]))
    code, said = fault_of({"folds": 2, "validation": 0.5, "time": "t"}, keys)
    assert code == "SN555"
    assert "the rows before fold 1 have one time" in said
