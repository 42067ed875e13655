"""Ensembles: their members against networks of PyTorch and the published TabM, and what is made of the members."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys

import numpy as np
import pytest
from pydantic import ValidationError

import specnet
from specnet.engines.execution import Executable
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf
from specnet.graph.sizes import BATCH
from specnet.passes.pipeline import plan
from specnet.vocabulary.layers import LAYERS
from specnet.vocabulary.losses import LOSSES

ROWS, MEMBERS = 23, 3
WEIGHTS = [0.5, 2.0, 1.0, 3.0] * 6


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(2)
    x = rng.normal(size=(ROWS, 4))
    np.savez(tmp_path / "d.npz", inputs=x, targets=rng.integers(0, 3, ROWS), weights=WEIGHTS[:ROWS])
    return x, {"type": "npz", "path": str(tmp_path / "d.npz")}


LAYERS_OF_A_MEMBER = [
    {"type": "dense", "units": 5, "activation": "tanh"},
    {"type": "layer_norm"},
    {"type": "dense", "units": 3},
]


def spec(data, *, loss="cross_entropy", layers=LAYERS_OF_A_MEMBER, before=(), training=(), **options):
    ensemble = {"type": "ensemble", "name": "e", "members": MEMBERS, "layers": layers, **options}
    made = {"specnet": 1, "dtype": "float64", "loss": loss, "data": data, "layers": [*before, ensemble]}
    optimizer = {"type": "sgd", "learning_rate": 0.1, "momentum": 0.9}
    settings = {"epochs": 2, "batch_size": 8, "shuffle": False, "optimizer": optimizer, **dict(training)}
    return specnet.load(json.dumps({**made, "training": settings}))


def members(p, torch):
    """Return what each member computes, given the arrays of all."""

    def network(x, m):
        h = torch.tanh(x @ p["e.dense_1.kernel"][m] + p["e.dense_1.bias"][m])
        gamma, beta = p["e.layer_norm_1.gamma"][m], p["e.layer_norm_1.beta"][m]
        h = torch.nn.functional.layer_norm(h, (5,), gamma, beta, 1e-3)
        return h @ p["e.dense_2.kernel"][m] + p["e.dense_2.bias"][m]

    return lambda x: [network(x, m) for m in range(MEMBERS)]


@pytest.mark.parametrize("weighted", [False, True])
def test_members_are_networks_that_are_trained_one_by_one(data, weighted):
    torch = pytest.importorskip("torch")
    x, source = data
    document = spec({**source, **({"weight": "weights"} if weighted else {})})
    start = specnet.compile(document)
    p = {name: torch.tensor(array, requires_grad=True) for name, array in start.parameters.items()}
    assert p["e.dense_1.kernel"].shape == (MEMBERS, 4, 5)
    optimizer, losses = torch.optim.SGD(p.values(), lr=0.1, momentum=0.9), []
    classes = torch.tensor(np.load(source["path"])["targets"])
    weights = torch.tensor(WEIGHTS[:ROWS] if weighted else [1.0] * ROWS, dtype=torch.float64)
    for begin in [0, 8, 16, 0, 8, 16]:
        part = slice(begin, begin + 8)
        outputs, w = members(p, torch)(torch.tensor(x[part])), weights[part]
        each = [torch.nn.functional.cross_entropy(y, classes[part], reduction="none") for y in outputs]
        loss = sum((one * w).mean() / weights.mean() for one in each) / MEMBERS
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    result = specnet.run(document)
    for name, array in p.items():
        np.testing.assert_allclose(result.model.parameters[name], array.detach(), rtol=1e-8, atol=1e-12)
    with torch.no_grad():
        mean = torch.stack([torch.softmax(y, -1) for y in members(p, torch)(torch.tensor(x))]).mean(0)
    np.testing.assert_allclose(result.model.predict(x), mean, rtol=1e-9)
    cost = -torch.log(mean[range(ROWS), classes])
    assert result.splits["train"]["loss"] == pytest.approx(float((cost * weights).sum() / weights.sum()))


@pytest.mark.parametrize("sharing", ["tabm", "tabm_mini"])
def test_members_that_share_are_tabms(data, sharing):
    tabm = pytest.importorskip("tabm")
    torch = pytest.importorskip("torch")
    x, source = data
    layers = [
        {"type": "dense", "units": 5, "activation": "relu"},
        {"type": "dense", "units": 6, "activation": "relu"},
        {"type": "dense", "units": 3},
    ]
    model = specnet.compile(spec(source, layers=layers, sharing=sharing))
    assert set(np.unique(model.parameters["e.scale"])) == {-1.0, 1.0}
    assert np.ptp(model.parameters["e.dense_3.kernel"], axis=0).min() > 0.0
    rng = np.random.default_rng(1)
    for array in model.parameters.values():
        array[...] = rng.normal(size=array.shape)
    p = {name.removeprefix("e."): torch.tensor(array) for name, array in model.parameters.items()}
    torch.set_default_dtype(torch.float64)
    try:
        modules = []
        if sharing == "tabm":
            for n, (size, units) in enumerate(itertools.pairwise((4, 5, 6)), start=1):
                module = tabm.LinearBatchEnsemble(size, units, k=MEMBERS, scaling_init="ones")
                r = p["scale"] if n == 1 else p[f"dense_{n}.input_scale"]
                new = {"weight": p[f"dense_{n}.kernel"].T, "r": r, "s": p[f"dense_{n}.output_scale"]}
                module.load_state_dict({**new, "bias": p[f"dense_{n}.bias"]})
                modules += [module, torch.nn.ReLU()]
        else:
            module = tabm.ElementwiseAffine((MEMBERS, 4), bias=False, scaling_init="ones")
            module.load_state_dict({"weight": p["scale"]})
            modules.append(module)
            for n, (size, units) in enumerate(itertools.pairwise((4, 5, 6)), start=1):
                module = torch.nn.Linear(size, units)
                new = {"weight": p[f"dense_{n}.kernel"].T, "bias": p[f"dense_{n}.bias"]}
                module.load_state_dict(new)
                modules += [module, torch.nn.ReLU()]
        head = tabm.LinearEnsemble(6, 3, k=MEMBERS)
        head.load_state_dict({"weight": p["dense_3.kernel"], "bias": p["dense_3.bias"]})
        with torch.no_grad():
            y = torch.nn.Sequential(tabm.EnsembleView(k=MEMBERS), *modules, head)(torch.tensor(x))
    finally:
        torch.set_default_dtype(torch.float32)
    np.testing.assert_allclose(model.outputs_of("e", x).swapaxes(0, 1), y.transpose(0, 1), rtol=1e-9)
    np.testing.assert_allclose(model.predict(x), torch.softmax(y, -1).mean(1), rtol=1e-9)


INSIDE = [
    {"type": "scaling"},
    {"type": "parametric_activation", "activation": "mish"},
    {"type": "rms_norm"},
    {"type": "maxout", "units": 4, "pieces": 2},
    {"type": "highway"},
    {"type": "residual", "layers": [{"type": "dense", "units": 4, "activation": "relu"}]},
    {"type": "dense", "units": 8, "parametrization": "neural_tangent"},
    {"type": "glu"},
    {
        "type": "sequential",
        "layers": [{"type": "dense", "units": 4}, {"type": "activation", "activation": "selu"}],
    },
    {"type": "dropout", "rate": 0.0},
    {"type": "gaussian_noise", "stddev": 0.0},
    {"type": "layer_norm"},
    {"type": "dense", "units": 3, "activation": "softmax"},
]


def test_every_layer_that_may_be_in_an_ensemble_is_tried():
    assert {layer["type"] for layer in INSIDE} | {"activation"} == {
        name for name, kind in LAYERS.kinds.items() if kind.memberwise
    }


def test_each_member_of_layers_of_all_kinds_is_that_network_by_itself(data):
    x, source = data
    model = specnet.compile(spec(source, layers=INSIDE))
    rng = np.random.default_rng(7)
    for array in model.parameters.values():
        array[...] = rng.normal(size=array.shape)
    outputs = model.outputs_of("e", x)
    plain = {"specnet": 1, "dtype": "float64", "loss": "cross_entropy", "data": source, "layers": INSIDE}
    for member in range(MEMBERS):
        alone = specnet.compile(specnet.load(json.dumps(plain)))
        for name, array in model.parameters.items():
            alone.parameters[name.removeprefix("e.")][...] = array[member]
        np.testing.assert_allclose(alone.predict(x), outputs[:, member], rtol=1e-9)
    np.testing.assert_allclose(model.predict(x), outputs.mean(1), rtol=1e-9)


PREDICTIONS = {
    "softmax": lambda y: np.exp(y) / np.exp(y).sum(-1, keepdims=True),
    "sigmoid": lambda y: 1 / (1 + np.exp(-y)),
    "exp": np.exp,
    "identity": lambda y: y,
    "mean": lambda y: y[..., :2],
    "median": lambda y: y,
}


@pytest.mark.parametrize("kind", sorted(LOSSES.kinds))
def test_the_prediction_is_the_mean_of_the_members_predictions(kind):
    loss = LOSSES.validate(
        {"type": kind, **({"quantiles": [0.1, 0.5, 0.8, 0.9]} if kind == "quantile" else {})}
    )
    graph = Graph("float64")
    outputs = leaf(graph, "y", "input", (MEMBERS, BATCH, 4))
    pooled = loss.pooled(outputs)
    graph.outputs = {"pooled": pooled}
    y = np.random.default_rng(3).normal(size=(MEMBERS, 5, 4)) * 3
    y[0, 0] = [60.0, -60.0, 0.0, 0.0]
    bound = Executable(plan(graph, 5)).bind(5, {"y": y})
    bound.step()
    found = bound.arrays["pooled"]
    predicted = PREDICTIONS[loss.output_activation]
    np.testing.assert_allclose(predicted(found), predicted(y).mean(axis=0), rtol=1e-10)
    if kind == "gaussian_nll":
        means, variances = y[..., :2], np.exp(y[..., 2:])
        mixture = (variances + means**2).mean(axis=0) - means.mean(axis=0) ** 2
        np.testing.assert_allclose(np.exp(found[:, 2:]), mixture, rtol=1e-9)


def test_starts_are_drawn_for_each_member(data):
    x, source = data
    layers = [{"type": "dense", "units": 5, "kernel_init": "unit_variance", "bias_init": "within_data"}]
    layers = [*layers, *layers, {"type": "dense", "units": 3}]
    model = specnet.compile(spec(source, layers=layers))
    p = model.parameters
    h = x @ p["e.dense_1.kernel"]
    np.testing.assert_allclose(h.std(axis=1), 1.0, rtol=1e-9)
    h = (h + p["e.dense_1.bias"][:, None]) @ p["e.dense_2.kernel"]
    np.testing.assert_allclose(h.std(axis=1), 1.0, rtol=1e-9)
    for name in ("e.dense_1.kernel", "e.dense_1.bias", "e.dense_2.bias", "e.dense_3.kernel"):
        assert np.ptp(p[name], axis=0).min() > 0.0
    limit = np.sqrt(6 / (5 + 3))  # of each member's kernel by itself
    assert 0.8 * limit < np.abs(p["e.dense_3.kernel"]).max() < limit


def test_dropout_is_drawn_for_each_member(data):
    _, source = data
    layers = [{"type": "dropout", "rate": 0.5}, {"type": "dense", "units": 3, "kernel_init": "ones"}]
    document = spec(source, layers=layers, training={"optimizer": {"type": "sgd", "learning_rate": 1e-3}})
    trained = specnet.run(document).model.parameters["e.dense_1.kernel"]
    assert np.ptp(trained, axis=0).min() > 0.0


@pytest.mark.parametrize("sharing", ["none", "tabm"])
def test_a_resumed_training_ends_in_the_same_bits(data, sharing, tmp_path):
    layers = [{"type": "dropout", "rate": 0.2}, *LAYERS_OF_A_MEMBER]
    document = spec(data[1], layers=layers, sharing=sharing, training={"epochs": 4, "checkpoint": {}})
    whole = specnet.run(document)
    count = itertools.count()
    specnet.run(document, out=tmp_path / "run", stop=lambda: next(count) == 4)
    resumed = specnet.run(document, resume=tmp_path / "run")
    for name, array in whole.model.parameters.items():
        np.testing.assert_array_equal(resumed.model.parameters[name], array)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layers": [{"type": "prelu"}, *LAYERS_OF_A_MEMBER]}, "prelu cannot be in an ensemble"),
        ({"layers": [{"type": "batch_norm"}, *LAYERS_OF_A_MEMBER]}, "batch_norm cannot be in an ensemble"),
        (
            {"layers": [{"type": "ensemble", "members": 2, "layers": LAYERS_OF_A_MEMBER}]},
            "ensemble cannot be in",
        ),
        ({"loss": "triplet"}, "triplet does not compare row by row"),
        ({"before": [{"type": "reshape", "shape": [2, 2]}]}, "ensemble takes rows (batch, features)"),
    ],
)
def test_networks_that_are_refused(data, changes, message):
    with pytest.raises(specnet.SpecError) as raised:
        specnet.compile(spec(data[1], **changes))
    (found,) = raised.value.diagnostics
    assert (found.code, message in found.message) == ("SN401", True), found.message


def test_no_layer_comes_behind_it(data):
    ensemble = {"type": "ensemble", "members": 2, "layers": LAYERS_OF_A_MEMBER}
    document = {"specnet": 1, "loss": "cross_entropy", "data": data[1]}
    with pytest.raises(specnet.SpecError, match="gives an output of the network, and dense takes") as raised:
        specnet.compile({**document, "layers": [ensemble, {"type": "dense", "units": 3}]})
    assert raised.value.diagnostics[0].path == ("layers", 1)


def test_a_sequential_may_contain_it_and_a_residual_not(data):
    ensemble = {"type": "ensemble", "members": 2, "layers": LAYERS_OF_A_MEMBER}
    document = {"specnet": 1, "loss": "cross_entropy", "data": data[1]}
    model = specnet.compile({**document, "layers": [{"type": "sequential", "layers": [ensemble]}]})
    assert model.predict(data[0]).shape == (ROWS, 3)
    ensemble = {**ensemble, "layers": [{"type": "dense", "units": 4}]}
    with pytest.raises(specnet.SpecError, match="residual cannot contain an ensemble"):
        specnet.compile({**document, "layers": [{"type": "residual", "layers": [ensemble]}]})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"members": 1}, "greater than or equal to 2"),
        ({"scale_init": "ones"}, "`scale_init` would be ignored"),
        ({"sharing": "tabm", "layers": [{"type": "maxout", "units": 2}]}, "must be `dense`"),
    ],
)
def test_options_that_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        LAYERS.validate({"type": "ensemble", "members": 2, "layers": LAYERS_OF_A_MEMBER, **options})


def test_several_outputs_may_be_ensembles(data):
    x, source = data

    def ensemble(name):
        layers = [{"type": "dense", "units": "auto"}]
        return {"type": "ensemble", "name": name, "members": 2, "layers": layers, "inputs": ["stem"]}

    document = {
        "specnet": 1,
        "data": source,
        "layers": [
            {"type": "dense", "name": "stem", "units": 4},
            ensemble("classes"),
            ensemble("inputs_again"),
        ],
        "outputs": {
            "classes": {"loss": "cross_entropy"},
            "inputs_again": {"target": "inputs", "loss": "mse"},
        },
        "training": {"epochs": 2},
    }
    found = specnet.run(document).model.predict(x)
    assert {name: array.shape for name, array in found.items()} == {
        "classes": (ROWS, 3),
        "inputs_again": (ROWS, 4),
    }


def test_the_plan_is_shown_without_data():
    document = {
        "specnet": 1,
        "input_shape": [4],
        "loss": "cross_entropy",
        "data": {"type": "npz", "path": "missing.npz"},
        "layers": [{"type": "ensemble", "members": 2, "layers": [{"type": "dense", "units": 3}]}],
    }
    assert not specnet.validate(document, data=False).diagnostics


@pytest.mark.parametrize("loss", ["mse", "cross_entropy", "gaussian_nll"])
def test_the_spread_is_that_of_the_members_predictions(data, loss, tmp_path):
    x, source = data
    transforms = [{"type": "standardize", "on": "targets"}] if loss != "cross_entropy" else []
    units = {"mse": 1, "cross_entropy": 3, "gaussian_nll": 2}[loss]
    layers = [{"type": "dense", "units": units}]
    document = spec({**source, "transforms": transforms}, loss=loss, layers=layers)
    model = specnet.run(document, out=tmp_path / "run").model
    each = model.outputs_of("e", x)
    y = np.load(source["path"])["targets"]
    if loss == "cross_entropy":
        each = np.exp(each) / np.exp(each).sum(-1, keepdims=True)
    else:
        each = each[..., :1] * y.std() + y.mean()
    np.testing.assert_allclose(model.predict(x), each.mean(1).reshape(model.predict(x).shape), rtol=1e-9)
    expected = each.std(1, ddof=1).reshape(model.predict(x).shape)
    np.testing.assert_allclose(model.spread(x), expected, rtol=1e-9)
    np.testing.assert_array_equal(model.spread(x), specnet.load_run(tmp_path / "run").spread(x))
    np.testing.assert_allclose(
        np.concatenate([model.spread(x[:5]), model.spread(x[5:])]), expected, rtol=1e-9
    )


def test_predictions_are_written_with_their_spread(data, tmp_path):
    x, source = data
    model = specnet.run(spec(source), out=tmp_path / "run").model
    np.save(tmp_path / "new.npy", x[:3])
    command = [sys.executable, "-m", "specnet", "predict", str(tmp_path / "run"), str(tmp_path / "new.npy")]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    head, *rows = (line.split(",") for line in done.stdout.splitlines())
    assert head == ["prediction", "P(0)", "P(1)", "P(2)", "std(P(0))", "std(P(1))", "std(P(2))"]
    written = [[float(cell) for cell in row[4:]] for row in rows]
    np.testing.assert_allclose(written, model.spread(x[:3]), rtol=1e-12)


def test_a_model_without_an_ensemble_has_no_spread(data):
    x, source = data
    document = {
        "specnet": 1,
        "loss": "cross_entropy",
        "data": source,
        "layers": [{"type": "dense", "units": 3}],
    }
    with pytest.raises(ValueError, match="not that of an `ensemble`"):
        specnet.compile(document).spread(x)
