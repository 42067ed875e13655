from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

KINDS = ["xor", "moons", "circles", "spirals", "blobs", "sine", "linear", "copy", "adding"]
CLASSES = ["xor", "moons", "circles", "spirals", "blobs"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("samples", [1, 2, 7, 100])
def test_every_kind_of_any_size(desk, kind, samples):
    data = desk.load(type="synthetic", kind=kind, samples=samples)
    assert len(data.splits["train"]) == samples
    assert np.isfinite(data.splits["train"].inputs).all()
    assert data.signature.target_kind == ("class" if kind in (*CLASSES, "copy") else "number")


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_is_all(desk, kind):
    fields = {"type": "synthetic", "kind": kind, "samples": 30}
    prologue, again, other = (desk.load(**fields, seed=seed).splits["train"] for seed in (3, 3, 4))
    np.testing.assert_array_equal(prologue.inputs, again.inputs)
    np.testing.assert_array_equal(prologue.targets, again.targets)
    assert not np.array_equal(prologue.inputs, other.inputs)


@pytest.mark.parametrize("kind", CLASSES)
def test_classes_are_even_and_take_turns(desk, kind):
    for samples in (40, 41, 42, 43):
        data = desk.load(type="synthetic", kind=kind, samples=samples)
        counts = np.bincount(data.splits["train"].targets, minlength=data.signature.class_count)
        assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize("kind", CLASSES)
def test_stratified_rows_are_counted_before_they_are_made(desk, kind):
    split = {"validation": 0.25, "test": 0.2, "stratify": True}
    desk.load(type="synthetic", kind=kind, samples=43, split=split)


@pytest.mark.parametrize(("kind", "make"), [("moons", "make_moons"), ("circles", "make_circles")])
@pytest.mark.parametrize("samples", [20, 21])
def test_without_noise_as_in_scikit_learn(desk, kind, make, samples):
    datasets = pytest.importorskip("sklearn.datasets")
    options = {"factor": 0.5} if kind == "circles" else {}
    counts = (samples - samples // 2, samples // 2)
    points, labels = getattr(datasets, make)(counts, shuffle=False, noise=None, **options)
    ours = desk.load(type="synthetic", kind=kind, samples=samples, noise=0).splits["train"]
    for label in (0, 1):
        np.testing.assert_allclose(ours.inputs[ours.targets == label], points[labels == label], atol=1e-15)


def test_xor_without_noise_is_its_table(desk):
    data = desk.load(type="synthetic", kind="xor", samples=4, noise=0).splits["train"]
    assert data.inputs.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert data.targets.tolist() == [0, 1, 1, 0]


def test_noise_is_a_standard_deviation(desk):
    clean = desk.load(type="synthetic", kind="moons", samples=20_000, noise=0).splits["train"]
    noisy = desk.load(type="synthetic", kind="moons", samples=20_000, noise=0.3).splits["train"]
    assert np.std(noisy.inputs - clean.inputs) == pytest.approx(0.3, rel=0.02)
    sine = desk.load(type="synthetic", kind="sine", samples=20_000, noise=0.3).splits["train"]
    assert np.std(sine.targets - np.sin(sine.inputs[:, 0])) == pytest.approx(0.3, rel=0.02)


def test_linear_without_noise_is_linear(desk):
    data = desk.load(type="synthetic", kind="linear", samples=50, features=4, noise=0)
    x, y = data.splits["train"].inputs, data.splits["train"].targets
    design = np.column_stack([x, np.ones(50)])
    _, residual, rank, _ = np.linalg.lstsq(design, y, rcond=None)
    assert rank == 5
    assert residual[0] < 1e-20


def test_splits_share_what_they_are_drawn_about(desk):
    data = desk.load(
        type="synthetic",
        kind="linear",
        samples=50,
        features=2,
        noise=0,
        validation={"samples": 30},
        test={"samples": 20, "noise": 0.5},
    )
    train, validation, test = (data.splits[name] for name in ("train", "validation", "test"))
    design = np.column_stack([train.inputs, np.ones(50)])
    weights = np.linalg.lstsq(design, train.targets, rcond=None)[0]
    np.testing.assert_allclose(validation.inputs @ weights[:2] + weights[2], validation.targets, atol=1e-12)
    assert 0.2 < np.std(test.inputs @ weights[:2] + weights[2] - test.targets) < 0.8
    assert not np.array_equal(train.inputs[:20], test.inputs)


def test_blobs_and_spirals_take_classes_and_features(desk):
    assert desk.inspect(type="synthetic", kind="blobs", classes=5, features=3).inputs == (3,)
    assert desk.inspect(type="synthetic", kind="blobs", classes=5).class_count == 5
    assert desk.inspect(type="synthetic", kind="spirals", classes=3).class_count == 3
    with pytest.raises(ValidationError, match="`classes` applies to spirals, blobs and copy only"):
        desk.inspect(type="synthetic", kind="moons", classes=3)
    with pytest.raises(ValidationError, match="`features` applies to blobs and linear only"):
        desk.inspect(type="synthetic", kind="sine", features=3)


def test_spirals_turn_outward(desk):
    data = desk.load(type="synthetic", kind="spirals", samples=60, noise=0, classes=3).splits["train"]
    radius = np.hypot(*data.inputs.T)
    for label in range(3):
        np.testing.assert_allclose(radius[data.targets == label], np.linspace(0, 1, 20), atol=1e-15)


def test_copies_are_what_was_shown(desk):
    data = desk.load(type="synthetic", kind="copy", samples=50, classes=5, length=4, delay=3)
    x, y = data.splits["train"].inputs, data.splits["train"].targets
    assert x.shape == y.shape == (50, 11)
    assert (data.signature.tokens, data.signature.class_count) == (7, 7)
    assert set(np.unique(x[:, :4])) == {1, 2, 3, 4, 5}
    assert (x[:, 4:6] == 0).all()
    assert (x[:, 6] == 6).all()
    assert (x[:, 7:] == 0).all()
    assert (y[:, :7] == 0).all()
    np.testing.assert_array_equal(y[:, 7:], x[:, :4])


def test_two_numbers_are_to_be_added(desk):
    train = desk.load(type="synthetic", kind="adding", samples=50, length=7).splits["train"]
    assert train.inputs.shape == (50, 7, 2)
    numbers, marks = train.inputs[..., 0], train.inputs[..., 1]
    assert (marks[:, :3].sum(axis=1) == 1).all()
    assert (marks[:, 3:].sum(axis=1) == 1).all()
    np.testing.assert_allclose(train.targets, (numbers * marks).sum(axis=1), rtol=1e-6)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "moons", "length": 5}, "`length` applies to copy, adding and addition only, not to moons"),
        ({"kind": "adding", "delay": 5}, "`delay` applies to copy only, not to adding"),
        ({"kind": "copy", "noise": 0.1}, "`noise` does not apply to copy"),
        ({"kind": "adding", "test": {"noise": 0.1}}, "`noise` does not apply to adding"),
    ],
)
def test_fields_of_sequences(desk, fields, message):
    with pytest.raises(ValidationError, match=message):
        desk.load(type="synthetic", **fields)
