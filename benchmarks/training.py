"""How fast specnet trains, beside PyTorch and beside the plain NumPy that a person would write.

    python benchmarks/training.py            # both tables, a minute or two
    python benchmarks/training.py --small    # only the 4-2-1 program
    python benchmarks/training.py --large    # only the 784-256-128-10 network
    python benchmarks/training.py --large --batch 16 --busy 1    # in small batches, next to a busy process

Needs torch. All peers do the same maths on the same numbers, and the small one's results are compared.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from side_by_side import in_turn, machine, table

import specnet

SPEC = Path(__file__).parent.parent / "specs" / "mlp.toml"
EPOCHS = 20_000
SLICE = 1_000
ROWS, STEPS = 60_000, 25

# The 4-2-1 program


def start() -> tuple[np.ndarray, ...]:
    """Return the inputs, targets and starting parameters of specs/mlp.toml."""
    spec = specnet.load(SPEC)
    parameters = [array.copy() for array in specnet.compile(spec).parameters.values()]
    return np.array(spec.data.inputs, float), np.array(spec.data.targets, float).reshape(-1, 1), *parameters


def plain_numpy(epochs: int) -> np.ndarray:
    """Train as the tutorial does: forward, backward by hand, update; return the last kernel."""
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
    """Train with PyTorch's modules, autograd and SGD; return the last kernel."""
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


def with_specnet(epochs: int) -> np.ndarray:
    """Train with specnet.run, everything from the file on included; return the last kernel."""
    result = specnet.run(specnet.load(SPEC, overrides={"training.epochs": epochs}))
    return result.model.parameters["dense_2.kernel"]


def rate(train: Callable[[int], np.ndarray], epochs: int) -> Callable[[], float]:
    """Return what measures epochs a second."""

    def measure() -> float:
        began = perf_counter()
        train(epochs)
        return epochs / (perf_counter() - began)

    return measure


def small(rounds: int) -> None:
    """Compare the 4-2-1 program: the whole of it, and short slices of its training."""
    peers = {"specnet": with_specnet, "PyTorch": pytorch, "plain NumPy": plain_numpy}
    ends = [train(2_000) for train in peers.values()]
    for end in ends[1:]:
        np.testing.assert_allclose(end, ends[0], rtol=1e-9)
    whole = in_turn({name: rate(train, EPOCHS) for name, train in peers.items()}, max(3, rounds // 6))
    print(table("4-2-1, the whole program including reading the file", whole, rates="epochs/s"), end="\n\n")

    def steady() -> float:
        result = specnet.run(specnet.load(SPEC, overrides={"training.epochs": SLICE}))
        return SLICE / result.seconds

    slices = in_turn(
        {**{name: rate(train, SLICE) for name, train in peers.items()}, "specnet": steady}, rounds
    )
    print(table(f"4-2-1, {SLICE} epochs of training only", slices, rates="epochs/s"), end="\n\n")


# The 784-256-128-10 network

DOCUMENT = """
specnet = 1
metrics = []
data = { type = "npz", path = "rows.npz", transforms = [{ type = "scale", factor = 0.00392156862745098 }] }
layers = [
    { type = "dense", units = 256, activation = "relu" },
    { type = "dense", units = 128, activation = "relu" },
    { type = "dense", units = 10 },
]
loss = "cross_entropy"
training = { epochs = 1000, optimizer = "adam" }
"""


def specnet_steps(folder: Path, batch: int, threads: int | None = None) -> Iterator[float]:
    """Train on and on by specnet.train, and give the steps a second of each slice."""
    (folder / "large.toml").write_text(DOCUMENT, encoding="utf-8")
    spec = specnet.load(folder / "large.toml", overrides={"training.batch_size": batch})
    done, began = 0, perf_counter()
    for event in specnet.train(spec, threads=threads):
        step = getattr(event, "step", 0)
        if step - done >= STEPS:
            yield (step - done) / (perf_counter() - began)
            done, began = step, perf_counter()


def pytorch_steps(inputs: np.ndarray, targets: np.ndarray, batch: int) -> Iterator[float]:
    """Train on and on by PyTorch, on shuffled batches, and give the steps a second of each slice."""
    torch.manual_seed(0)
    x, t = torch.tensor(inputs, dtype=torch.float32) * (1 / 255), torch.tensor(targets)
    model = torch.nn.Sequential(
        torch.nn.Linear(784, 256),
        torch.nn.ReLU(),
        torch.nn.Linear(256, 128),
        torch.nn.ReLU(),
        torch.nn.Linear(128, 10),
    )
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
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
            if done == STEPS:
                yield done / (perf_counter() - began)
                done, began = 0, perf_counter()


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Have so many other processes compute without rest."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def large(rounds: int, batch: int, others: int) -> None:
    """Compare a network of MNIST's size on made-up rows of MNIST's shape, next to so many busy processes."""
    rng = np.random.default_rng(0)
    inputs = rng.integers(0, 256, (ROWS, 784), np.uint8)
    targets = rng.integers(0, 10, ROWS)
    with tempfile.TemporaryDirectory() as name, busy(others):
        folder = Path(name)
        np.savez(folder / "rows.npz", inputs=inputs, targets=targets)
        ours, alone = specnet_steps(folder, batch), specnet_steps(folder, batch, threads=1)
        theirs = pytorch_steps(inputs, targets, batch)
        peers = {
            "specnet": lambda: next(ours),
            "specnet, one thread": lambda: next(alone),
            "PyTorch, Adam(fused=True)": lambda: next(theirs),
        }
        figures = in_turn(peers, rounds)
    title = f"784-256-128-10, batch {batch}, Adam, float32" + (f", {others} busy" if others else "")
    print(table(title, figures, rates="steps/s"), end="\n\n")


def main() -> None:
    """Print the tables that the arguments ask for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", action="store_true", help="only the 4-2-1 program")
    parser.add_argument("--large", action="store_true", help="only the 784-256-128-10 network")
    parser.add_argument(
        "--rounds",
        type=int,
        default=30,
        help="rounds of slices of the 4-2-1 program (30); the network has four times as many",
    )
    parser.add_argument("--batch", type=int, default=128, help="rows of a batch of the network (128)")
    parser.add_argument(
        "--busy", type=int, default=0, help="other processes that keep cores busy meanwhile (none)"
    )
    options = parser.parse_args()
    before = machine("numpy", "torch")
    if options.small or not options.large:
        small(options.rounds)
    if options.large or not options.small:
        large(
            4 * options.rounds, options.batch, options.busy
        )  # in short slices: peers then meet the same disturbances
    print(f"Before: {before}")
    print(f"After:  {machine('numpy', 'torch')}")


if __name__ == "__main__":
    main()
