"""Recurrent networks and a character transformer: a training step of specnet and of PyTorch.

The recurrent networks read 28 steps of 28 features (width 128, batch 64, a dense layer of 10 behind the last step,
Adam); the transformer has 4 blocks of 4 heads, width 128, 64 steps, batch 12 and 65 tokens (AdamW). PyTorch runs
eagerly, with fused attention and fused optimizers; all is float32. The bare products are all matrix products of
specnet's step, of the same shapes and as often, and nothing else.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import specnet
from specnet.engines.blas import limited
from specnet.engines.workers import Workers
from specnet.graph import ops
from specnet.graph.graph import Graph
from specnet.graph.sizes import Sizes, at, part_sizes
from specnet.model.compiled import CompiledModel
from specnet.model.plans import plan_training
from specnet.passes.plan import Plan
from specnet.training.program import BoundTraining

WIDTH, TOKENS, BLOCK, HEADS, BLOCKS = 128, 65, 64, 4, 4
STEPS = {"lstm": 10, "gru": 10, "transformer": 3}
"""Steps of a slice."""

BATCH = {"lstm": 64, "gru": 64, "transformer": 12}

RECURRENT = """
specnet = 1
metrics = []
data = {{ type = "npz", path = "rows.npz" }}
layers = [{{ type = "{kind}", units = 128 }}, {{ type = "dense", units = 10 }}]
loss = "cross_entropy"
training = {{ epochs = 1000, batch_size = 64, optimizer = "adam" }}
"""

TRANSFORMER = """
specnet = 1
metrics = []
data = { type = "npz", path = "rows.npz" }
layers = [
    { type = "embedding", input_dim = 65, output_dim = 128 },
    { type = "positional_embedding" },
    { type = "sequential", repeat = 4, layers = [{ type = "transformer_block", heads = 4, causal = true }] },
    { type = "layer_norm" },
    { type = "dense", units = 65 },
]
loss = "cross_entropy"
training = { epochs = 1000, batch_size = 12, optimizer = "adamw" }
"""


def rows(kind: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return made-up inputs and targets."""
    rng = np.random.default_rng(0)
    if kind == "transformer":
        return rng.integers(0, TOKENS, (count, BLOCK)), rng.integers(0, TOKENS, (count, BLOCK))
    return rng.standard_normal((count, 28, 28)).astype(np.float32), rng.integers(0, 10, count)


# specnet


def training(kind: str, threads: int, engine: str) -> tuple[Plan, Callable[[], object]]:
    """Return the plan of a training step, and the step over one batch."""
    batch = BATCH[kind]
    inputs, targets = rows(kind, 10 * batch)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "rows.npz", inputs=inputs, targets=targets)
        text = TRANSFORMER if kind == "transformer" else RECURRENT.format(kind=kind)
        (folder / "document.toml").write_text(text, encoding="utf-8")
        model = specnet.compile(specnet.load(folder / "document.toml"), threads=threads, engine=engine)
        assert isinstance(model, CompiledModel)
    plans = plan_training(model.network, {"train": len(inputs)}, units=False)
    bound = BoundTraining(model, plans).bind(batch, {"inputs": inputs[:batch], "targets": targets[:batch]})
    assert plans.step.numbers == ("step",)
    count = iter(range(1, 1_000_000_000))
    return plans.step, lambda: bound.step(next(count))


# Bare products


def products(graph: Graph, sizes: Sizes, workers: int, times: int = 1) -> Iterator[tuple[int, list[Any]]]:
    """Yield how often each matrix product of a step is computed, and its operands and result, as arrays."""
    for node in graph:
        if node.op is ops.MATMUL:
            settings = ops.MATMUL.of(node)
            arrays = [
                np.random.default_rng(0).standard_normal(at(v.shape, sizes)).astype(v.dtype)
                for v in (*node.inputs, node.value)
            ]
            for place, turned in enumerate((settings.a_t, settings.b_t)):
                if turned:
                    arrays[place] = arrays[place].swapaxes(-1, -2)
            yield times, arrays
        elif node.op is ops.SCAN:
            (length,) = at((ops.SCAN.of(node).length,), sizes)
            yield from products(ops.SCAN.of(node).body, sizes, workers, times * length)
        elif node.op is ops.SHARD:
            yield from products(ops.SHARD.of(node).body, part_sizes(sizes, workers), workers, times)


def bare(plan: Plan) -> Callable[[], None]:
    """Return what computes all products of a step, each worker those of its rows."""
    count = max(plan.workers, 1)
    workers = Workers(count)
    each = [list(products(plan.graph, plan.sizes, count)) for _ in range(count)]

    def work(worker: int) -> None:
        for times, (a, b, out) in each[worker]:
            product = np.dot if out.ndim == 2 else np.matmul
            for _ in range(times):
                product(a, b, out)

    def step() -> None:
        with limited(1):
            workers.run(work, count)

    return step


# PyTorch


class Recurrent(nn.Module):
    """A recurrent layer, and a dense one behind its last step."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.layer = {"lstm": nn.LSTM, "gru": nn.GRU}[kind](28, WIDTH, batch_first=True)
        self.dense = nn.Linear(WIDTH, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        return self.dense(self.layer(x)[0][:, -1])


class Block(nn.Module):
    """Attention and a network of two layers, both behind a layer_norm and added to what they get."""

    def __init__(self) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)])
        self.attention, self.output = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.hidden, self.back = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the next block gets."""
        batch, steps, _ = x.shape
        parts = self.attention(self.norms[0](x)).split(WIDTH, 2)
        q, k, v = (part.view(batch, steps, HEADS, WIDTH // HEADS).transpose(1, 2) for part in parts)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.output(mixed.transpose(1, 2).reshape(batch, steps, WIDTH))
        return x + self.back(functional.gelu(self.hidden(self.norms[1](x))))


class Transformer(nn.Module):
    """The network of `TRANSFORMER`."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(TOKENS, WIDTH), nn.Embedding(BLOCK, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(BLOCKS)))
        self.norm, self.dense = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, TOKENS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits of each step, the classes on the second axis."""
        y = self.blocks(self.tokens(x) + self.places.weight)
        return self.dense(self.norm(y)).transpose(1, 2)


def pytorch(kind: str) -> Callable[[], float]:
    """Return PyTorch's step over one batch."""
    torch.manual_seed(0)
    x, t = map(torch.tensor, rows(kind, BATCH[kind]))
    if kind == "transformer":
        model: nn.Module = Transformer()
        optimizer: torch.optim.Optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    else:
        model = Recurrent(kind)
        optimizer = torch.optim.Adam(model.parameters(), fused=True)

    def step() -> float:
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def taken(step: Callable[[], object], steps: int) -> Callable[[], float]:
    """Return what gives the seconds of a step, the mean of several."""

    def measure() -> float:
        began = perf_counter()
        for _ in range(steps):
            step()
        return (perf_counter() - began) / steps

    return measure
