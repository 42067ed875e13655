"""Whole networks, compiled from documents: loss and gradients against PyTorch, for each loss and activation."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

import specnet

torch = pytest.importorskip("torch")
F = torch.nn.functional

RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(9, 3))
HIDDEN = {
    "linear": lambda x: x,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "selu": F.selu,
    "gelu": F.gelu,
    "silu": F.silu,
    "mish": F.mish,
    "softplus": F.softplus,
    "softsign": F.softsign,
    "hard_tanh": F.hardtanh,
    "relu6": F.relu6,
}


@dataclass(frozen=True)
class Case:
    loss: str
    last: str
    targets: np.ndarray
    meant: Callable
    units: int = 3


CASES = [
    Case("mse", "linear", RNG.normal(size=(9, 3)), F.mse_loss),
    Case("mae", "linear", RNG.normal(size=(9, 3)), F.l1_loss),
    Case("huber", "tanh", RNG.normal(size=(9, 3)), lambda y, t: F.huber_loss(y.tanh(), t)),
    Case("log_cosh", "linear", RNG.normal(size=9), lambda y, t: (y[:, 0] - t).cosh().log().mean(), 1),
    Case("cross_entropy", "linear", RNG.integers(0, 3, 9), F.cross_entropy),
    Case("cross_entropy", "softmax", RNG.integers(0, 3, 9), F.cross_entropy),
    Case("cross_entropy", "log_softmax", RNG.integers(0, 3, 9), F.cross_entropy),
    Case("cross_entropy", "softmax", np.eye(3)[RNG.integers(0, 3, 9)], F.cross_entropy),
    Case(
        "binary_cross_entropy",
        "sigmoid",
        RNG.integers(0, 2, (9, 3)),
        lambda y, t: F.binary_cross_entropy_with_logits(y, t.double()),
    ),
    Case(
        "binary_cross_entropy",
        "linear",
        RNG.integers(0, 2, 9),
        lambda y, t: F.binary_cross_entropy_with_logits(y[:, 0], t.double()),
        1,
    ),
    Case("hinge", "linear", RNG.integers(0, 2, 9), lambda y, t: (1 - (2 * t - 1) * y[:, 0]).relu().mean(), 1),
    Case(
        "squared_hinge",
        "linear",
        RNG.integers(0, 2, 9),
        lambda y, t: ((1 - (2 * t - 1) * y[:, 0]).relu() ** 2).mean(),
        1,
    ),
    Case(
        "kl_divergence",
        "softmax",
        RNG.dirichlet(np.ones(3), 9),
        lambda y, t: F.kl_div(F.log_softmax(y, -1), t, reduction="batchmean"),
    ),
    Case("poisson", "linear", RNG.integers(0, 5, 9), lambda y, t: F.poisson_nll_loss(y[:, 0], t.double()), 1),
]


def document(case, hidden, dtype):
    layers = [
        {"type": "dense", "units": 5, "activation": hidden, "bias_init": "normal"},
        {"type": "dense", "units": case.units, "activation": case.last, "bias_init": "normal"},
    ]
    data = {"type": "inline", "inputs": INPUTS.tolist(), "targets": case.targets.tolist()}
    return json.dumps({"specnet": 1, "dtype": dtype, "data": data, "layers": layers, "loss": case.loss})


def differences(case, hidden, dtype):
    """Return how far the loss, and each gradient, is from PyTorch's in float64, relative to its largest element."""
    model = specnet.compile(specnet.load(document(case, hidden, dtype)))
    loss, gradients = model.loss_and_gradients(INPUTS, case.targets)
    parameters = {
        name: torch.tensor(np.array(value, "float64"), requires_grad=True)
        for name, value in model.parameters.items()
    }
    between = HIDDEN[hidden](torch.tensor(INPUTS) @ parameters["dense_1.kernel"] + parameters["dense_1.bias"])
    output = between @ parameters["dense_2.kernel"] + parameters["dense_2.bias"]
    meant = case.meant(output, torch.tensor(case.targets))
    meant.backward()
    yield abs(loss / meant.item() - 1.0)
    for name, parameter in parameters.items():
        theirs = parameter.grad.numpy()
        yield np.abs(gradients[name] - theirs).max() / np.abs(theirs).max()


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.loss}-{c.last}")
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-11), ("float32", 1e-5)])
def test_every_loss(case, dtype, tolerance):
    assert max(differences(case, "tanh", dtype)) < tolerance


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("case", [CASES[0], CASES[5]], ids=["mse", "cross_entropy"])
def test_every_activation_between_layers(hidden, case):
    assert max(differences(case, hidden, "float64")) < 1e-11
