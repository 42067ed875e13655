"""Groups of parameters, and weight decay that spares some: each against PyTorch's groups of an optimizer."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import specnet
from specnet.vocabulary.optimizers import excluded

RNG = np.random.default_rng(3)
INPUTS = RNG.normal(size=(12, 3))
TARGETS = RNG.normal(size=(12, 2))
LAYERS = [
    {"type": "dense", "units": 4, "activation": "tanh", "name": "encoder"},
    {"type": "layer_norm", "epsilon": 1e-5},
    {"type": "dense", "units": 2},
]
OPTIMIZERS = {
    "sgd": ("SGD", {"momentum": 0.9}),
    "adam": ("Adam", {}),
    "adamw": ("AdamW", {}),
    "rmsprop": ("RMSprop", {}),
}


def document(optimizer: dict[str, Any], groups: list[dict[str, Any]], layers: Any = LAYERS) -> str:
    training = {"epochs": 4, "batch_size": "full", "optimizer": optimizer, "groups": groups}
    data = {"type": "inline", "inputs": INPUTS.tolist(), "targets": TARGETS.tolist()}
    spec = {"specnet": 1, "dtype": "float64", "data": data, "layers": layers, "loss": "mse"}
    return json.dumps({**spec, "training": training})


def trained(text: str, **changes: Any) -> dict[str, Any]:
    return dict(specnet.run(specnet.load(text, overrides=changes)).model.parameters)


def by_pytorch(text: str, name: str, settings: dict[str, tuple[float, float]], base: float) -> dict[str, Any]:
    """Return the parameters after the training; `settings` are each one's multiplier and weight decay."""
    torch = pytest.importorskip("torch")
    start = specnet.compile(specnet.load(text)).parameters
    p = {key: torch.tensor(np.array(array), requires_grad=key in settings) for key, array in start.items()}
    groups = [
        {"params": [p[key]], "lr": base * rate, "weight_decay": decay}
        for key, (rate, decay) in settings.items()
    ]
    kind, options = OPTIMIZERS[name]
    optimizer = getattr(torch.optim, kind)(groups, **options)
    for _ in range(4):
        optimizer.zero_grad()
        y = (torch.tensor(INPUTS) @ p["encoder.kernel"] + p["encoder.bias"]).tanh()
        norm = torch.nn.functional.layer_norm(y, (4,), p["layer_norm_1.gamma"], p["layer_norm_1.beta"])
        y = norm @ p["dense_2.kernel"] + p["dense_2.bias"]
        ((y - torch.tensor(TARGETS)) ** 2).mean().backward()
        optimizer.step()
    return {key: array.detach().numpy() for key, array in p.items()}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_groups_and_exclusions_are_pytorch_s_groups(name):
    optimizer = {"type": name, "learning_rate": 0.05, "weight_decay": 0.1, **OPTIMIZERS[name][1]}
    optimizer["weight_decay_exclude"] = ["bias", "norm"]
    groups = [
        {"match": "encoder.kernel", "weight_decay": 0.3},
        {"match": ["encoder*", "layer_norm_1.beta"], "learning_rate_multiplier": 0.5, "weight_decay": 0.7},
        {"match": "dense_2.bias", "trainable": False},
    ]
    text = document(optimizer, groups)
    settings = {
        "encoder.kernel": (1.0, 0.3),
        "encoder.bias": (0.5, 0.0),
        "layer_norm_1.gamma": (1.0, 0.0),
        "layer_norm_1.beta": (0.5, 0.0),
        "dense_2.kernel": (1.0, 0.1),
    }
    expected = by_pytorch(text, name, settings, 0.05)
    for key, array in trained(text).items():
        np.testing.assert_allclose(array, expected[key], 1e-9, 1e-12, err_msg=key)


def test_an_exclusion_that_covers_nothing_of_the_network_changes_nothing():
    optimizer = {"type": "adamw", "learning_rate": 0.05, "weight_decay": 0.1}
    plain = trained(document(optimizer, [], LAYERS[::2]))
    spared = trained(document({**optimizer, "weight_decay_exclude": ["norm"]}, [], LAYERS[::2]))
    for key, array in plain.items():
        np.testing.assert_array_equal(array, spared[key])


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("bias", ["a.bias", "b.c.transform_bias"]),
        ("norm", ["n.gamma", "n.beta"]),
        ("b", ["b.c.kernel", "b.c.transform_bias"]),
        ("b.c", ["b.c.kernel", "b.c.transform_bias"]),
        ("*.kernel", ["a.kernel", "b.c.kernel"]),
        ("[ab].*", ["a.kernel", "a.bias", "b.c.kernel", "b.c.transform_bias"]),
        ("kernel", []),
        ("A", []),
    ],
)
def test_a_pattern_matches_parameters_and_layers(pattern, names):
    known = ["a.kernel", "a.bias", "b.c.kernel", "b.c.transform_bias", "n.gamma", "n.beta"]
    assert [name for name in known if excluded([pattern], name)] == names


def test_a_frozen_batch_norm_keeps_its_statistics():
    """A group that names a layer does what `trainable = false` does on the layer itself."""
    layers = [{"type": "dense", "units": 4}, {"type": "batch_norm"}, {"type": "dense", "units": 2}]
    optimizer = {"type": "sgd", "learning_rate": 0.05}
    by_group = trained(document(optimizer, [{"match": "batch_norm*", "trainable": False}], layers))
    alone = [layers[0], {**layers[1], "trainable": False}, layers[2]]
    by_layer = trained(document(optimizer, [], alone))
    moving = trained(document(optimizer, [{"match": "*.gamma", "trainable": False}], layers))
    assert list(by_group) == list(by_layer)
    for key, array in by_group.items():
        np.testing.assert_array_equal(array, by_layer[key])
    np.testing.assert_array_equal(by_group["batch_norm_1.moving_mean"], 0.0)
    assert np.abs(moving["batch_norm_1.moving_mean"]).min() > 0.0


def test_a_group_can_train_a_part_of_a_frozen_container():
    inner = [{"type": "dense", "units": 4}, {"type": "dense", "units": 4}]
    frozen = {"type": "sequential", "name": "base", "layers": inner, "trainable": False}
    layers = [frozen, {"type": "dense", "units": 2}]
    text = document({"type": "adam"}, [{"match": "base.dense_2", "trainable": True}], layers)
    names = [p.name for p in specnet.compile(specnet.load(text)).network.trained]
    assert names == ["base.dense_2.kernel", "base.dense_2.bias", "dense_1.kernel", "dense_1.bias"]


def test_a_frozen_parameter_is_not_penalised():
    layers = [{**LAYERS[0], "kernel_regularizer": {"type": "l2", "factor": 0.5}}, LAYERS[2]]
    text = document({"type": "sgd"}, [{"match": "encoder", "trainable": False}], layers)
    penalised = specnet.compile(specnet.load(document({"type": "sgd"}, [], layers)))
    spared = specnet.compile(specnet.load(text))
    assert spared.loss_and_gradients(INPUTS, TARGETS)[0] < penalised.loss_and_gradients(INPUTS, TARGETS)[0]


SLIPS: list[tuple[dict[str, Any], list[dict[str, Any]], str, tuple[Any, ...]]] = [
    ({"type": "sgd"}, [{"match": "encodr*", "trainable": False}], "SN310", ("match",)),
    ({"type": "sgd"}, [{"match": ["encoder", "x*"], "trainable": False}], "SN310", ("match", 1)),
    ({"type": "sgd"}, [{"match": "encoder"}], "SN310", ("match",)),
    ({"type": "lbfgs"}, [{"match": "encoder", "weight_decay": 0.1}], "SN608", ("weight_decay",)),
    (
        {"type": "lbfgs"},
        [{"match": "encoder", "learning_rate_multiplier": 0.1}],
        "SN608",
        ("learning_rate_multiplier",),
    ),
]


@pytest.mark.parametrize(("optimizer", "groups", "code", "path"), SLIPS)
def test_what_has_no_effect_is_an_error(optimizer, groups, code, path):
    (found,) = specnet.validate(document(optimizer, groups)).diagnostics
    assert (found.code, found.path) == (code, ("training", "groups", 0, *path))


def test_a_group_that_an_earlier_one_covers_is_an_error():
    groups = [{"match": "enc*", "weight_decay": 0.1}, {"match": "encoder.bias", "weight_decay": 0.0}]
    (found,) = specnet.validate(document({"type": "sgd"}, groups)).diagnostics
    assert (found.code, found.path) == ("SN310", ("training", "groups", 1, "match"))
    assert found.help == "put the narrower pattern first"


@pytest.mark.parametrize(
    ("optimizer", "path"),
    [
        ({"type": "sgd", "weight_decay_exclude": ["bias"]}, ()),
        ({"type": "sgd", "weight_decay": 0.1, "weight_decay_exclude": ["bias", "encodr"]}, (1,)),
    ],
)
def test_an_exclusion_without_effect_is_an_error(optimizer, path):
    (found,) = specnet.validate(document(optimizer, [])).diagnostics
    assert found.code == "SN310"
    assert found.path == ("training", "optimizer", "weight_decay_exclude", *path)


def test_the_arrays_of_an_update_are_in_the_memory_that_is_foreseen():
    def bytes_of(optimizer: dict[str, Any], groups: list[dict[str, Any]]) -> int:
        from specnet.analysis.explanation import explain

        network = specnet.compile(specnet.load(document(optimizer, groups))).network
        return explain(network).memory["parameters"]

    plain = bytes_of({"type": "sgd"}, [])
    group = {"match": "encoder.kernel", "learning_rate_multiplier": 0.5, "weight_decay": 0.1}
    assert bytes_of({"type": "sgd"}, [group]) == plain + 2 * 8 * (16 + 8 + 10)
