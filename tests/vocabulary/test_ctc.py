"""The loss `ctc` against PyTorch's, and against adding up all alignments one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from specnet.graph import ops
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf
from specnet.graph.sizes import BATCH
from specnet.passes.differentiate import differentiate
from specnet.vocabulary.losses import LOSSES
from tests.support.compiled import run

torch = pytest.importorskip("torch")

STEPS, CLASSES, LENGTH = 9, 5, 4
LENGTHS, EXISTING = np.array([4, 3, 0, 2, 1, 4, 3]), np.array([9, 9, 5, 4, 1, 8, 6])


def drawn(blank, padding, *, lengths=LENGTHS, existing=EXISTING):
    """Return outputs, targets and which steps exist, with a label that is repeated."""
    rng = np.random.default_rng(blank)
    rows = len(lengths)
    output = rng.normal(scale=2.0, size=(rows, STEPS, CLASSES))
    target = rng.choice([c for c in range(CLASSES) if c != blank], (rows, LENGTH))
    target[1, 1] = target[1, 0]
    target[np.arange(LENGTH) >= lengths[:, None]] = padding
    mask = (np.arange(STEPS) < existing[:, None]).astype(float)
    return output, target, mask


def costs(options, output, target, mask=None, weights=None, dtype="float64", optimise=True):
    """Return the cost of each row, and the gradient of their weighted sum."""
    graph, loss = Graph(dtype), LOSSES.validate({"type": "ctc", **options})
    x = leaf(graph, "output", "input", (BATCH, *output.shape[1:]))
    t = leaf(graph, "target", "target", (BATCH, target.shape[1]), "int64")
    w = leaf(graph, "weights", "weight", (BATCH,))
    given = {"output": output, "target": target, "weights": np.ones(len(output))}
    given |= {} if weights is None else {"weights": weights}
    if mask is None:
        cost = loss.elements(x, t)
    else:
        given["mask"] = mask
        cost = loss.elements_of_sequences(x, t, leaf(graph, "mask", "input", (BATCH, mask.shape[1])))
    (slope,) = differentiate(graph, ops.sum_all(cost * w), [x])
    return run(graph, given, [cost * 1.0, slope], len(output), optimise=optimise)


def by_torch(output, target, lengths, existing, blank, weights, *, zero_infinity=False):
    there = torch.tensor(output, requires_grad=True)
    cost = torch.nn.functional.ctc_loss(
        there.log_softmax(-1).transpose(0, 1),
        torch.tensor(np.where(target < 0, 0, target)),
        torch.tensor(existing),
        torch.tensor(lengths),
        blank,
        reduction="none",
        zero_infinity=zero_infinity,
    )
    (cost * torch.tensor(weights)).sum().backward()
    return cost.detach().numpy(), there.grad.numpy()


@pytest.mark.parametrize(("blank", "padding"), [(0, None), (0, -1), (CLASSES - 1, None), (2, -7)])
@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("optimise", [True, False])
def test_costs_and_gradients_are_those_of_pytorch(blank, padding, masked, optimise):
    output, target, mask = drawn(blank, blank if padding is None else padding)
    weights = np.random.default_rng(5).normal(size=len(output))
    existing = EXISTING if masked else np.full(len(output), STEPS)
    options = {"blank": blank, **({} if padding is None else {"padding_index": padding})}
    cost, slope = costs(options, output, target, mask if masked else None, weights, optimise=optimise)
    expected, gradient = by_torch(output, target, LENGTHS, existing, blank, weights)
    np.testing.assert_allclose(cost, expected, rtol=1e-10)
    np.testing.assert_allclose(slope, gradient, rtol=1e-8, atol=1e-12)


def test_all_alignments_add_up():
    output = np.random.default_rng(0).normal(size=(1, 4, 3))
    probabilities = np.exp(output) / np.exp(output).sum(-1, keepdims=True)
    for target in ([1], [1, 2], [1, 1], [2, 1]):
        total = 0.0
        for path in itertools.product(range(3), repeat=4):
            said = [c for c, before in zip(path, (None, *path), strict=False) if c != before and c != 0]
            if said == target:
                total += np.prod([probabilities[0, t, c] for t, c in enumerate(path)])
        cost, _ = costs({}, output, np.array([[*target, *[0] * (3 - len(target))]]))
        np.testing.assert_allclose(cost, -np.log(total), rtol=1e-12)


def test_a_target_that_does_not_fit_costs_infinitely_much_or_nothing():
    lengths, existing = np.array([4, 2, 2]), np.array([3, 2, 2])
    output, target, mask = drawn(0, 0, lengths=lengths, existing=existing)
    target[1:, 1] = target[1:, 0]  # needs a blank between the two
    target[2, 1] = target[2, 0] % (CLASSES - 1) + 1
    weights = np.array([1.0, 2.0, 3.0])
    cost, _ = costs({}, output, target, mask, weights)
    assert np.isinf(cost[:2]).all()
    assert np.isfinite(cost[2])
    cost, slope = costs({"zero_infinity": True}, output, target, mask, weights)
    expected, gradient = by_torch(output, target, lengths, existing, 0, weights, zero_infinity=True)
    np.testing.assert_allclose(cost, expected, rtol=1e-10)
    np.testing.assert_allclose(slope, gradient, rtol=1e-8, atol=1e-12)
    assert (slope[:2] == 0.0).all()


def test_steps_that_do_not_exist_change_nothing():
    output, target, mask = drawn(0, 0)
    other = np.where(
        mask[:, :, None] > 0, output, np.random.default_rng(9).normal(scale=50.0, size=output.shape)
    )
    for here, there in zip(costs({}, output, target, mask), costs({}, other, target, mask), strict=True):
        np.testing.assert_array_equal(here, there)


def test_improbable_targets_stay_finite_in_float32():
    output, target, _ = drawn(0, 0, lengths=np.array([4, 4, 4]), existing=np.array([9, 9, 9]))
    output = 200.0 * output
    cost, slope = costs({}, output, target, dtype="float32")
    expected, gradient = by_torch(output, target, np.full(3, 4), np.full(3, 9), 0, np.ones(3))
    np.testing.assert_allclose(cost, expected, rtol=1e-5)
    np.testing.assert_allclose(slope, gradient, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("output", "target", "dtype", "classes", "message"),
    [
        ((9, 5), (4,), "float64", None, "takes targets that are a class index"),
        ((9, 5), (), "int64", 5, "takes targets that are a class index"),
        ((5,), (4,), "int64", 5, "takes a value for each step and class"),
        ((9, 3), (4,), "int64", None, "the blank is class 4"),
        ((9, 5), (4,), "int64", 6, "the data has 6 classes"),
    ],
)
def test_shapes_that_do_not_fit_are_reported(output, target, dtype, classes, message):
    found = LOSSES.validate({"type": "ctc", "blank": 4}).fault(
        (BATCH, *output), (BATCH, *target), dtype, classes
    )
    assert message in found


def test_shapes_that_fit_are_not():
    loss = LOSSES.validate({"type": "ctc", "blank": 4, "padding_index": -1})
    assert loss.fault((BATCH, 9, 5), (BATCH, 4), "int64", 5) is None
    assert loss.value_fault(-1.0, 4.0) is None
    assert "at least 0" in loss.value_fault(-2.0, 4.0)
