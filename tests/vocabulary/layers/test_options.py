"""Layers beyond the table of `test_layer_table.py`: what they draw, where they start, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from specnet.engines.execution import Executable
from specnet.engines.random import stream
from specnet.graph import ops
from specnet.graph.graph import ShapeFault
from specnet.passes.pipeline import plan
from specnet.vocabulary.layers import LAYERS
from tests.support.compiled import checked
from tests.support.graphs import pulled_back
from tests.support.lowering import lowered
from tests.support.reference import evaluate


def test_dense_adds_its_penalties_once():
    l1, l2 = {"type": "l1", "factor": 0.1}, {"type": "l2", "factor": 0.2}
    options = {"type": "dense", "units": 2, "kernel_regularizer": l2, "bias_regularizer": l1}
    graph, builder, _, _ = lowered(options, (3,))
    kernel, bias = np.arange(6.0).reshape(3, 2), np.array([-1.0, 2.0])
    given = {"layer.kernel": kernel, "layer.bias": bias}
    assert len(builder.penalties) == 2
    total = sum(float(v) for v in evaluate(graph, given, builder.penalties, 1))
    assert total == pytest.approx(0.2 * (kernel**2).sum() + 0.1 * 3.0)


def test_dense_starts_where_the_document_says():
    options = {
        "type": "dense",
        "units": 2,
        "kernel_init": {"type": "constant", "value": [[1, 2], [3, 4], [5, 6]]},
    }
    _, builder, _, _ = lowered(options, (3,))
    kernel = builder.parameters["layer.kernel"]
    assert kernel.field == "kernel_init"
    assert kernel.initial.fault(kernel.shape) is None
    np.testing.assert_array_equal(kernel.initial.draw(kernel.shape, stream(0, "x")), [[1, 2], [3, 4], [5, 6]])
    assert builder.parameters["layer.bias"].initial.type == "zeros"


def test_dense_needs_an_axis_of_features():
    with pytest.raises(ShapeFault, match="needs inputs with an axis of features") as caught:
        lowered({"type": "dense", "units": 2}, ())
    assert caught.value.help == "one number per row has the shape (batch, 1)"


def test_activation_is_the_function_alone():
    graph, builder, _, y = lowered({"type": "activation", "activation": "relu"}, (3,))
    x = np.array([[-1.0, 0.0, 2.0]])
    np.testing.assert_array_equal(checked(graph, {"x": x}, [y], 1)[0], [[0.0, 0.0, 2.0]])
    assert not builder.parameters


def test_dropout_is_nothing_in_evaluation():
    _, _, x, y = lowered({"type": "dropout", "rate": 0.5}, (3,))
    assert y is x
    _, _, x, y = lowered({"type": "dropout", "rate": 0.0}, (3,), training=True)
    assert y is x


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dropout_keeps_a_share_and_the_mean(dtype):
    graph, _, x, y = lowered({"type": "dropout", "rate": 0.3}, (50,), training=True, dtype=dtype)
    (slope,) = pulled_back(graph, ops.sum_all(y), [x])
    ones = np.ones((400, 50))
    kept, flowed = checked(graph, {"x": ones}, [y, slope], 400)
    np.testing.assert_allclose(np.unique(kept), [0.0, 1.0 / 0.7], 1e-6)
    # The standard error of the share of 20000 draws is 0.0032.
    assert (kept > 0).mean() == pytest.approx(0.7, abs=0.013)
    np.testing.assert_array_equal(kept, flowed)


def test_dropout_draws_again_at_each_step_from_a_stream_of_its_own():
    graph, _, _, y = lowered({"type": "dropout", "rate": 0.5}, (200,), training=True)
    graph.outputs = {"y": y}
    made = plan(graph, 1)
    assert set(made.streams) == {"layer/mask"}
    masks = []
    for _ in range(2):
        bound = Executable(made, {"layer/mask": stream(3, "layer/mask")}).bind(1, {"x": np.ones((1, 200))})
        for _ in range(2):
            bound.step()
            masks.append(bound.arrays["y"].copy())
    assert not np.array_equal(masks[0], masks[1])
    np.testing.assert_array_equal(masks[:2], masks[2:])


@pytest.mark.parametrize("options", [{"type": "flatten"}, {"type": "reshape", "shape": [-1]}])
def test_one_number_a_row_becomes_a_row_of_one(options):
    graph, _, x, y = lowered(options, ())
    (slope,) = pulled_back(graph, ops.sum_all(y), [x])
    got, flowed = checked(graph, {"x": np.arange(3.0)}, [y * 1.0, slope], 3)
    np.testing.assert_array_equal(got, [[0.0], [1.0], [2.0]])
    np.testing.assert_array_equal(flowed, np.ones(3))


@pytest.mark.parametrize("shape", [[5], [-1, -1], [5, -1], [24, 2]])
def test_a_reshape_that_does_not_fit_is_reported(shape):
    with pytest.raises(ShapeFault, match="24 elements, which cannot be laid out as"):
        lowered({"type": "reshape", "shape": shape}, (4, 3, 2))


@pytest.mark.parametrize(
    "options",
    [
        {"type": "dense"},
        {"type": "dense", "units": 0},
        {"type": "dense", "units": 2.5},
        {"type": "dropout", "rate": 1.0},
        {"type": "reshape", "shape": []},
        {"type": "reshape", "shape": [0]},
        {"type": "flatten", "name": "no spaces"},
    ],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValidationError):
        LAYERS.validate(options)
