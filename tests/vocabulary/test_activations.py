"""Every activation, forward and backward, against PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from pydantic import ValidationError

from specnet.graph import ops
from specnet.graph.graph import Graph, ShapeFault
from specnet.graph.leaves import leaf
from specnet.graph.sizes import BATCH
from specnet.vocabulary.activations import ACTIVATIONS
from tests.support.compiled import checked
from tests.support.graphs import pulled_back

torch = pytest.importorskip("torch")
F = torch.nn.functional

ORDINARY = np.random.default_rng(0).normal(0.0, 2.5, (40, 6))
EXTREME = np.array(
    [
        [-1e3, 1e3, 0.0, 1e-8, -1e-8, 1.0],
        [-700.0, 700.0, -0.0, 20.0, -20.0, -1.0],
        [-40.0, 40.0, 6.0, -6.0, 3.0, -3.0],
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [1e3, 1e3, -1e3, -1e3, 0.0, 1e-300],
    ]
)


@dataclass(frozen=True)
class Row:
    type: str
    torch: Callable
    options: dict = field(default_factory=dict)


TABLE = [
    Row("linear", lambda x: x * 1.0),
    Row("sigmoid", torch.sigmoid),
    Row("tanh", torch.tanh),
    Row("relu", F.relu),
    Row("leaky_relu", F.leaky_relu),
    Row("leaky_relu", lambda x: F.leaky_relu(x, 0.3), {"slope": 0.3}),
    Row("leaky_relu", lambda x: F.leaky_relu(x, 1.7), {"slope": 1.7}),
    Row("leaky_relu", F.relu, {"slope": 0.0}),
    Row("elu", F.elu),
    Row("elu", lambda x: F.elu(x, 0.4), {"alpha": 0.4}),
    Row("selu", F.selu),
    Row("gelu", F.gelu),
    Row("gelu", lambda x: F.gelu(x, approximate="tanh"), {"approximate": "tanh"}),
    Row("silu", F.silu),
    Row("mish", F.mish),
    # PyTorch's softplus is x itself from a threshold on, at 20 by default; at 40 that is so in float64, too.
    Row("softplus", lambda x: F.softplus(x, threshold=40.0)),
    Row("softplus", lambda x: F.softplus(x, 2.5, 40.0), {"beta": 2.5}),
    Row("softsign", F.softsign),
    # PyTorch's own hardsigmoid has a slope of 1/6 rounded to float32, whatever the dtype.
    Row("hard_sigmoid", lambda x: F.relu6(x + 3.0) / 6.0),
    Row("hard_tanh", F.hardtanh),
    Row("relu6", F.relu6),
    Row("softmax", lambda x: F.softmax(x, -1)),
    Row("log_softmax", lambda x: F.log_softmax(x, -1)),
]
ROWS = pytest.mark.parametrize("row", [pytest.param(r, id=f"{r.type}-{i}") for i, r in enumerate(TABLE)])


def test_the_table_covers_every_activation():
    assert {row.type for row in TABLE} == set(ACTIVATIONS.kinds)


def ours(row, x, weights, dtype="float64"):
    """Return f(x), and the gradient of the weighted sum of f(x), from plans that agree with the reference."""
    graph = Graph(dtype)
    given = leaf(graph, "x", "input", (BATCH, *x.shape[1:]))
    weight = leaf(graph, "w", "input", given.shape)
    y = ACTIVATIONS.validate({"type": row.type, **row.options}).lower(given)
    (slope,) = pulled_back(graph, ops.sum_all(y * weight), [given])
    assert y.shape == given.shape
    assert y.dtype == dtype
    return checked(graph, {"x": x, "w": weights}, [y, slope], len(x))


@ROWS
@pytest.mark.parametrize(
    "x", [ORDINARY, EXTREME, ORDINARY.reshape(10, 4, 6)], ids=["ordinary", "extreme", "3d"]
)
def test_it_agrees_with_pytorch(row, x):
    weights = np.random.default_rng(1).normal(size=x.shape)
    there = torch.tensor(x, requires_grad=True)
    meant = row.torch(there)
    meant.backward(torch.tensor(weights))
    y, slope = ours(row, x, weights)
    np.testing.assert_allclose(y, meant.detach(), 1e-9, 1e-15)
    np.testing.assert_allclose(slope, there.grad, 1e-9, 1e-15)


@ROWS
def test_float32_is_finite_at_the_extremes(row):
    y, slope = ours(row, EXTREME, np.ones_like(EXTREME), "float32")
    assert np.isfinite(y).all()
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_what_works_along_features_needs_an_axis_of_them(name):
    with pytest.raises(ShapeFault, match="axis of features"):
        ACTIVATIONS.validate(name).lower(leaf(Graph("float64"), "x", "input", (BATCH,)))


@pytest.mark.parametrize(
    "options",
    [
        {"type": "leaky_relu", "slope": -0.1},
        {"type": "elu", "alpha": -1.0},
        {"type": "softplus", "beta": 0.0},
        {"type": "gelu", "approximate": "erf"},
        {"type": "relu", "slope": 0.1},
    ],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValidationError):
        ACTIVATIONS.validate(options)
