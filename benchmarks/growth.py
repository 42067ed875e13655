"""How time and memory grow: with the rows, the width, the depth, the batch and the threads; and with very large files.

    python -m benchmarks.growth                        # a minute: five tables
    python -m benchmarks.growth --out results          # growth.png as well
    python -m benchmarks.growth --large csv npy        # 10 million rows of CSV, and an array of 5 GB; minutes

The large files are written to $TMPDIR, by default /var/tmp: 1.8 GB and 5 GB. Each is trained on for an epoch in
batches, in a process of its own, next to one that does the same with a hundredth of the rows.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

import specnet
from benchmarks.cases import tables
from benchmarks.side_by_side import in_turn, machine

FEATURES, CLASSES = 64, 10


@dataclass(frozen=True)
class Growth:
    """A quantity, the sizes that it is measured at, and how a step or an epoch is timed at a size."""

    name: str
    sizes: tuple[int, ...]
    timed: Callable[[int], Callable[[], float]]
    what: str
    power: int = 1
    """The power of the quantity by which time grows at the most, or at best falls."""


def document(units: int, layers: int, batch: int) -> dict[str, Any]:
    """Return a dense network as a document."""
    hidden = {"type": "dense", "units": units, "activation": "relu"}
    return {
        "specnet": 1,
        "metrics": [],
        "data": {"type": "npy", "inputs": "x.npy", "targets": "t.npy"},
        "layers": [*[hidden] * layers, {"type": "dense", "units": CLASSES}],
        "loss": "cross_entropy",
        "training": {"epochs": 1_000_000, "batch_size": batch, "optimizer": "adam"},
    }


def drawn(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return made-up rows."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((rows, FEATURES), np.float32), rng.integers(0, CLASSES, rows)


def step(
    units: int = 64, layers: int = 2, batch: int = 128, threads: int | None = None
) -> Callable[[], float]:
    """Return what gives the seconds of a training step, the mean of a tenth of a second's."""
    slices = _slices(units, layers, batch, threads)
    return lambda: next(slices)


def _slices(units: int, layers: int, batch: int, threads: int | None) -> Iterator[float]:
    rows = drawn(max(4 * batch, 4_096))
    done, last, began = 0, 0, perf_counter()
    for event in specnet.train(document(units, layers, batch), data=rows, threads=threads):
        last = getattr(event, "step", last)
        if last > done and perf_counter() - began > 0.1:
            yield (perf_counter() - began) / (last - done)
            done, began = last, perf_counter()


def epoch(rows: int) -> Callable[[], float]:
    """Return what gives the seconds of an epoch over so many rows."""

    def slices() -> Iterator[float]:
        began = perf_counter()
        for event in specnet.train(document(64, 2, 128), data=drawn(rows)):
            if isinstance(event, specnet.EpochEnded):
                yield perf_counter() - began
                began = perf_counter()

    found = slices()
    return lambda: next(found)


GROWTHS = [
    Growth("rows", (1_000, 10_000, 100_000, 1_000_000), epoch, "an epoch"),
    Growth("width", (64, 128, 256, 512, 1024, 2048), lambda n: step(units=n), "a step", 2),
    Growth("depth", (2, 8, 32, 128, 512), lambda n: step(layers=n), "a step"),
    Growth("batch", (8, 32, 128, 512, 2048, 8192), lambda n: step(batch=n), "a step"),
]


def threads() -> Growth:
    """Return the growth with the threads, as far as this machine has cores."""
    cores = len(os.sched_getaffinity(0))
    sizes = tuple(n for n in (1, 2, 4, 8) if n <= cores)
    return Growth("threads", sizes, lambda n: step(1024, 2, 512, n), "a step of width 1,024", -1)


def measure(growth: Growth, rounds: int) -> dict[int, float]:
    """Return the seconds at each size, the medians of some rounds."""
    figures = in_turn({str(size): growth.timed(size) for size in growth.sizes}, rounds, 0.01)
    return {int(size): median(seconds) for size, seconds in figures.items()}


def table(growth: Growth, seconds: dict[int, float]) -> str:
    """Write what was measured, with the power of the quantity by which the time grew from each size to the next."""
    lines = [
        f"| {growth.name} | ms of {growth.what} | µs for one | grew by the power |",
        "| ---: | ---: | ---: | ---: |",
    ]
    powers = [
        math.log(seconds[after] / seconds[before]) / math.log(after / before)
        for before, after in pairwise(seconds)
    ]
    for (size, taken), power in zip(seconds.items(), [None, *powers], strict=True):
        grew = "" if power is None else f"{power:.2f}"
        lines.append(f"| {size:,} | {1e3 * taken:.3g} | {1e6 * taken / size:.3g} | {grew} |")
    return "\n".join(lines)


def chart(found: dict[str, dict[int, float]], growths: list[Growth], title: str, path: Path) -> None:
    """Draw each growth, with a dashed line for the growth that is expected."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"font.size": 8}):
        figure = Figure(figsize=(10, 2.6), layout="constrained")
        figure.suptitle(title, fontsize=8, x=0.01, ha="left")
        for axes, growth in zip(figure.subplots(1, len(growths)), growths, strict=True):
            sizes, seconds = list(found[growth.name]), list(found[growth.name].values())
            start = 0 if growth.power < 0 else -1
            line = [seconds[start] * (size / sizes[start]) ** growth.power for size in sizes]
            axes.loglog(sizes, [1e3 * s for s in line], color="#999999", linestyle="--", linewidth=1)
            axes.loglog(sizes, [1e3 * s for s in seconds], color="#4477aa", marker="o", markersize=3)
            axes.set_xlabel(growth.name)
            if len(sizes) < 4:
                axes.set_xticks(sizes, map(str, sizes))
                axes.minorticks_off()
            axes.set_ylabel(f"ms of {growth.what}")
            axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(path, metadata={"Software": None}, dpi=150)


# Very large files

LARGE = {"csv": 10_000_000, "npy": 5_000_000}
"""Rows; of the array, each has 1,000 bytes."""

RUN = """
import sys, time
from pathlib import Path
import specnet
document = sys.argv[1]
began = seconds = steps = 0
for event in specnet.train(Path(document)):
    if isinstance(event, specnet.Started):
        began = time.process_time()
    elif isinstance(event, specnet.EpochEnded):
        seconds, steps = time.process_time() - began, event.step
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
print(peak, seconds, steps)
"""


def write(kind: str, folder: Path, rows: int) -> Path:
    """Write so many rows and a document that trains on them in batches; return its path."""
    made = document(64, 1, 1024)
    made["training"]["epochs"] = 1
    if kind == "csv":
        _write_csv(folder / f"{rows}.csv", rows)
        made["data"] = {"type": "csv", "path": f"{rows}.csv", "target": "y", "load": "batches"}
    else:
        names = f"{rows}-x.npy", f"{rows}-t.npy"
        array = np.lib.format.open_memmap(folder / names[0], "w+", np.float32, (rows, 250))
        for start in range(0, rows, 100_000):
            part = array[start : start + 100_000]
            part[...] = np.random.default_rng(start).standard_normal(part.shape, np.float32)
        array.flush()
        del array
        np.save(folder / names[1], np.arange(rows) % CLASSES)
        made["data"] = {"type": "npy", "inputs": names[0], "targets": names[1], "load": "batches"}
    path = folder / f"{kind}-{rows}.json"
    path.write_text(json.dumps(made), encoding="utf-8")
    return path


def _write_csv(path: Path, rows: int) -> None:
    """Write a table whose rows are repeated after each million."""
    few = min(rows, 1_000_000)
    tables.write(path, few)
    with path.open("rb") as file:
        file.readline()
        body = file.read()
    with path.open("ab") as file:
        for _ in range(rows // few - 1):
            file.write(body)


def trained(path: Path) -> tuple[float, float, int]:
    """Return the peak of memory (MiB), processor seconds and steps of the epoch of a process that trains on it."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, path.name], cwd=path.parent, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    peak, seconds, steps = done.stdout.split()
    return int(peak) / 1024, float(seconds), int(steps)


def predicted(path: Path) -> float:
    """Return the MiB that `specnet explain` predicts."""
    command = [sys.executable, "-m", "specnet", "explain", path.name, "--output", "json"]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["memory"]["total"] / 2**20


def large(kinds: list[str], share: int) -> None:
    """Print how a training on many rows compares with one on a hundredth of them."""
    print("| file | rows | processor ms of a step | peak of the process, MiB | `explain` predicts, MiB |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for kind in kinds:
        for rows in (LARGE[kind] // share // 100, LARGE[kind] // share):
            place = os.environ.get("TMPDIR", "/var/tmp")
            with tempfile.TemporaryDirectory(dir=place) as name:
                path = write(kind, Path(name), rows)
                total = predicted(path)
                peak, seconds, steps = trained(path)
            print(
                f"| {kind} | {rows:,} | {1e3 * seconds / steps:.3g} | {peak:,.0f} | {total:,.1f} |",
                flush=True,
            )


def main() -> None:
    """Print the tables that the arguments ask for."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.growth",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=[*(growth.name for growth in GROWTHS), "threads"], action="append")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write growth.png")
    parser.add_argument("--large", nargs="+", choices=LARGE, metavar="FORMAT", help="csv or npy, or both")
    parser.add_argument("--share", type=int, default=1, help="take the large files this many times smaller")
    options = parser.parse_args()
    before = machine("numpy")
    if options.large:
        large(options.large, options.share)
    else:
        growths = [g for g in [*GROWTHS, threads()] if not options.only or g.name in options.only]
        found = {}
        for growth in growths:
            found[growth.name] = measure(growth, options.rounds)
            print(table(growth, found[growth.name]), end="\n\n", flush=True)
        if options.out is not None:
            options.out.mkdir(parents=True, exist_ok=True)
            chart(found, growths, before.partition("; load")[0], options.out / "growth.png")
    print(f"\nBefore: {before}\nAfter:  {machine()}")


if __name__ == "__main__":
    main()
