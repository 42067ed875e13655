"""Training steps of specnet and of PyTorch, timed slice by slice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

import specnet
from benchmarks.case import PROCESSES, Peers, Setting

if TYPE_CHECKING:
    import torch

SCALE = '[{ type = "scale", factor = 0.00392156862745098 }]'

DOCUMENT = """
specnet = 1
metrics = []
data = {{ type = "npz", path = "rows.npz", transforms = {transforms} }}
layers = [{layers}]
loss = {loss}
training = {{ epochs = 100000, batch_size = {batch}, optimizer = {optimizer} }}
"""


def document(
    folder: Path,
    name: str,
    layers: str,
    batch: int,
    *,
    loss: str = '"cross_entropy"',
    optimizer: str = '"adam"',
    transforms: str = SCALE,
) -> Path:
    """Write a document that trains on the rows in `rows.npz` on and on, and return its path."""
    path = folder / f"{name}.toml"
    text = DOCUMENT.format(layers=layers, batch=batch, loss=loss, optimizer=optimizer, transforms=transforms)
    path.write_text(text, encoding="utf-8")
    return path


def images(folder: Path, rows: int, *shape: int) -> tuple[np.ndarray, np.ndarray]:
    """Write made-up rows of bytes in ten classes to `rows.npz`, and return them."""
    rng = np.random.default_rng(0)
    inputs = rng.integers(0, 256, (rows, *shape), np.uint8)
    targets = rng.integers(0, 10, rows)
    np.savez(folder / "rows.npz", inputs=inputs, targets=targets)
    return inputs, targets


def specnet_steps(
    spec: Path,
    steps: int,
    engine: str,
    threads: int | None,
    processes: int | None = None,
    **changes: object,
) -> Iterator[float]:
    """Train on and on by specnet.train, and give the seconds of a step of each slice."""
    done, began = 0, perf_counter()
    loaded = specnet.load(spec, overrides=changes)
    for event in specnet.train(loaded, engine=engine, threads=threads, distributed=processes):
        step = getattr(event, "step", 0)
        if step - done >= steps:
            yield (perf_counter() - began) / (step - done)
            done, began = step, perf_counter()


def torch_steps(
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    cost: Callable[..., torch.Tensor],
    rows: tuple[torch.Tensor, torch.Tensor],
    batch: int,
    steps: int,
) -> Iterator[float]:
    """Train on and on by PyTorch, on shuffled batches, and give the seconds of a step of each slice."""
    import torch

    x, t = rows
    total, done, began = 0.0, 0, perf_counter()
    while True:
        for chosen in torch.randperm(len(x)).split(batch):
            optimizer.zero_grad()
            loss = cost(model(x[chosen]), t[chosen])
            loss.backward()
            optimizer.step()
            total += loss.item()
            done += 1
            if done == steps:
                yield (perf_counter() - began) / done
                done, began = 0, perf_counter()


def engines(setting: Setting, spec: Path, steps: int, *, processes: bool = True, **changes: object) -> Peers:
    """Return the engines' training of a document, and that by several `processes`."""
    found: Peers = {
        engine: partial(next, specnet_steps(spec, steps, engine, setting.threads, **changes))
        for engine in setting.engines
    }
    if processes and setting.threads > 1 and "numpy" in setting.engines:
        count = setting.threads
        found[PROCESSES] = partial(next, specnet_steps(spec, steps, "numpy", 1, count, **changes))
    return found


def pytorch(
    setting: Setting,
    build: Callable[[], torch.nn.Module],
    optimizer: Callable[[Any], torch.optim.Optimizer],
    rows: tuple[torch.Tensor, torch.Tensor],
    batch: int,
    steps: int,
    cost: Callable[..., torch.Tensor] | None = None,
) -> Peers:
    """Return PyTorch's training of a network, for images in both layouts of memory."""
    import torch

    torch.set_num_threads(setting.threads)
    layouts = {"PyTorch": torch.contiguous_format}
    if rows[0].ndim == 4:
        layouts["PyTorch, channels last"] = torch.channels_last
    peers: Peers = {}
    for name, layout in layouts.items():
        for ending in ("", ", compiled") if setting.compiled else ("",):
            torch.manual_seed(0)
            model = build().to(memory_format=layout)
            x = rows[0].contiguous(memory_format=layout)
            run = torch.compile(model) if ending else model
            slices = torch_steps(
                run,
                optimizer(model.parameters()),
                cost or torch.nn.CrossEntropyLoss(),
                (x, rows[1]),
                batch,
                steps,
            )
            peers[name + ending] = partial(next, slices)
    return peers


def as_images(inputs: np.ndarray, targets: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Return bytes as PyTorch's networks take images: numbers from 0 to 1, channels first."""
    import torch

    x = torch.tensor(inputs, dtype=torch.float32)
    x = x.movedim(-1, 1) if x.ndim == 4 else x
    return (x * (1 / 255)).contiguous(), torch.tensor(targets)
