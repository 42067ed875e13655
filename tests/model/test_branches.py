"""Networks that branch: names, containers, merges, shared and frozen parameters, against PyTorch."""

from __future__ import annotations

import json

import numpy as np
import pytest

import specnet

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(7)
INPUTS, TARGETS = RNG.normal(size=(9, 3)), RNG.normal(size=(9, 2))


def dense(units, **more):
    return {"type": "dense", "units": units, "bias_init": "normal", **more}


def document(layers, **more):
    data = {"type": "inline", "inputs": INPUTS.tolist(), "targets": TARGETS.tolist()}
    return {"specnet": 1, "dtype": "float64", "data": data, "layers": layers, "loss": "mse", **more}


def compiled(layers, **more):
    return specnet.compile(specnet.load(json.dumps(document(layers, **more))))


def there(model):
    """The model's parameters as PyTorch's."""
    return {name: torch.tensor(array, requires_grad=True) for name, array in model.parameters.items()}


def affine(p, name, x):
    return x @ p[f"{name}.kernel"] + p[f"{name}.bias"]


STEM, OUT = dense(4, name="stem", activation="tanh"), dense(2, name="out")
CASES = {
    "names": (
        [
            STEM,
            dense(3, name="side"),
            dense(4, inputs=["stem"], activation="tanh", name="other"),
            {"type": "concat", "inputs": ["other", "input", "side"]},
            OUT,
        ],
        lambda p, x: affine(
            p,
            "out",
            torch.cat(
                [
                    affine(p, "other", affine(p, "stem", x).tanh()).tanh(),
                    x,
                    affine(p, "side", affine(p, "stem", x).tanh()),
                ],
                1,
            ),
        ),
    ),
    "residual": (
        [
            STEM,
            {"type": "residual", "layers": [dense(5, activation="tanh"), dense(4)], "activation": "relu"},
            OUT,
        ],
        lambda p, x: affine(
            p,
            "out",
            (
                affine(
                    p,
                    "residual_1.dense_2",
                    affine(p, "residual_1.dense_1", affine(p, "stem", x).tanh()).tanh(),
                )
                + affine(p, "stem", x).tanh()
            ).relu(),
        ),
    ),
    "shortcut": (
        [{"type": "residual", "layers": [dense(4, activation="tanh")], "shortcut": [dense(4)]}, OUT],
        lambda p, x: affine(
            p,
            "out",
            affine(p, "residual_1.dense_1", x).tanh() + affine(p, "residual_1.shortcut.dense_1", x),
        ),
    ),
    "parallel and repeat": (
        [
            {
                "type": "parallel",
                "merge": "average",
                "layers": [
                    dense(3),
                    {"type": "sequential", "repeat": 2, "layers": [dense(3, activation="tanh")]},
                ],
            },
            OUT,
        ],
        lambda p, x: affine(
            p,
            "out",
            (
                affine(p, "parallel_1.dense_1", x)
                + affine(
                    p,
                    "parallel_1.sequential_1.2.dense_1",
                    affine(p, "parallel_1.sequential_1.1.dense_1", x).tanh(),
                ).tanh()
            )
            / 2,
        ),
    ),
    "sharing": (
        [
            dense(3, name="first", activation="tanh"),
            {"type": "dense", "units": 3, "share": "first", "activation": "tanh"},
            {"type": "sequential", "name": "block", "layers": [dense(3, activation="tanh")]},
            {
                "type": "sequential",
                "share": "block",
                "layers": [{"type": "dense", "units": 3, "activation": "tanh"}],
            },
            OUT,
        ],
        lambda p, x: affine(
            p,
            "out",
            affine(
                p,
                "block.dense_1",
                affine(p, "block.dense_1", affine(p, "first", affine(p, "first", x).tanh()).tanh()).tanh(),
            ).tanh(),
        ),
    ),
}
PAIR = [STEM, dense(4, name="side", activation="tanh", inputs=["input"])]
MERGES = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "average": lambda a, b: (a + b) / 2,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "concat": lambda a, b: torch.cat([a, b], 1),
    "dot": lambda a, b: (a * b).sum(1, keepdim=True),
}
CASES |= {
    kind: (
        [*PAIR, {"type": kind, "inputs": ["stem", "side"]}, OUT],
        lambda p, x, merge=merge: affine(
            p, "out", merge(affine(p, "stem", x).tanh(), affine(p, "side", x).tanh())
        ),
    )
    for kind, merge in MERGES.items()
}
CASES["normalized dot"] = (
    [*PAIR, {"type": "dot", "inputs": ["stem", "side"], "normalize": True}, OUT],
    lambda p, x: affine(
        p,
        "out",
        torch.cosine_similarity(affine(p, "stem", x).tanh(), affine(p, "side", x).tanh())[:, None],
    ),
)


@pytest.mark.parametrize("name", CASES)
def test_loss_and_gradients(name):
    layers, forward = CASES[name]
    model = compiled(layers)
    p = there(model)
    meant = ((forward(p, torch.tensor(INPUTS)) - torch.tensor(TARGETS)) ** 2).mean()
    meant.backward()
    loss, gradients = model.loss_and_gradients(INPUTS, TARGETS)
    assert loss == pytest.approx(meant.item(), rel=1e-12)
    assert set(gradients) == set(p)
    for parameter, gradient in gradients.items():
        np.testing.assert_allclose(gradient, p[parameter].grad, 1e-9, 1e-12)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("batch", ["full", 4])
def test_three_steps(name, batch):
    layers, forward = CASES[name]
    training = {
        "epochs": 3,
        "batch_size": batch,
        "shuffle": False,
        "optimizer": {"type": "adam", "learning_rate": 0.05},
    }
    model = compiled(layers)
    p = there(model)
    optimizer = torch.optim.Adam(p.values(), lr=0.05)
    x, t = torch.tensor(INPUTS), torch.tensor(TARGETS)
    size = len(x) if batch == "full" else batch
    for _ in range(3):
        for start in range(0, len(x), size):
            optimizer.zero_grad()
            ((forward(p, x[start : start + size]) - t[start : start + size]) ** 2).mean().backward()
            optimizer.step()
    result = specnet.run(specnet.load(json.dumps(document(layers, training=training))))
    for parameter, array in result.model.parameters.items():
        np.testing.assert_allclose(array, p[parameter].detach(), 1e-8, 1e-10)


def test_frozen_layers_and_rates_of_their_own():
    layers = [
        dense(4, activation="tanh", trainable=False),
        {
            "type": "sequential",
            "learning_rate_multiplier": 0.5,
            "layers": [
                dense(4, activation="tanh"),
                dense(4, activation="tanh", learning_rate_multiplier=4.0),
            ],
        },
        dense(2),
    ]
    training = {
        "epochs": 5,
        "batch_size": "full",
        "optimizer": {"type": "adamw", "learning_rate": 0.05, "weight_decay": 0.1},
    }
    text = json.dumps(document(layers, training=training))
    model = specnet.compile(specnet.load(text))
    p = there(model)
    names = ["dense_1", "sequential_1.dense_1", "sequential_1.dense_2", "dense_2"]
    rates = [0.0, 0.025, 0.1, 0.05]
    groups = [
        {"params": [p[f"{n}.kernel"], p[f"{n}.bias"]], "lr": r}
        for n, r in zip(names, rates, strict=True)
        if r
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.1)
    for _ in range(5):
        optimizer.zero_grad()
        y = torch.tensor(INPUTS)
        for n in names[:-1]:
            y = affine(p, n, y).tanh()
        ((affine(p, "dense_2", y) - torch.tensor(TARGETS)) ** 2).mean().backward()
        optimizer.step()
    result = specnet.run(specnet.load(text))
    trained = result.model.parameters
    assert list(trained)[-2:] == ["dense_1.kernel", "dense_1.bias"]  # what is not fitted comes last
    assert result.parameter_count == 16 + 20 + 20 + 10
    for name, array in trained.items():
        np.testing.assert_allclose(array, p[name].detach(), 1e-8, 1e-10)
    np.testing.assert_array_equal(trained["dense_1.kernel"], model.parameters["dense_1.kernel"])
    _, gradients = model.loss_and_gradients(INPUTS, TARGETS)
    assert "dense_1.kernel" not in gradients


@pytest.mark.parametrize(
    "tower",
    [
        {"type": "sequential", "repeat": 2, "layers": [dense(3, activation="tanh"), {"type": "batch_norm"}]},
        {"type": "residual", "layers": [dense(3), dense(3)], "shortcut": [dense(3)], "activation": "relu"},
        {"type": "parallel", "merge": "add", "layers": [dense(3), {"type": "dense", "units": 3}]},
    ],
    ids=lambda tower: tower["type"],
)
def test_a_container_that_shares_needs_no_second_copy_of_its_layers(tower):
    """As with the copy written out, bit for bit; a third one may share with the second."""
    first = {**tower, "name": "tower"}
    plain = {key: value for key, value in tower.items() if key not in ("kernel_init", "bias_init")}

    def results(*others):
        layers = [dense(3, name="stem"), first, *others, {"type": "dense", "name": "out", "units": 2}]
        spec = specnet.load(
            {
                "specnet": 1,
                "loss": "mse",
                "data": {
                    "type": "inline",
                    "inputs": [[0.5, 1.0], [1.0, 0.0]],
                    "targets": [[0.0, 1.0], [1.0, 0.5]],
                },
                "layers": layers,
                "training": {"epochs": 3},
            }
        )
        return specnet.run(spec).parameters

    bare = {"type": tower["type"], "share": "tower"}
    found = results({**bare, "name": "second"}, {**bare, "share": "second"})
    copied = without_initial_values(plain)
    wanted = results({**copied, "share": "tower"}, {**copied, "share": "tower"})
    assert list(found) == list(wanted)
    assert all((found[name] == wanted[name]).all() for name in found)


def without_initial_values(value):
    """Layers without what only the owner of their parameters may say."""
    if isinstance(value, dict):
        return {k: without_initial_values(v) for k, v in value.items() if not k.endswith("_init")}
    return [without_initial_values(item) for item in value] if isinstance(value, list) else value


def test_a_container_without_layers_shares_with_another():
    def faults(layer):
        layers = [{"type": "sequential", "name": "tower", "layers": [{"type": "dense", "units": 1}]}, layer]
        data = {"type": "inline", "inputs": [[0.5]], "targets": [1.0]}
        report = specnet.validate({"specnet": 1, "loss": "mse", "data": data, "layers": layers})
        return [d.code for d in report.diagnostics if d.severity == "error"]

    assert faults({"type": "sequential", "share": "tower"}) == []
    assert faults({"type": "sequential"}) == ["SN203"]
    assert faults({"type": "sequential", "layers": []}) == ["SN209"]
    assert faults({"type": "sequential", "share": "tower", "repeat": 2}) == ["SN306"]
    assert faults({"type": "residual", "share": "tower"}) == ["SN306"]
    assert faults({"type": "sequential", "share": "other"}) == ["SN303"]
