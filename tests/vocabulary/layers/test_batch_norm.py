"""What batch_norm keeps of the batches, beyond the table that compares it with PyTorch."""

from __future__ import annotations

import json

import numpy as np
import pytest

import specnet
from specnet.graph.builder import Builder
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf
from specnet.graph.printing import text
from specnet.graph.scopes import Scope
from specnet.graph.sizes import BATCH
from specnet.vocabulary.layers import LAYERS
from tests.support.compiled import checked, run
from tests.support.lowering import lowered

MEAN, VARIANCE = "norm.moving_mean", "norm.moving_variance"


def document(folder, inputs, **training):
    np.savez(folder / "data.npz", inputs=inputs, targets=np.zeros(len(inputs)))
    return specnet.load(
        json.dumps(
            {
                "specnet": 1,
                "dtype": "float64",
                "data": {"type": "npz", "path": str(folder / "data.npz")},
                "layers": [
                    {"type": "batch_norm", "name": "norm", "momentum": 0.75},
                    {"type": "dense", "units": 1},
                ],
                "loss": "mse",
                "training": {"epochs": 1, "batch_size": 4, "shuffle": False, **training},
            }
        )
    )


def followed(inputs):
    """Return mean and unbiased variance as batches of four rows leave them, from 0 and 1."""
    mean, variance = np.zeros(inputs.shape[-1]), np.ones(inputs.shape[-1])
    for start in range(0, len(inputs), 4):
        batch = inputs[start : start + 4]
        mean = 0.75 * mean + 0.25 * batch.mean(0)
        variance = 0.75 * variance + 0.25 * batch.var(0, ddof=1)
    return mean, variance


@pytest.mark.parametrize("accumulate", [1, 2, 3])
def test_statistics_take_in_each_batch_once(accumulate, tmp_path):
    inputs = np.random.default_rng(0).normal(2.0, 3.0, (12, 5))
    events = list(specnet.train(document(tmp_path, inputs, accumulate=accumulate)))
    model = events[0].model
    for name, expected in zip((MEAN, VARIANCE), followed(inputs), strict=True):
        np.testing.assert_allclose(model.parameters[name], expected, 1e-12)


@pytest.mark.parametrize("accumulate", [1, 3])
def test_a_last_batch_of_one_row_leaves_the_statistics_as_they_are(accumulate, tmp_path):
    inputs = np.random.default_rng(0).normal(2.0, 3.0, (9, 5))
    model = specnet.run(document(tmp_path, inputs, accumulate=accumulate)).model
    for name, expected in zip((MEAN, VARIANCE), followed(inputs[:8]), strict=True):
        np.testing.assert_allclose(model.parameters[name], expected, 1e-12)


def test_a_batch_of_one_image_is_followed():
    _, builder, _, _ = lowered({"type": "batch_norm"}, (3, 2), training=True)
    assert {each.values.at(1) for each in builder.followed} == {3}


def test_statistics_stay_where_nothing_is_trained(tmp_path):
    inputs = np.random.default_rng(0).normal(size=(12, 5))
    model = specnet.compile(document(tmp_path, inputs))
    for training in (False, True):
        model.loss_and_gradients(inputs, np.zeros((12, 1)), training=training)
    model.forward(inputs)
    np.testing.assert_array_equal(model.parameters[MEAN], np.zeros(5))
    np.testing.assert_array_equal(model.parameters[VARIANCE], np.ones(5))


def test_statistics_are_saved_with_the_model_and_are_no_parameters(tmp_path):
    inputs = np.random.default_rng(0).normal(size=(12, 5))
    result = specnet.run(document(tmp_path, inputs), out=tmp_path / "run")
    again = specnet.load_run(tmp_path / "run")
    for name in (MEAN, VARIANCE):
        np.testing.assert_array_equal(again.parameters[name], result.model.parameters[name])
        assert name not in result.model.loss_and_gradients(inputs, np.zeros((12, 1)))[1]
    np.testing.assert_array_equal(again.predict(inputs), result.model.predict(inputs))
    assert result.model.network.size == 5 + 5 + 5 + 1


def test_evaluation_takes_the_statistics_and_training_the_batch():
    x = np.random.default_rng(0).normal(5.0, 2.0, (8, 3))
    given = {"x": x, "layer.gamma": np.full(3, 2.0), "layer.beta": np.full(3, 0.5)}
    given |= {"layer.moving_mean": np.full(3, 1.0), "layer.moving_variance": np.full(3, 4.0 - 1e-3)}
    graph, _, _, y = lowered({"type": "batch_norm"}, (3,))
    np.testing.assert_allclose(checked(graph, given, [y], 8)[0], x - 1.0 + 0.5)
    graph, _, _, y = lowered({"type": "batch_norm"}, (3,), training=True)
    seen = checked(graph, given, [y], 8)[0]
    np.testing.assert_allclose(seen.mean(0), 0.5)
    np.testing.assert_allclose(seen.var(0), 4.0 * x.var(0) / (x.var(0) + 1e-3))


def test_a_batch_of_one_row_gives_beta_and_a_variance_of_0():
    graph, build, _, y = lowered({"type": "batch_norm"}, (3,), training=True)
    given = {"x": np.array([[1.0, 2.0, 3.0]]), "layer.gamma": np.ones(3), "layer.beta": np.full(3, 0.5)}
    out, mean, variance = checked(graph, given, [y, *(seen for _, seen, _, _ in build.followed)], 1)
    np.testing.assert_array_equal(out, np.full((1, 3), 0.5))
    np.testing.assert_array_equal(mean, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(variance, np.zeros(3))


def test_a_frozen_layer_does_in_training_what_it_does_in_evaluation():
    written = []
    for training in (False, True):
        graph = Graph("float64")
        build = Builder(graph, training, Scope("layer", "layer", trainable=False))
        LAYERS.validate("batch_norm").lower(build, leaf(graph, "x", "input", (BATCH, 3)))
        written.append(text(graph))
        assert not build.followed
    assert written[0] == written[1]


@pytest.mark.parametrize("offset", [0.0, 100.0, 3000.0])
def test_float32_keeps_its_digits_where_the_mean_is_large(offset):
    x = np.random.default_rng(0).normal(offset, 1.0, (5000, 24)).astype("float32")
    graph, build, _, y = lowered(
        {"type": "batch_norm", "epsilon": 1e-5}, (24,), training=True, dtype="float32"
    )
    given = {"x": x, "layer.gamma": np.ones(24), "layer.beta": np.zeros(24)}
    room = max(1e-5, 4e-7 * offset)
    out, mean, variance = run(graph, given, [y, *(seen for _, seen, _, _ in build.followed)], 5000)
    exact = x.astype("float64")
    np.testing.assert_allclose(mean, exact.mean(0), 1e-6, 1e-6)
    np.testing.assert_allclose(variance, exact.var(0, ddof=1), 1e-5)
    np.testing.assert_allclose(out, (exact - exact.mean(0)) / np.sqrt(exact.var(0) + 1e-5), atol=room)
