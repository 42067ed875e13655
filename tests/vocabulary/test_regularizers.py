"""Regularizers against their formulae and PyTorch's gradients."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf
from specnet.vocabulary.regularizers import REGULARIZERS
from tests.support.compiled import checked
from tests.support.graphs import pulled_back

torch = pytest.importorskip("torch")

TABLE = {
    "l1": ({"factor": 0.3}, lambda w: 0.3 * w.abs().sum()),
    "l2": ({"factor": 0.3}, lambda w: 0.3 * (w * w).sum()),
    "l1_l2": ({"l1": 0.2, "l2": 0.5}, lambda w: 0.2 * w.abs().sum() + 0.5 * (w * w).sum()),
}


def test_the_table_covers_every_regularizer():
    assert set(TABLE) == set(REGULARIZERS.kinds)


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("shape", [(4, 3), (5,), (2, 2, 3, 1)])
@pytest.mark.parametrize("extreme", [False, True])
def test_it_agrees_with_pytorch(name, shape, extreme):
    options, formula = TABLE[name]
    w = np.random.default_rng(0).normal(size=shape)
    if extreme:
        w = np.random.default_rng(0).choice([-1e3, -1e-8, 0.0, 1e-8, 1e3], shape)
    graph = Graph("float64")
    given = leaf(graph, "w", "parameter", shape)
    penalty = REGULARIZERS.validate({"type": name, **options}).penalty(given)
    (slope,) = pulled_back(graph, penalty, [given])
    value, gradient = checked(graph, {"w": w}, [penalty, slope], 1)
    there = torch.tensor(w, requires_grad=True)
    meant = formula(there)
    meant.backward()
    assert float(value) == pytest.approx(meant.item(), rel=1e-9)
    np.testing.assert_allclose(gradient, there.grad, 1e-9)


@pytest.mark.parametrize("name", TABLE)
def test_defaults_are_those_of_keras(name):
    made = REGULARIZERS.validate(name)
    assert {getattr(made, field) for field in type(made).model_fields if field != "type"} == {0.01}


def test_a_negative_factor_is_refused():
    with pytest.raises(ValidationError):
        REGULARIZERS.validate({"type": "l2", "factor": -0.1})
