"""How fast specnet trains a small convolutional network, beside PyTorch.

    python benchmarks/convolution.py              # half a minute
    python benchmarks/convolution.py --resnet     # a small residual network too: some minutes more

Needs torch. The network is the convnet of Keras's examples (conv 32, pool, conv 64, pool, dropout, dense 10) on rows of
MNIST's shape, batch 64, Adam, float32. PyTorch runs it eagerly, with its fused Adam, in both layouts of memory
that it knows; all use the same number of threads. The residual network is that of specs/fashion-resnet.toml without its
augmentation, batch 128, SGD with Nesterov's momentum.
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
RESNET_BATCH, RESNET_STEPS = 128, 5
RESNET = Path(__file__).parents[1] / "specs" / "fashion-resnet.toml"

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


def specnet_steps(document: Path, steps: int = STEPS, **changes: object) -> Iterator[float]:
    """Train on and on by specnet.train, and give the milliseconds of a step, slice by slice."""
    done, began = 0, perf_counter()
    for event in specnet.train(specnet.load(document, overrides=changes)):
        step = getattr(event, "step", 0)
        if step - done >= steps:
            yield 1e3 * (perf_counter() - began) / (step - done)
            done, began = step, perf_counter()


def convnet() -> torch.nn.Module:
    """Return the network of `DOCUMENT`."""
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(1600, 10),
    )


class Residual(torch.nn.Module):
    """Two convolutions of 3 x 3, and a way round them."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        nn, stride = torch.nn, 1 if channels == filters else 2
        self.main = nn.Sequential(
            nn.Conv2d(channels, filters, 3, stride, 1, bias=False),
            nn.BatchNorm2d(filters),
            nn.ReLU(),
            nn.Conv2d(filters, filters, 3, 1, 1, bias=False),
            nn.BatchNorm2d(filters),
        )
        around = nn.Sequential(nn.Conv2d(channels, filters, 1, stride, bias=False), nn.BatchNorm2d(filters))
        self.around = nn.Identity() if stride == 1 else around

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the sum of both ways."""
        return torch.relu(self.main(x) + self.around(x))


def resnet() -> torch.nn.Module:
    """Return the network of specs/fashion-resnet.toml."""
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 24, 3, 1, 1, bias=False),
        nn.BatchNorm2d(24),
        nn.ReLU(),
        Residual(24, 24),
        Residual(24, 48),
        Residual(48, 96),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(96, 10),
    )


def pytorch_steps(
    inputs: np.ndarray, targets: np.ndarray, layout: torch.memory_format, *, residual: bool = False
) -> Iterator[float]:
    """Train on and on by PyTorch, on shuffled batches, and give the milliseconds of a step, slice by slice."""
    torch.manual_seed(0)
    x = torch.tensor(inputs, dtype=torch.float32).movedim(-1, 1) * (1 / 255)
    x, t = x.contiguous(memory_format=layout), torch.tensor(targets)
    model = (resnet() if residual else convnet()).to(memory_format=layout)
    if residual:
        optimizer = torch.optim.SGD(
            model.parameters(), 0.1, momentum=0.9, nesterov=True, weight_decay=5e-4, fused=True
        )
    else:
        optimizer = torch.optim.Adam(model.parameters(), fused=True)
    batch, steps = (RESNET_BATCH, RESNET_STEPS) if residual else (BATCH, STEPS)
    cost = torch.nn.CrossEntropyLoss()
    total, done, began = 0.0, 0, perf_counter()
    while True:
        for rows in torch.randperm(ROWS).split(batch):
            optimizer.zero_grad()
            loss = cost(model(x[rows]), t[rows])
            loss.backward()
            optimizer.step()
            total += loss.item()
            done += 1
            if done == steps:
                yield 1e3 * (perf_counter() - began) / done
                done, began = 0, perf_counter()


def timed(
    inputs: np.ndarray, targets: np.ndarray, ours: Iterator[float], rounds: int, *, residual: bool = False
) -> dict[str, list[float]]:
    """Return what specnet's steps take, and PyTorch's in both layouts, in turn."""
    slices = {
        "specnet": ours,
        "PyTorch": pytorch_steps(inputs, targets, torch.contiguous_format, residual=residual),
        "PyTorch, channels_last": pytorch_steps(inputs, targets, torch.channels_last, residual=residual),
    }
    return in_turn({name: lambda own=own: next(own) for name, own in slices.items()}, rounds)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=40, help=f"rounds of {STEPS} steps each (40)")
    parser.add_argument("--resnet", action="store_true", help="time a small residual network as well")
    options = parser.parse_args()
    before = machine("numpy", "torch")
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    rng = np.random.default_rng(0)
    inputs = rng.integers(0, 256, (ROWS, 28, 28, 1), np.uint8)
    targets = rng.integers(0, 10, ROWS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        document = folder / "convnet.toml"
        document.write_text(DOCUMENT, encoding="utf-8")
        np.savez(folder / "rows.npz", inputs=inputs, targets=targets)
        figures = timed(inputs, targets, specnet_steps(document), options.rounds)
        print(table(f"convnet, batch {BATCH}, Adam, float32", figures, times="ms per step"), end="\n\n")
        if options.resnet:
            data = {
                "type": "npz",
                "path": str(folder / "rows.npz"),
                "transforms": [{"type": "scale", "factor": 1 / 255}],
            }
            ours = specnet_steps(RESNET, RESNET_STEPS, data=data, metrics=[], **{"training.epochs": 1000})
            figures = timed(inputs, targets, ours, options.rounds, residual=True)
            title = f"residual network, batch {RESNET_BATCH}, SGD, float32"
            print(table(title, figures, times="ms per step"), end="\n\n")
    print(f"Before: {before}")
    print(f"After:  {machine('numpy', 'torch')}")


if __name__ == "__main__":
    main()
