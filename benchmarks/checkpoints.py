"""What it costs to write a checkpoint after every epoch of specs/mnist-mlp.toml.

    SPECNET_DATA=~/data python benchmarks/checkpoints.py

Two figures, since a busy machine's trainings differ by more than checkpoints cost: the time spent in writing
checkpoints as a share of the training that wrote them, and what a training takes with and without them, in turn.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import specnet
from specnet.runs.checkpoints import Checkpoints

SPEC = Path(__file__).parent.parent / "specs" / "mnist-mlp.toml"


class Watch:
    """Adds up the time that checkpoints take."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._see = Checkpoints.see

    def install(self) -> None:
        see = self._see

        def timed(checkpoints: Checkpoints, event: Any) -> None:
            began = perf_counter()
            see(checkpoints, event)
            self.seconds += perf_counter() - began

        Checkpoints.see = timed  # type: ignore[method-assign]


def training(watch: Watch, epochs: int, *, checkpoints: bool) -> tuple[float, float, int]:
    """Return the seconds of a training and of its checkpoints, and the bytes of one."""
    overrides = {"training.epochs": epochs} | ({"training.checkpoint": {}} if checkpoints else {})
    with tempfile.TemporaryDirectory() as folder:
        watch.seconds = 0.0
        result = specnet.run(specnet.load(SPEC, overrides), out=folder)
        sizes = [path.stat().st_size for path in Path(folder).glob("checkpoints/*.npz")]
    return list(result.history)[-1]["seconds"], watch.seconds, max(sizes, default=0)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    watch = Watch()
    watch.install()
    plain, kept, shares, size = [], [], [], 0
    for _ in range(options.rounds):
        plain.append(training(watch, options.epochs, checkpoints=False)[0])
        seconds, spent, size = training(watch, options.epochs, checkpoints=True)
        kept.append(seconds)
        shares.append(spent / seconds)
    print(f"a checkpoint has {size / 2**20:.1f} MiB; {options.epochs} epochs, {options.rounds} rounds")
    print(
        f"without checkpoints {min(plain):.2f} s, with one after every epoch {min(kept):.2f} s (fastest of each)"
    )
    print(f"share of the training spent in writing them: {min(shares):.2%} to {max(shares):.2%}")


if __name__ == "__main__":
    main()
