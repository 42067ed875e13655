"""`units = "auto"`: the number that the loss and the targets need."""

from __future__ import annotations

import numpy as np
import pytest

import specnet

AUTO = {"type": "dense", "units": "auto"}
IRIS = {"type": "builtin", "name": "iris"}


def inline(targets, inputs=((1.0, 2.0), (3.0, 4.0))):
    return {"type": "inline", "inputs": [list(row) for row in inputs], "targets": targets}


def document(data, loss, layers=(AUTO,), **more):
    own = {} if loss is None else {"loss": loss}
    return (
        {"specnet": 1, "name": "auto", "data": data, "layers": list(layers), "training": {"epochs": 1}}
        | own
        | more
    )


@pytest.mark.parametrize(
    ("data", "loss", "units"),
    [
        (IRIS, "cross_entropy", 3),
        (inline([0, 1]), "cross_entropy", 2),
        (inline([[0.5, 0.2, 0.3], [1.0, 0.0, 0.0]]), "kl_divergence", 3),
        (inline([0, 1]), "binary_cross_entropy", 1),
        (inline([[0, 1, 1], [1, 0, 1]]), "binary_cross_entropy", 3),
        (inline([0.5, 1.5]), "mse", 1),
        (inline([[0.5, 1.5], [2.0, 3.0]]), "mae", 2),
        (inline("inputs"), "mse", 2),
        (inline([[0.5, 1.5], [2.0, 3.0]]), "gaussian_nll", 4),
    ],
)
def test_as_many_as_the_loss_and_the_targets_need(data, loss, units):
    model = specnet.compile(specnet.load(document(data, loss)))
    assert model.parameters["dense_1.bias"].shape == (units,)


@pytest.mark.parametrize(
    "layers",
    [
        [AUTO, {"type": "activation", "activation": "softmax"}],
        [AUTO, {"type": "dropout", "rate": 0.1}],
        [{"type": "sequential", "layers": [{"type": "dense", "units": 4}, AUTO]}],
    ],
    ids=str,
)
def test_layers_that_change_no_size_may_follow(layers):
    model = specnet.compile(specnet.load(document(IRIS, "cross_entropy", layers)))
    assert model.predict(np.ones((1, 4))).shape == (1, 3)


def test_each_of_several_outputs_has_its_own():
    layers = [
        {"type": "dense", "units": 2, "name": "hidden"},
        {**AUTO, "name": "kind"},
        {**AUTO, "name": "again", "inputs": ["hidden"]},
    ]
    outputs = {"kind": {"loss": "cross_entropy"}, "again": {"loss": "mse", "target": "inputs"}}
    model = specnet.compile(specnet.load(document(IRIS, None, layers, outputs=outputs)))
    shapes = {name: array.shape for name, array in model.predict(np.ones((1, 4))).items()}
    assert shapes == {"kind": (1, 3), "again": (1, 4)}


def test_a_finished_run_has_the_same(tmp_path):
    result = specnet.run(specnet.load(document(IRIS, "cross_entropy")), out=tmp_path / "run")
    rows = np.ones((2, 4))
    np.testing.assert_array_equal(
        specnet.load_run(tmp_path / "run").predict(rows), result.model.predict(rows)
    )


@pytest.mark.parametrize(
    ("data", "loss", "layers", "place", "words"),
    [
        (IRIS, "cross_entropy", [AUTO, {"type": "dense", "units": 3}], 0, "for a layer that gives an output"),
        (inline([0.5, 1.0]), "cross_entropy", [AUTO], 0, "do not say how many there are"),
        (IRIS, "triplet", [AUTO], 0, "takes outputs of any size"),
    ],
)
def test_where_nothing_says_how_many(data, loss, layers, place, words):
    (found,) = specnet.validate(document(data, loss, layers)).diagnostics
    assert (found.code, found.path) == ("SN311", ("layers", place, "units"))
    assert words in found.message


def test_layers_are_checked_without_the_data():
    wrong = {"type": "reshape", "shape": [5]}
    plain = document(
        {"type": "csv", "path": "nowhere.csv", "target": "a"}, "mse", [wrong, AUTO], input_shape=[4]
    )
    assert {d.code for d in specnet.validate(plain).diagnostics} == {"SN401", "SN501"}
