"""Every metric against scikit-learn, measured batch by batch as a run does it."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from specnet.graph.graph import Graph, ShapeFault
from specnet.graph.leaves import leaf
from specnet.graph.sizes import BATCH
from specnet.vocabulary.metrics import METRICS
from tests.support.examples import examples
from tests.support.measures import measure

sk = pytest.importorskip("sklearn.metrics")


def quiet(function, *arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments, **options)


@dataclass(frozen=True)
class Case:
    """Predictions and targets as a network has them, and as scikit-learn wants them."""

    prediction: np.ndarray
    target: np.ndarray
    actual: np.ndarray
    predicted: np.ndarray
    loss: str


def classes_case(rows, classes, *, seed, ties=False, present=None, one_hot=False):
    rng = np.random.default_rng(seed)
    scores = rng.integers(1, 4, (rows, classes)).astype(float) if ties else rng.random((rows, classes))
    prediction = scores / scores.sum(1, keepdims=True)
    actual = rng.choice(present if present is not None else classes, rows).astype(np.int64)
    target = np.eye(classes)[actual] if one_hot else actual
    return Case(prediction, target, actual, prediction.argmax(1), "cross_entropy")


def binary_case(rows, *, seed, ties=False, only=None):
    rng = np.random.default_rng(seed)
    prediction = rng.integers(0, 5, (rows, 1)) / 4.0 if ties else rng.random((rows, 1))
    actual = rng.integers(0, 2, rows) if only is None else np.full(rows, only)
    return Case(
        prediction, actual.astype(float)[:, None], actual, (prediction >= 0.5)[:, 0], "binary_cross_entropy"
    )


def labels_case(rows, labels, *, seed):
    rng = np.random.default_rng(seed)
    prediction, actual = rng.random((rows, labels)), rng.integers(0, 2, (rows, labels))
    actual[:, 0] = 0
    return Case(prediction, actual.astype(float), actual, prediction >= 0.5, "binary_cross_entropy")


CLASSES = {
    "plain": classes_case(50, 4, seed=0),
    "one_hot": classes_case(50, 4, seed=0, one_hot=True),
    "ties": classes_case(60, 5, seed=1, ties=True),
    "absent": classes_case(40, 6, seed=2, present=[0, 3, 4]),
    "one_row": classes_case(1, 3, seed=3),
    "one_class": classes_case(20, 3, seed=4, present=[1]),
    "two": classes_case(30, 2, seed=5),
}
BINARY = {
    "plain": binary_case(50, seed=0),
    "ties": binary_case(50, seed=1, ties=True),
    "one_row": binary_case(1, seed=2),
    "only_no": binary_case(20, seed=3, only=0),
    "only_yes": binary_case(20, seed=4, only=1),
}
LABELS = {"plain": labels_case(40, 3, seed=0), "one_row": labels_case(1, 4, seed=1)}
ALL = (
    [pytest.param(c, id=f"classes-{n}") for n, c in CLASSES.items()]
    + [pytest.param(c, id=f"binary-{n}") for n, c in BINARY.items()]
    + [pytest.param(c, id=f"labels-{n}") for n, c in LABELS.items()]
)
FIGURES = {
    "precision": sk.precision_score,
    "recall": sk.recall_score,
    "f1": sk.f1_score,
    "dice": sk.f1_score,
    "iou": sk.jaccard_score,
}


@pytest.mark.parametrize("case", ALL)
def test_accuracy(case):
    assert measure("accuracy", case.prediction, case.target, loss=case.loss) == pytest.approx(
        sk.accuracy_score(case.actual, case.predicted), abs=1e-12
    )


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("average", ["macro", "micro"])
@pytest.mark.parametrize("case", ALL)
def test_figures_of_counts_averaged_over_classes(name, average, case):
    meant = quiet(FIGURES[name], case.actual, case.predicted, average=average, zero_division=0)
    got = measure({"type": name, "average": average}, case.prediction, case.target, loss=case.loss)
    assert got == pytest.approx(meant, abs=1e-12)


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("case", BINARY.values(), ids=BINARY)
def test_figures_of_counts_of_class_1(name, case):
    meant = FIGURES[name](case.actual, case.predicted, zero_division=0)
    assert measure(name, case.prediction, case.target, loss=case.loss) == pytest.approx(meant, abs=1e-12)


@pytest.mark.parametrize("name", FIGURES)
def test_two_outputs_are_averaged_unless_set_otherwise(name):
    case = CLASSES["two"]
    binary = measure({"type": name, "average": "binary"}, case.prediction, case.target)
    assert binary == pytest.approx(FIGURES[name](case.actual, case.predicted))
    macro = FIGURES[name](case.actual, case.predicted, average="macro")
    assert measure(name, case.prediction, case.target) == pytest.approx(macro)


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize(
    "case", [c for n, c in CLASSES.items() if n != "two"], ids=[n for n in CLASSES if n != "two"]
)
def test_top_k(case, k):
    classes = case.prediction.shape[1]
    options = {"type": "top_k", "k": k}
    if k >= classes:
        with pytest.raises(ShapeFault, match=f"there are {classes} classes"):
            measure(options, case.prediction, case.target)
        return
    meant = sk.top_k_accuracy_score(case.actual, case.prediction, k=k, labels=range(classes))
    assert measure(options, case.prediction, case.target) == pytest.approx(meant, abs=1e-12)


def test_top_k_has_no_hit_in_a_row_of_nan():
    assert measure({"type": "top_k", "k": 2}, np.full((3, 4), np.nan), np.array([0, 1, 3])) == 0.0


@pytest.mark.parametrize(
    "case", [*CLASSES.values(), *BINARY.values()], ids=[*CLASSES, *(f"binary_{n}" for n in BINARY)]
)
def test_confusion(case):
    classes = max(case.prediction.shape[1], 2)
    meant = sk.confusion_matrix(case.actual, case.predicted, labels=range(classes)).tolist()
    got = measure("confusion", case.prediction, case.target, loss=case.loss)
    assert got == meant
    assert all(type(count) is int for row in got for count in row)


@pytest.mark.parametrize("case", [BINARY["plain"], BINARY["ties"]], ids=["plain", "ties"])
def test_auc_of_one_output(case):
    meant = sk.roc_auc_score(case.actual, case.prediction[:, 0])
    assert measure("auc", case.prediction, case.target, loss=case.loss) == pytest.approx(meant, abs=1e-12)
    assert measure("auc", case.prediction[:, 0], case.target[:, 0]) == pytest.approx(meant, abs=1e-12)


@pytest.mark.parametrize("name", ["plain", "one_hot", "ties"])
def test_auc_of_classes_is_the_mean_of_one_against_the_rest(name):
    case = CLASSES[name]
    meant = sk.roc_auc_score(case.actual, case.prediction, multi_class="ovr", average="macro")
    assert measure("auc", case.prediction, case.target) == pytest.approx(meant, abs=1e-12)


def test_auc_leaves_out_classes_that_no_row_has():
    case = CLASSES["absent"]
    areas = [quiet(sk.roc_auc_score, case.actual == c, case.prediction[:, c]) for c in (0, 3, 4)]
    assert measure("auc", case.prediction, case.target) == pytest.approx(np.mean(areas), abs=1e-12)


@pytest.mark.parametrize("case", [BINARY["only_no"], BINARY["only_yes"], BINARY["one_row"]])
def test_auc_of_one_class_is_undefined(case):
    assert math.isnan(measure("auc", case.prediction, case.target))


@settings(max_examples=examples(40), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=30))
def test_auc_is_the_share_of_pairs_in_order(rows):
    yes, no = [s for s, label in rows if label], [s for s, label in rows if not label]
    score, label = (np.array(column, float)[:, None] for column in zip(*rows, strict=True))
    got = METRICS.validate("auc").finish({"score": score, "target": label}, len(rows))
    if not yes or not no:
        assert math.isnan(got)
        return
    pairs = [1.0 if a > b else 0.5 if a == b else 0.0 for a in yes for b in no]
    assert got == pytest.approx(np.mean(pairs), abs=1e-12)


RNG = np.random.default_rng(7)
NUMBERS = {
    "one_output": (RNG.normal(size=(30, 1)), RNG.normal(size=(30, 1))),
    "without_axis": (RNG.normal(size=30), RNG.normal(size=30)),
    "target_without_axis": (RNG.normal(size=(30, 1)), RNG.normal(size=30)),
    "several": (RNG.normal(size=(30, 3)), RNG.normal(size=(30, 3)) * [1.0, 10.0, 0.1]),
    "far_from_zero": (RNG.normal(size=(30, 2)) + 1e8, RNG.normal(size=(30, 2)) + 1e8),
    "constant_target": (RNG.normal(size=(9, 2)), np.ones((9, 2)) * 3.5),
    "constant_and_right": (np.full((9, 1), 3.5), np.full((9, 1), 3.5)),
    "perfect": (np.arange(6.0)[:, None], np.arange(6.0)[:, None]),
}
REGRESSION = {
    "mse": sk.mean_squared_error,
    "rmse": sk.root_mean_squared_error,
    "mae": sk.mean_absolute_error,
    "r2": sk.r2_score,
}


@pytest.mark.parametrize("name", REGRESSION)
@pytest.mark.parametrize("case", NUMBERS)
def test_regression(name, case):
    prediction, target = NUMBERS[case]
    meant = REGRESSION[name](target, prediction)
    assert measure(name, prediction, target) == pytest.approx(meant, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", REGRESSION)
def test_regression_of_one_row(name):
    prediction, target = np.array([[1.0, 3.0]]), np.array([[1.5, 2.0]])
    meant = quiet(REGRESSION[name], target, prediction)
    assert measure(name, prediction, target) == pytest.approx(meant, nan_ok=True)


def test_r2_in_float32_keeps_its_digits():
    """Running sums of squares would lose the variance of targets far from zero."""
    target = np.random.default_rng(0).normal(1000.0, 1.0, (2000, 1)).astype(np.float32)
    prediction = (target + np.random.default_rng(1).normal(0.0, 0.5, target.shape)).astype(np.float32)
    got = measure("r2", prediction, target, dtype="float32")
    assert got == pytest.approx(sk.r2_score(target.astype(float), prediction.astype(float)), rel=1e-5)


def test_cosine_similarity():
    for shape in ((30, 3), (10, 4, 2)):
        prediction, target = RNG.normal(size=shape), RNG.normal(size=shape)
        prediction[3] = 0.0
        rows = [part.reshape(-1, shape[-1]) for part in (prediction, target)]
        meant = np.diag(sk.pairwise.cosine_similarity(*rows)).mean()
        assert measure("cosine_similarity", prediction, target) == pytest.approx(meant, rel=1e-12)


TOKENS = ("perplexity", "bits_per_character")
FORECASTS = ("smape", "mase", "wql", "quantile_coverage")
"""The metrics of `test_forecasts.py`."""


def test_every_metric_is_tried_and_named_apart():
    tried = {"accuracy", "top_k", "auc", "confusion", "cosine_similarity", *FIGURES, *REGRESSION}
    tried |= {*TOKENS, *FORECASTS}
    tried |= {"edit_distance", "exact_match"}  # tests/vocabulary/test_sequence_metrics.py
    assert tried == set(METRICS.kinds)
    assert METRICS.validate({"type": "top_k", "k": 5}).label == "top_5"
    assert METRICS.validate({"type": "f1", "average": "micro"}).label == "f1_micro"
    assert {name: METRICS.validate(name).label for name in tried - {"top_k"}} == {
        n: n for n in tried - {"top_k"}
    }


def test_which_direction_is_good():
    assert {n for n, kind in METRICS.kinds.items() if kind.better == "lower"} == {
        *("edit_distance", "mse", "rmse", "mae", "smape", "mase", "wql"),
        *TOKENS,
    }


@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
def test_scores_of_a_hinge_loss_are_cut_at_zero(loss):
    prediction, target = np.array([[0.2], [-0.3], [0.0], [-2.0]]), np.array([[1.0], [-1.0], [1.0], [1.0]])
    assert measure("accuracy", prediction, target, loss=loss) == 0.75
    assert measure({"type": "accuracy", "threshold": 0.1}, prediction, target, loss=loss) == 0.5


@pytest.mark.parametrize("name", ["accuracy", "f1", "precision", "recall"])
def test_one_probability_may_meet_class_indices(name):
    case = BINARY["plain"]
    whole = measure(name, case.prediction, case.actual.astype(np.int64), loss=case.loss)
    assert whole == measure(name, case.prediction, case.target, loss=case.loss)


def test_labels_are_read_as_the_document_says():
    case = LABELS["plain"]
    right = (case.predicted == case.actual).all(1).mean()
    largest = (case.prediction.argmax(1) == case.actual.argmax(1)).mean()
    assert right != largest
    assert measure("accuracy", case.prediction, case.target, loss="mse") == pytest.approx(largest)
    asked = {"type": "accuracy", "multilabel": True}
    assert measure(asked, case.prediction, case.target, loss="mse") == pytest.approx(right)


def test_sequences_count_each_place():
    rng = np.random.default_rng(0)
    prediction, target = rng.random((6, 5, 3)), rng.integers(0, 3, (6, 5))
    flat, actual = prediction.reshape(30, 3), target.reshape(30)
    assert measure("accuracy", prediction, target) == pytest.approx((flat.argmax(1) == actual).mean())
    meant = sk.top_k_accuracy_score(actual, flat, k=2)
    assert measure({"type": "top_k", "k": 2}, prediction, target) == pytest.approx(meant)
    assert measure("confusion", prediction, target) == sk.confusion_matrix(actual, flat.argmax(1)).tolist()
    for name in ("f1", "dice", "iou"):
        meant = FIGURES[name](actual, flat.argmax(1), average="macro")
        assert measure(name, prediction, target) == pytest.approx(meant)


@pytest.mark.parametrize(
    ("options", "output", "target", "message"),
    [
        ("accuracy", (BATCH, 3), (BATCH, 1), "cannot be compared"),
        ("accuracy", (BATCH, 1), (BATCH, 3), "cannot be compared"),
        ("top_k", (BATCH, 3), (BATCH, 1), "cannot be compared"),
        ("auc", (BATCH, 3), (BATCH, 1), "cannot be compared"),
        ("mse", (BATCH, 3), (BATCH, 1), "cannot be compared"),
        ("r2", (BATCH, 3), (BATCH, 2), "cannot be compared"),
        ("cosine_similarity", (BATCH, 3), (BATCH, 2), "cannot be compared"),
        ("cosine_similarity", (BATCH,), (BATCH,), "cannot be compared"),
        (
            {"type": "f1", "average": "binary"},
            (BATCH, 3),
            (BATCH, 3),
            "for two classes, and there are 3 classes",
        ),
        ({"type": "confusion", "multilabel": True}, (BATCH, 3), (BATCH, 3), "needs one class per row"),
    ],
)
def test_what_does_not_fit_is_reported(options, output, target, message):
    graph = Graph("float32")
    y, t = leaf(graph, "y", "input", output), leaf(graph, "t", "target", target)
    metric = METRICS.validate(options)
    with pytest.raises(ShapeFault, match=message):
        (metric.sums(y, t), metric.keeps(y, t))


@pytest.mark.parametrize("options", [{"type": "top_k", "k": 0}, {"type": "f1", "average": "weighted"}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValidationError):
        METRICS.validate(options)


@pytest.mark.parametrize("case", [CLASSES["plain"], CLASSES["two"], CLASSES["one_row"]])
def test_perplexity_and_bits_follow_from_the_log_loss(case):
    labels = range(case.prediction.shape[1])
    nats = sk.log_loss(case.actual, case.prediction, labels=labels)
    assert measure("perplexity", case.prediction, case.target) == pytest.approx(math.exp(nats), rel=1e-12)
    bits = measure("bits_per_character", case.prediction, case.target)
    assert bits == pytest.approx(nats / math.log(2), rel=1e-12)


@pytest.mark.parametrize("ignored", [None, 2])
def test_tokens_of_all_steps_count_alike(ignored):
    rng = np.random.default_rng(0)
    prediction = rng.dirichlet(np.ones(5), (12, 6))
    target = rng.integers(0, 5, (12, 6))
    there = target != ignored
    nats = sk.log_loss(target[there], prediction[there], labels=range(5))
    found = measure({"type": "perplexity", "ignore_index": ignored}, prediction, target, loss="cross_entropy")
    assert found == pytest.approx(math.exp(nats), rel=1e-12)
    found = measure(
        "bits_per_character", prediction, target, loss={"type": "cross_entropy", "ignore_index": ignored}
    )
    assert found == pytest.approx(nats / math.log(2), rel=1e-12)


def test_a_token_that_is_held_for_impossible_has_a_bounded_cost():
    prediction = np.array([[1.0, 0.0]])
    assert measure("bits_per_character", prediction, np.array([1])) == pytest.approx(-math.log2(1e-30))
    assert math.isnan(
        measure(
            {"type": "perplexity", "ignore_index": 0}, prediction[None], np.array([[0]]), loss="cross_entropy"
        )
    )


@pytest.mark.parametrize("kind", TOKENS)
def test_tokens_are_class_indices(kind):
    with pytest.raises(ShapeFault):
        measure(kind, np.ones((4, 1)), np.ones((4, 1)))
