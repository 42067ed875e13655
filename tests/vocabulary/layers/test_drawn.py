"""What layers draw in training: how much, from which stream, and what it does to the gradient."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.engines.execution import Executable
from specnet.engines.random import stream
from specnet.graph import ops
from specnet.passes.pipeline import plan
from tests.support.compiled import checked
from tests.support.graphs import pulled_back
from tests.support.lowering import lowered


def drawn(options, shape, rows, dtype="float64"):
    """Return what a layer makes of ones in training, and the gradient of its sum, in plans of every kind."""
    graph, _, x, y = lowered(options, shape, training=True, dtype=dtype)
    (slope,) = pulled_back(graph, ops.sum_all(y), [x])
    return checked(graph, {"x": np.ones((rows, *shape))}, [y, slope], rows)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(3, 20), (2, 3, 20)])
def test_spatial_dropout_drops_a_feature_at_all_places_of_an_example(dtype, shape):
    kept, flowed = drawn({"type": "spatial_dropout", "rate": 0.3}, shape, 500, dtype)
    np.testing.assert_allclose(np.unique(kept), [0.0, 1.0 / 0.7], 1e-6)
    flat = kept.reshape(500, -1, 20)
    np.testing.assert_array_equal(flat, np.broadcast_to(flat[:, :1], flat.shape))
    # The standard error of the share of 10000 draws is 0.0046.
    assert (flat[:, 0] > 0).mean() == pytest.approx(0.7, abs=0.018)
    assert len(np.unique(flat[:, 0], axis=0)) > 490
    np.testing.assert_array_equal(kept, flowed)


@pytest.mark.parametrize("shape", [(4,), (2, 3, 4)])
def test_stochastic_depth_drops_whole_examples(shape):
    kept, flowed = drawn({"type": "stochastic_depth", "rate": 0.2}, shape, 10_000)
    flat = kept.reshape(10_000, -1)
    np.testing.assert_allclose(np.unique(kept), [0.0, 1.25])
    np.testing.assert_array_equal(flat, np.broadcast_to(flat[:, :1], flat.shape))
    # The standard error is 0.004.
    assert (flat[:, 0] > 0).mean() == pytest.approx(0.8, abs=0.016)
    np.testing.assert_array_equal(kept, flowed)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gaussian_noise_has_its_standard_deviation_and_lets_the_gradient_pass(dtype):
    noisy, flowed = drawn({"type": "gaussian_noise", "stddev": 0.3}, (100,), 200, dtype)
    noise = (noisy - 1.0).ravel() / 0.3
    # Of 20000 draws: the mean's standard error is 0.0071, the deviation's 0.005; 31.7 % lie beyond 1, with 0.0033.
    assert noise.mean() == pytest.approx(0.0, abs=0.028)
    assert noise.std() == pytest.approx(1.0, abs=0.02)
    assert (np.abs(noise) > 1.0).mean() == pytest.approx(0.3173, abs=0.013)
    np.testing.assert_array_equal(flowed, 1.0)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"type": "spatial_dropout"}, "layer/mask"),
        ({"type": "stochastic_depth", "rate": 0.5}, "layer/mask"),
        ({"type": "gaussian_noise", "stddev": 1.0}, "layer/noise"),
        ({"type": "sample"}, "layer/noise"),
    ],
)
def test_each_step_draws_again_from_a_stream_of_the_layer_s_own(options, name):
    graph, _, _, y = lowered(options, (1, 200), training=True)
    graph.outputs = {"y": y}
    made = plan(graph, 60)
    assert set(made.streams) == {name}
    steps = []
    for _ in range(2):
        bound = Executable(made, {name: stream(3, name)}).bind(60, {"x": np.ones((60, 1, 200))})
        for _ in range(2):
            bound.step()
            steps.append(bound.arrays["y"].copy())
    assert not np.array_equal(steps[0], steps[1])
    np.testing.assert_array_equal(steps[:2], steps[2:])


@pytest.mark.parametrize(
    "options",
    [
        {"type": "spatial_dropout", "rate": 0.5},
        {"type": "stochastic_depth", "rate": 0.5},
        {"type": "gaussian_noise", "stddev": 0.5},
    ],
)
def test_nothing_is_computed_in_evaluation(options):
    _, _, x, y = lowered(options, (2, 3))
    assert y is x
