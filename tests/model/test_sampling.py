"""Networks with a `sample` layer: its divergence is a part of the loss, in training and in evaluation."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import specnet
from specnet.engines.random import stream

torch = pytest.importorskip("torch")
D = torch.distributions

RNG = np.random.default_rng(2)
INPUTS = RNG.normal(size=(7, 5))
LAYERS = [
    {"type": "dense", "units": 6, "bias_init": "normal"},
    {"type": "sample"},
    {"type": "dense", "units": 5},
]


def document(loss: Any, kl_weight: float = 1.0, **training: Any) -> str:
    layers = [LAYERS[0], {**LAYERS[1], "kl_weight": kl_weight}, LAYERS[2]]
    data = {"type": "inline", "inputs": INPUTS.tolist(), "targets": INPUTS.tolist()}
    spec = {"specnet": 1, "dtype": "float64", "seed": 3, "data": data, "layers": layers, "loss": loss}
    optimizer = {"type": "sgd", "learning_rate": 0.1}
    return json.dumps({**spec, "training": {"optimizer": optimizer, "shuffle": False, **training}})


def by_pytorch(p, x, kl_weight, noise=None, *, summed=False, scale=1.0):
    """Return the loss, with the divergence from PyTorch's distributions."""
    y = x @ p["dense_1.kernel"] + p["dense_1.bias"]
    mean, deviation = y[:, :3], torch.exp(y[:, 3:] / 2)
    z = mean if noise is None else mean + deviation * noise
    cost = (z @ p["dense_2.kernel"] + p["dense_2.bias"] - x) ** 2
    kl = D.kl_divergence(D.Normal(mean, deviation), D.Normal(0.0, 1.0)).sum(1) * kl_weight
    return cost.sum() * scale + kl.sum() if summed else cost.mean() * scale + kl.mean()


def as_torch(parameters):
    return {name: torch.tensor(np.array(a), requires_grad=True) for name, a in parameters.items()}


@pytest.mark.parametrize("kl_weight", [0.0, 0.3])
@pytest.mark.parametrize(("reduction", "scale"), [("mean", 1.0), ("mean", 5.0), ("sum", 0.5)])
def test_loss_and_gradients(kl_weight, reduction, scale):
    model = specnet.compile(
        specnet.load(document({"type": "mse", "reduction": reduction, "scale": scale}, kl_weight))
    )
    p = as_torch(model.parameters)
    theirs = by_pytorch(p, torch.tensor(INPUTS), kl_weight, summed=reduction == "sum", scale=scale)
    theirs.backward()
    loss, gradients = model.loss_and_gradients(INPUTS, INPUTS)
    assert loss == pytest.approx(theirs.item(), rel=1e-12)
    for name, array in p.items():
        np.testing.assert_allclose(gradients[name], array.grad, 1e-10, 1e-13, err_msg=name)


def test_training_in_batches_draws_noise_and_evaluation_does_not():
    text = document("mse", 0.3, batch_size=3, epochs=2)
    spec = specnet.load(text)
    p = as_torch(specnet.compile(spec).parameters)
    optimizer = torch.optim.SGD(p.values(), lr=0.1)
    generator = stream(3, "sample_1/noise")
    losses = []
    for _ in range(2):
        total = 0.0
        for start in range(0, 7, 3):
            x = torch.tensor(INPUTS[start : start + 3])
            loss = by_pytorch(p, x, 0.3, torch.tensor(generator.standard_normal((len(x), 3))))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        losses.append(total / 7)
    events = list(specnet.train(spec))
    ended = [event.loss for event in events if isinstance(event, specnet.EpochEnded)]
    np.testing.assert_allclose(ended, losses, 1e-10)
    model = events[0].model
    for name, array in p.items():
        np.testing.assert_allclose(model.parameters[name], array.detach(), 1e-9, 1e-12)
    evaluated = specnet.run(spec).splits["train"]["loss"]
    assert evaluated == pytest.approx(by_pytorch(p, torch.tensor(INPUTS), 0.3).item(), rel=1e-10)


def test_the_loss_of_several_outputs_has_the_divergence_once():
    outputs = {
        "first": {"layer": "dense_2", "target": "inputs", "loss": "mse", "weight": 2.0},
        "second": {"layer": "dense_2", "target": "inputs", "loss": "mae"},
    }
    spec = {**json.loads(document("mse", 0.3)), "outputs": outputs}
    del spec["loss"]
    model = specnet.compile(specnet.load(json.dumps(spec)))
    p = as_torch(model.parameters)
    x = torch.tensor(INPUTS)
    y = (x @ p["dense_1.kernel"] + p["dense_1.bias"])[:, :3] @ p["dense_2.kernel"] + p["dense_2.bias"]
    mse, mae = ((y - x) ** 2).mean(), (y - x).abs().mean()
    divergence = by_pytorch(p, x, 0.3) - mse
    loss, _ = model.loss_and_gradients(INPUTS, {"first": INPUTS, "second": INPUTS})
    assert loss == pytest.approx((2.0 * mse + mae + divergence).item(), rel=1e-12)


def test_predictions_are_made_of_the_mean():
    model = specnet.compile(specnet.load(document("mse")))
    p = model.parameters
    mean = (INPUTS @ p["dense_1.kernel"] + p["dense_1.bias"])[:, :3]
    np.testing.assert_allclose(model.predict(INPUTS), mean @ p["dense_2.kernel"] + p["dense_2.bias"], 1e-12)


def test_the_divergence_of_a_row_has_the_row_s_weight():
    model = specnet.compile(specnet.load(document("mse", 0.3)))
    p, weights = as_torch(model.parameters), np.array([1.0, 2.0, 0.0, 1.0, 3.0, 0.5, 0.5])
    rows = torch.stack([by_pytorch(p, torch.tensor(INPUTS[i : i + 1]), 0.3) for i in range(7)])
    loss, _ = model.loss_and_gradients(INPUTS, INPUTS, weights=weights)
    theirs = (rows * torch.tensor(weights)).sum() / weights.sum()
    assert loss == pytest.approx(theirs.item(), rel=1e-12)
