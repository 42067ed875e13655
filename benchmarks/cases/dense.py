"""A dense network of MNIST's size, 784-256-128-10, compared with PyTorch and JAX, and next to a busy process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.case import Case, Peer, Peers, Setting
from benchmarks.steps import as_images, document, engines, images, pytorch, specnet_steps, torch_steps

if TYPE_CHECKING:
    import torch

ROWS = 60_000
SIZES = (784, 256, 128, 10)

LAYERS = """
    { type = "dense", units = 256, activation = "relu" },
    { type = "dense", units = 128, activation = "relu" },
    { type = "dense", units = 10 },
"""


def network() -> torch.nn.Module:
    """Return PyTorch's network."""
    from torch import nn

    return nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))


def fused(parameters: Iterator[torch.nn.Parameter]) -> torch.optim.Optimizer:
    """Return PyTorch's fastest Adam on a CPU."""
    import torch

    return torch.optim.Adam(parameters, fused=True)


def jax_steps(inputs: np.ndarray, targets: np.ndarray, batch: int) -> Iterator[float]:
    """Train on and on by JAX, a whole epoch in one compiled loop, and give the seconds of a step of each."""
    import jax
    import jax.numpy as jnp

    x, t = jnp.asarray(inputs, jnp.float32) * (1 / 255), jnp.asarray(targets)
    steps = len(x) // batch
    keys = jax.random.split(jax.random.key(0), len(SIZES))
    parameters = [
        (jax.random.normal(key, (a, b)) * (2 / a) ** 0.5, jnp.zeros(b))
        for key, a, b in zip(keys[1:], SIZES[:-1], SIZES[1:], strict=True)
    ]
    zeros = jax.tree.map(jnp.zeros_like, parameters)

    def loss(parameters: object, rows: object) -> object:
        y = x[rows]
        for number, (kernel, bias) in enumerate(parameters):
            y = y @ kernel + bias
            y = jax.nn.relu(y) if number + 2 < len(SIZES) else y
        return -jnp.take_along_axis(jax.nn.log_softmax(y), t[rows][:, None], 1).mean()

    def step(state: object, rows: object) -> object:
        parameters, first, second, count = state
        value, gradients = jax.value_and_grad(loss)(parameters, rows)
        count += 1
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradients)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradients)
        rate = 1e-3 * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        parameters = jax.tree.map(
            lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-7), parameters, first, second
        )
        return (parameters, first, second, count), value

    @partial(jax.jit, donate_argnums=0)
    def epoch(state: object, key: object) -> object:
        order = jax.random.permutation(key, len(x))[: steps * batch].reshape(steps, batch)
        return jax.lax.scan(step, state, order)

    state, key = (parameters, zeros, jax.tree.map(jnp.zeros_like, parameters), jnp.float32(0)), keys[0]
    while True:
        key, own = jax.random.split(key)
        began = perf_counter()
        state, losses = epoch(state, own)
        assert np.isfinite(np.asarray(losses)).all()
        yield (perf_counter() - began) / steps


def trained(batch: int, setting: Setting) -> Peers:
    """Return the training in batches of so many rows."""
    steps = setting.size(max(25, 12_800 // batch), 3)
    rows = images(setting.folder, setting.size(ROWS, 4 * batch), 784)
    spec = document(setting.folder, "dense", LAYERS, batch)
    peers = engines(setting, spec, steps)
    if find_spec("torch") is not None:
        peers |= pytorch(setting, network, fused, as_images(*rows), batch, steps)
    if find_spec("jax") is not None:
        peers["JAX"] = partial(next, jax_steps(*rows, batch))
    return peers


@contextmanager
def busy() -> Iterator[None]:
    """Have another process compute without rest."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def next_to_a_busy_process(setting: Setting) -> Peers:
    """Return the training while another process keeps a core busy."""
    import torch

    batch, steps = 128, setting.size(100, 3)
    inputs, targets = images(setting.folder, setting.size(ROWS, 4 * batch), 784)
    spec = document(setting.folder, "dense", LAYERS, batch)
    x = as_images(inputs, targets)

    def theirs(threads: int) -> Callable[[], float]:
        model = network()
        slices = torch_steps(model, fused(model.parameters()), torch.nn.CrossEntropyLoss(), x, batch, steps)

        def measure() -> float:
            torch.set_num_threads(threads)
            return next(slices)

        return measure

    def beside(measure: Callable[[], float]) -> Callable[[], float]:
        def measured() -> float:
            with busy():
                return measure()

        return measured

    alone = {
        f"{engine}, one thread": partial(next, specnet_steps(spec, steps, engine, 1))
        for engine in setting.engines
    }
    variants = {f"PyTorch, threads {number}": theirs(number) for number in range(1, setting.threads + 1)}
    peers = {**engines(setting, spec, steps, processes=False), **alone, **variants}
    return {name: beside(measure) for name, measure in peers.items()}


CASES = [
    *(
        Case(
            f"mlp-{batch}",
            f"784-256-128-10, Adam, batches of {batch}",
            (Peer("PyTorch", *torch_wanted), Peer("JAX", *jax_wanted, needs="jax")),
            partial(trained, batch),
        )
        for batch, torch_wanted, jax_wanted in (
            (128, (1.6, 2.0), (0.85, 1.1)),
            (16, (2.0, 3.5), (0.5, 1.0)),
            (1024, (1.3, 1.4), (0.95, 1.05)),
        )
    ),
    Case(
        "mlp-busy",
        "784-256-128-10, Adam, batches of 128, while another process keeps a core busy",
        (Peer("{engine}, one thread", 0.9, 0.9), Peer("PyTorch", 1.0, 1.0)),
        next_to_a_busy_process,
    ),
]
