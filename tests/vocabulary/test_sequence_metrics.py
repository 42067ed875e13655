"""Metrics of whole sequences against their definitions."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from specnet.graph.graph import Graph, ShapeFault
from specnet.graph.leaves import leaf
from specnet.graph.sizes import BATCH
from specnet.vocabulary.losses import LOSSES
from specnet.vocabulary.metrics import METRICS
from specnet.vocabulary.metrics.sequences import ABSENT, edit_distances, spelt
from tests.support.compiled import run

CTC = LOSSES.validate("ctc")
STEPS = LOSSES.validate("cross_entropy")


def levenshtein(a, b):
    """Return the distance as it is defined: the least of the three last edits."""

    @functools.cache
    def least(i, j):
        if not (i and j):
            return i + j
        replaced = least(i - 1, j - 1) + (a[i - 1] != b[j - 1])
        return min(replaced, least(i - 1, j) + 1, least(i, j - 1) + 1)

    return least(len(a), len(b))


def filled(sequences, width):
    return np.array([[*each, *[ABSENT] * (width - len(each))] for each in sequences], float)


def test_edit_distances_are_those_of_the_definition():
    rng = np.random.default_rng(0)
    pairs = [[rng.integers(0, 4, rng.integers(0, high + 1)).tolist() for high in (7, 5)] for _ in range(300)]
    found = edit_distances(filled([a for a, _ in pairs], 7), filled([b for _, b in pairs], 5))
    assert found.tolist() == [levenshtein(tuple(a), tuple(b)) for a, b in pairs]


def test_what_is_spelt_has_no_blanks_and_no_repetitions():
    classes = np.array([[0, 3, 3, 0, 3, 1, 1], [2, ABSENT, 2, 0, 0, 1, ABSENT]], float)
    np.testing.assert_array_equal(spelt(classes, 0), filled([[3, 3, 1], [2, 1]], 7))
    np.testing.assert_array_equal(spelt(classes[1:], None), filled([[2, 2, 0, 0, 1]], 7))


def measured(metric, loss, predicted, target, mask=None, weights=None):
    """Return the figure of predictions that are sure of a class at each step."""
    made = METRICS.validate(metric).under(loss)
    graph = Graph("float64")
    sure = np.eye(5)[np.asarray(predicted)]
    prediction = leaf(graph, "prediction", "input", (BATCH, *sure.shape[1:]))
    actual = leaf(graph, "target", "target", (BATCH, np.shape(target)[1]), "int64")
    given = {"prediction": sure, "target": np.asarray(target)}
    if mask is not None:
        made = made.among(leaf(graph, "mask", "input", (BATCH, np.shape(mask)[1])))
        given["mask"] = np.asarray(mask, float)
    w = None
    if weights is not None:
        w, given["w"] = leaf(graph, "w", "weight", (BATCH,)), np.asarray(weights, float)
    kept = made.keeps(prediction, actual, w)
    arrays = run(graph, given, list(kept.values()), len(sure))
    rows = len(sure) if weights is None else sum(weights)
    return made.finish(dict(zip(kept, arrays, strict=True)), rows)


SAID = [[0, 1, 1, 0, 1, 2], [3, 3, 4, 0, 0, 0], [0, 0, 0, 2, 0, 0]]
"""1 1 2, then 3 4, then 2."""
MEANT = [[1, 2, 2], [3, 4, 0], [1, 0, 0]]


def test_ctc_is_decoded_greedily():
    assert measured("edit_distance", CTC, SAID, MEANT) == pytest.approx(2 / 6)  # 1 of 1 1 2, and 2 for 1
    assert measured("exact_match", CTC, SAID, MEANT) == pytest.approx(1 / 3)


def test_steps_that_do_not_exist_say_nothing():
    mask = [[1] * 6, [1] * 2 + [0] * 4, [1] * 3 + [0] * 3]
    # 1 1 2 for 1 2 2, 3 for 3 4, and nothing for 1.
    assert measured("edit_distance", CTC, SAID, MEANT, mask) == pytest.approx(3 / 6)
    assert measured("exact_match", CTC, SAID, MEANT, mask) == 0.0


def test_rows_count_as_much_as_their_weights():
    weights = [1.0, 2.0, 5.0]
    expected = (1 * 1 + 2 * 0 + 5 * 1) / (1 * 3 + 2 * 2 + 5 * 1)
    assert measured("edit_distance", CTC, SAID, MEANT, weights=weights) == pytest.approx(expected)
    assert measured("exact_match", CTC, SAID, MEANT, weights=weights) == pytest.approx(2 / 8)


def test_steps_with_a_class_each_are_compared_in_place():
    predicted, target = [[1, 2, 3], [0, 1, 2], [4, 4, 4]], [[1, 2, 3], [1, 2, 0], [4, 4, 0]]
    assert measured("exact_match", STEPS, predicted, target) == pytest.approx(1 / 3)
    assert measured("edit_distance", STEPS, predicted, target) == pytest.approx((0 + 2 + 1) / 9)
    mask = [[1, 1, 1], [1, 1, 1], [1, 1, 0]]
    assert measured("exact_match", STEPS, predicted, target, mask) == pytest.approx(2 / 3)
    assert measured("edit_distance", STEPS, predicted, target, mask) == pytest.approx(2 / 8)


def test_positions_without_a_class_are_left_out():
    loss = LOSSES.validate({"type": "cross_entropy", "ignore_index": 0})
    predicted, target = [[1, 2, 3], [1, 2, 4]], [[1, 0, 3], [0, 3, 4]]
    assert measured("exact_match", loss, predicted, target) == pytest.approx(1 / 2)
    assert measured("edit_distance", loss, predicted, target) == pytest.approx(1 / 4)


def test_there_is_no_distance_from_nothing():
    assert np.isnan(measured("edit_distance", CTC, [[1, 2]], [[0, 0]]))


@pytest.mark.parametrize("kind", ["edit_distance", "exact_match"])
@pytest.mark.parametrize(
    ("prediction", "target", "dtype"),
    [((5,), (), "int64"), ((6, 5), (3,), "int64"), ((6, 5), (6, 5), "float64")],
)
def test_what_is_no_sequence_of_classes_is_reported(kind, prediction, target, dtype):
    graph = Graph("float64")
    made = METRICS.validate(kind).under(STEPS)
    given = (
        leaf(graph, "prediction", "input", (BATCH, *prediction)),
        leaf(graph, "target", "target", (BATCH, *target), dtype),
    )
    with pytest.raises(ShapeFault, match=f"{kind} compares sequences of classes"):
        made.keeps(*given)
