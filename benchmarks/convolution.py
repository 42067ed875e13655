"""How fast specnet trains a small convolutional network, beside PyTorch.

    python benchmarks/convolution.py    # half a minute

Needs torch. The network is the convnet of Keras's examples (conv 32, pool, conv 64, pool, dropout, dense 10) on rows of
MNIST's shape, batch 64, Adam, float32. PyTorch runs it eagerly, with its fused Adam, in both layouts of memory
that it knows; all use the same number of threads.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from side_by_side import in_turn, machine, table

import specnet

ROWS, BATCH, STEPS = 6_400, 64, 25

DOCUMENT = """
specnet = 1
metrics = []
data = { type = "npz", path = "rows.npz", transforms = [{ type = "scale", factor = 0.00392156862745098 }] }
layers = [
    { type = "conv2d", filters = 32, kernel_size = 3, activation = "relu" },
    { type = "max_pooling2d" },
    { type = "conv2d", filters = 64, kernel_size = 3, activation = "relu" },
    { type = "max_pooling2d" },
    { type = "flatten" },
    { type = "dropout", rate = 0.5 },
    { type = "dense", units = 10 },
]
loss = "cross_entropy"
training = { epochs = 1000, batch_size = 64, optimizer = "adam" }
"""


def specnet_steps(document: Path) -> Iterator[float]:
    """Train on and on by specnet.train, and give the milliseconds of a step, slice by slice."""
    done, began = 0, perf_counter()
    for event in specnet.train(specnet.load(document)):
        step = getattr(event, "step", 0)
        if step - done >= STEPS:
            yield 1e3 * (perf_counter() - began) / (step - done)
            done, began = step, perf_counter()


def pytorch_steps(inputs: np.ndarray, targets: np.ndarray, layout: torch.memory_format) -> Iterator[float]:
    """Train on and on by PyTorch, on shuffled batches, and give the milliseconds of a step, slice by slice."""
    torch.manual_seed(0)
    x = torch.tensor(inputs, dtype=torch.float32).movedim(-1, 1) * (1 / 255)
    x, t = x.contiguous(memory_format=layout), torch.tensor(targets)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 32, 3),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(32, 64, 3),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Dropout(0.5),
        torch.nn.Linear(1600, 10),
    ).to(memory_format=layout)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    cost = torch.nn.CrossEntropyLoss()
    total, done, began = 0.0, 0, perf_counter()
    while True:
        for rows in torch.randperm(ROWS).split(BATCH):
            optimizer.zero_grad()
            loss = cost(model(x[rows]), t[rows])
            loss.backward()
            optimizer.step()
            total += loss.item()
            done += 1
            if done == STEPS:
                yield 1e3 * (perf_counter() - began) / done
                done, began = 0, perf_counter()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=40, help=f"rounds of {STEPS} steps each (40)")
    options = parser.parse_args()
    before = machine("numpy", "torch")
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    rng = np.random.default_rng(0)
    inputs = rng.integers(0, 256, (ROWS, 28, 28, 1), np.uint8)
    targets = rng.integers(0, 10, ROWS)
    with tempfile.TemporaryDirectory() as name:
        document = Path(name) / "convnet.toml"
        document.write_text(DOCUMENT, encoding="utf-8")
        np.savez(document.parent / "rows.npz", inputs=inputs, targets=targets)
        slices = {
            "specnet": specnet_steps(document),
            "PyTorch": pytorch_steps(inputs, targets, torch.contiguous_format),
            "PyTorch, channels_last": pytorch_steps(inputs, targets, torch.channels_last),
        }
        peers = {name: lambda own=own: next(own) for name, own in slices.items()}
        figures = in_turn(peers, options.rounds)
    print(table(f"convnet, batch {BATCH}, Adam, float32", figures, times="ms a step"), end="\n\n")
    print(f"Before: {before}")
    print(f"After:  {machine('numpy', 'torch')}")


if __name__ == "__main__":
    main()
