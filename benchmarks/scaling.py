"""How much faster several processes make a training step than one, each on one thread of this machine.

    python benchmarks/scaling.py                     # specs/mnist-cnn.toml and specs/shakespeare.toml, by 2 processes
    python benchmarks/scaling.py --ranks 4 SPEC ...

It also measures messages of several sizes, and compares both with what `specnet explain --distributed` predicts from
them. Needs the extra `mpi`, and a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

ROOT = Path(__file__).parents[1]
SPECS = ["specs/mnist-cnn.toml", "specs/shakespeare.toml"]
SIZES = [1, 1_000, 10_000, 100_000, 1_000_000]
REPEATS = 7


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("specs", nargs="*", default=SPECS)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--worker", choices=["messages", "steps"], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker == "messages":
        messages()
    elif given.worker == "steps":
        steps(given.specs[0], given.steps)
    else:
        compare(given.specs, given.ranks, given.steps)


def compare(specs: list[str], ranks: int, count: int) -> None:
    found = started(ranks, "messages")
    latency, per_byte = fitted(found)
    print(f"all-reduce between {ranks} processes: {latency * 1e6:.1f} us and {1e-9 / per_byte:.1f} GB/s")
    for spec in specs:
        one, several = (started(n, "steps", spec, "--steps", str(count)) for n in (1, ranks))
        speedup = one["seconds"] / several["seconds"]
        print(
            f"{spec}: {one['seconds'] * 1e3:.1f} ms by 1 process, {several['seconds'] * 1e3:.1f} ms by {ranks}: "
            f"{speedup:.2f} times as fast ({several['parameters']:,} parameters, batches of {several['batch']})"
        )


def started(ranks: int, what: str, *arguments: str) -> dict:
    """Return what the first of so many processes prints."""
    beside = Path(sys.executable).parent / "mpirun"
    command = [str(beside) if beside.exists() else shutil.which("mpirun") or "mpirun", "-n", str(ranks)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "SPECNET_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, sys.executable, __file__, "--worker", what, *arguments],
        env=environment, cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def fitted(found: dict[str, float]) -> tuple[float, float]:
    """Return the latency of a message of a few bytes, and the seconds per byte of a long one."""
    sizes = sorted(map(int, found))
    return found[str(sizes[0])], (found[str(sizes[-1])] - found[str(sizes[0])]) / (4 * sizes[-1])


def messages() -> None:
    import numpy as np

    from specnet.training.mpi import MpiRanks

    ranks = MpiRanks()
    found = {}
    for size in SIZES:
        own, out = np.ones(size, np.float32), np.empty(size, np.float32)
        times = []
        for _ in range(30):
            begun = perf_counter()
            ranks.add(own, out)
            times.append(perf_counter() - begun)
        found[size] = median(times)
    if ranks.rank == 0:
        print(json.dumps(found))


def steps(spec: str, count: int) -> None:
    import specnet
    from specnet.runs.compiling import compile_spec
    from specnet.training.loop import Trainer
    from specnet.training.mpi import MpiRanks

    ranks = MpiRanks()
    model, data = compile_spec(specnet.load(spec), threads=1)
    trainer = Trainer(model, data, lambda: False, ranks=ranks)
    trainer.steps.begin()
    trainer.steps.run(1e9, 2)
    times = []
    for _ in range(REPEATS):
        begun = perf_counter()
        trainer.steps.run(1e9, count)
        times.append((perf_counter() - begun) / count)
    if ranks.rank == 0:
        told = {"seconds": median(times), "parameters": model.network.size, "batch": trainer.batch_size}
        print(json.dumps(told))


if __name__ == "__main__":
    main()
