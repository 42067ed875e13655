"""The 4-2-1 program of specs/mlp.toml, 8 rows and 13 parameters in float64, compared with what others write for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

import numpy as np

import specnet
from benchmarks.case import Case, Peer, Peers, Setting

SPEC = Path(__file__).parents[2] / "specs" / "mlp.toml"

Train = Callable[[int], np.ndarray]
"""Trains for so many epochs, and returns the last kernel."""


def start() -> tuple[np.ndarray, ...]:
    """Return the inputs, targets and starting parameters of specs/mlp.toml."""
    spec = specnet.load(SPEC)
    parameters = [array.copy() for array in specnet.compile(spec).parameters.values()]
    return np.array(spec.data.inputs, float), np.array(spec.data.targets, float).reshape(-1, 1), *parameters


def plain_numpy(epochs: int) -> np.ndarray:
    """Train as the tutorial does: forward, backward by hand, update."""
    x, t, w1, b1, w2, b2 = start()
    losses = []
    for _ in range(epochs):
        h = 1 / (1 + np.exp(-(np.dot(x, w1) + b1)))
        y = 1 / (1 + np.exp(-(np.dot(h, w2) + b2)))
        error = y - t
        losses.append(0.5 * np.sum(error**2))
        d2 = error * y * (1 - y)
        d1 = np.dot(d2, w2.T) * h * (1 - h)
        w2 -= 0.05 * np.dot(h.T, d2)
        b2 -= 0.05 * np.sum(d2, axis=0)
        w1 -= 0.05 * np.dot(x.T, d1)
        b1 -= 0.05 * np.sum(d1, axis=0)
    return w2


def pytorch(epochs: int) -> np.ndarray:
    """Train with PyTorch's modules, autograd and SGD."""
    import torch

    x, t, *parameters = (torch.tensor(array) for array in start())
    model = torch.nn.Sequential(
        torch.nn.Linear(4, 2), torch.nn.Sigmoid(), torch.nn.Linear(2, 1), torch.nn.Sigmoid()
    ).double()
    with torch.no_grad():
        for own, given in zip(model.parameters(), parameters, strict=True):
            own.copy_(given.T if given.ndim == 2 else given)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    losses = []
    for _ in range(epochs):
        optimizer.zero_grad()
        loss = 0.5 * ((model(x) - t) ** 2).sum()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model[2].weight.detach().numpy().T


class Jax:
    """All epochs as one compiled loop of JAX."""

    def __init__(self) -> None:
        import jax

        self.compiled: dict[int, Callable[..., object]] = {}
        self.jax = jax

    def __call__(self, epochs: int) -> np.ndarray:
        """Train, and return the last kernel; the first call of a number of epochs compiles."""
        with self.jax.enable_x64(True):
            x, t, *parameters = start()
            if epochs not in self.compiled:
                self.compiled[epochs] = self.jax.jit(partial(self._train, epochs))
            parameters, losses = self.compiled[epochs](x, t, parameters)
            np.asarray(losses)
            return np.asarray(parameters[2])

    def _train(self, epochs: int, x: object, t: object, parameters: object) -> object:
        jax = self.jax

        def loss(parameters: object) -> object:
            w1, b1, w2, b2 = parameters
            h = jax.nn.sigmoid(x @ w1 + b1)
            return 0.5 * ((jax.nn.sigmoid(h @ w2 + b2) - t) ** 2).sum()

        def epoch(parameters: object, _: object) -> object:
            value, gradients = jax.value_and_grad(loss)(parameters)
            return [p - 0.05 * g for p, g in zip(parameters, gradients, strict=True)], value

        return jax.lax.scan(epoch, parameters, None, epochs)


def with_specnet(engine: str, epochs: int) -> np.ndarray:
    """Train with specnet.run, everything from the file on included."""
    spec = specnet.load(SPEC, overrides={"training.epochs": epochs})
    return specnet.run(spec, engine=engine).model.parameters["dense_2.kernel"]


def check(peers: dict[str, Train]) -> None:
    """Raise AssertionError unless all end at the same numbers."""
    first, *others = [train(2_000) for train in peers.values()]
    for other in others:
        np.testing.assert_allclose(other, first, rtol=1e-9)


def timed(train: Train, epochs: int) -> Callable[[], float]:
    """Return what measures the seconds of an epoch."""

    def measure() -> float:
        began = perf_counter()
        train(epochs)
        return (perf_counter() - began) / epochs

    return measure


def _all(setting: Setting) -> dict[str, Train]:
    ours: dict[str, Train] = {engine: partial(with_specnet, engine) for engine in setting.engines}
    peers = {**ours, "plain NumPy": plain_numpy}
    if find_spec("torch") is not None:
        peers["PyTorch"] = pytorch
    if find_spec("jax") is not None:
        peers["JAX"] = Jax()
    check(peers)
    return peers


def from_the_file(setting: Setting) -> Peers:
    """Return the whole program, reading, validating and compiling the document included."""
    epochs = setting.size(20_000, 500)
    peers = {name: train for name, train in _all(setting).items() if name != "JAX"}
    return {name: timed(train, epochs) for name, train in peers.items()}


def training_alone(setting: Setting) -> Peers:
    """Return the epochs alone."""
    epochs = setting.size(20_000, 500)

    def steady(engine: str) -> float:
        spec = specnet.load(SPEC, overrides={"training.epochs": epochs})
        return specnet.run(spec, engine=engine).seconds / epochs

    peers = {name: timed(train, epochs) for name, train in _all(setting).items()}
    return peers | {engine: partial(steady, engine) for engine in setting.engines}


CASES = [
    Case(
        "4-2-1-file",
        "4-2-1, 20,000 epochs, float64, from the file on",
        (Peer("plain NumPy", 2.2, needs=""), Peer("PyTorch", 12.0)),
        from_the_file,
        unit="epoch",
        rounds=5,
    ),
    Case(
        "4-2-1-loop",
        "4-2-1, 20,000 epochs, float64, the training alone",
        (
            Peer("plain NumPy", None, 40.0, needs=""),
            Peer("PyTorch", None, 300.0),
            Peer("JAX", None, 3.0, needs="jax"),
        ),
        training_alone,
        unit="epoch",
        rounds=5,
    ),
]
