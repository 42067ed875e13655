"""The largest that one machine takes: rows, columns, classes and parameters.

    python -m benchmarks.limits                    # all cases: half an hour, 9 GB of disk and 12 GB of memory
    python -m benchmarks.limits --only classes     # one case; may be repeated
    python -m benchmarks.limits --share 100        # a hundredth of each size

Each case is a document and its data, written to $TMPDIR, by default /var/tmp. `specnet explain` says what it will take;
`specnet run` then trains a few steps, measures all splits and saves the run, in a process of its own. What a process
takes that trains on next to nothing is taken off. Cases that are too large are refused before anything is read.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.cases import tables
from benchmarks.side_by_side import machine

Document = dict[str, Any]

CHILD = """
import atexit, sys
from specnet.cli import main
def peak():
    with open("/proc/self/status") as status:
        found = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    with open("peak", "w") as file:
        file.write(str(found))
atexit.register(peak)
sys.argv = ["specnet", *sys.argv[1:]]
main()
"""


@dataclass(frozen=True)
class Limit:
    """A size that a training may have, and what writes data of that size and returns the document."""

    name: str
    size: int
    few: int
    """A size at which nearly all memory is that of any process."""
    what: str
    write: Callable[[Path, int], Document]
    refused: bool = False


def document(data: Document, units: list[int], loss: str = "cross_entropy", steps: int = 20) -> Document:
    """Return a dense network that is trained for a few steps."""
    layers = [{"type": "dense", "units": n, "activation": "relu"} for n in units]
    del layers[-1]["activation"]
    return {
        "specnet": 1,
        "data": data,
        "layers": layers,
        "loss": loss,
        "training": {"steps": steps, "batch_size": 256, "optimizer": "adam"},
    }


def arrays(folder: Path, rows: int, columns: int, classes: int, *, sparse: bool = False) -> Document:
    """Write float32 inputs and classes; a `sparse` file has the length of such inputs, and takes no disk."""
    rng = np.random.default_rng(0)
    inputs = folder / "inputs.npy"
    if sparse:
        _zeros(inputs, np.dtype(np.float32), (rows, columns))
        _zeros(folder / "targets.npy", np.dtype(np.int8), (rows,))
    else:
        some = rng.standard_normal((min(rows, max(1, 10_000_000 // columns)), columns), np.float32)
        array = np.lib.format.open_memmap(inputs, "w+", np.float32, (rows, columns))
        for start in range(0, rows, len(some)):
            array[start : start + len(some)] = some[: rows - start]
        array.flush()
        del array
        targets = rng.integers(0, classes, rows)
        targets[0] = classes - 1
        np.save(folder / "targets.npy", targets)
    return {"type": "npy", "inputs": "inputs.npy", "targets": "targets.npy"}


def _zeros(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    with path.open("wb") as file:
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + dtype.itemsize * math.prod(shape))


def table(folder: Path, rows: int) -> Document:
    """Write a table of 22 columns, which is repeated after each 100,000 rows."""
    path = folder / "rows.csv"
    few = min(rows, 100_000)
    tables.write(path, few)
    body = path.read_bytes().partition(b"\n")[2]
    with path.open("ab") as file:
        for _ in range(rows // few - 1):
            file.write(body)
    return {"type": "csv", "path": "rows.csv", "target": "y"}


def wide_table(folder: Path, columns: int) -> Document:
    """Write 1,000 rows of so many numbers, and a class."""
    rng = np.random.default_rng(0)
    names = ",".join([*(f"x{i}" for i in range(columns)), "y"])
    with (folder / "rows.csv").open("w", encoding="ascii") as file:
        file.write(names + "\n")
        for row in range(1_000):
            cells = np.char.mod("%.3f", rng.standard_normal(columns))
            file.write(",".join(cells.tolist()) + f",{row % 10}\n")
    return {"type": "csv", "path": "rows.csv", "target": "y"}


def rows_of_array(folder: Path, rows: int, load: str) -> Document:
    """Return a document over an array of 20 columns."""
    return document(arrays(folder, rows, 20, 10) | {"load": load}, [64, 10])


def too_many_rows(folder: Path, rows: int) -> Document:
    """Return a document over an array that no memory holds."""
    return document(arrays(folder, rows, 20, 10, sparse=True) | {"load": "whole"}, [64, 10])


def rows_of_table(folder: Path, rows: int, load: str) -> Document:
    """Return a document over a table of 22 columns."""
    return document(table(folder, rows) | {"load": load}, [64, 2])


def classes(folder: Path, count: int) -> Document:
    """Return a document that tells so many classes apart."""
    made = document(arrays(folder, 1_000, 20, count), [64, count], steps=10)
    made["training"]["batch_size"] = 32
    return made


def parameters(folder: Path, count: int) -> Document:
    """Return a document with about so many parameters in one layer."""
    width = round(count**0.5)
    return document(arrays(folder, 1_000, 20, 10), [width, width, 10], steps=10)


LIMITS = [
    Limit("rows", 100_000_000, 1_000, "rows of an array of 20 columns, read in batches",
          lambda folder, n: rows_of_array(folder, n, "batches")),
    Limit("rows-whole", 100_000_000, 1_000, "rows of an array of 20 columns, read whole",
          lambda folder, n: rows_of_array(folder, n, "whole")),
    Limit("rows-refused", 2_000_000_000, 1_000, "rows of an array of 20 columns, read whole", too_many_rows,
          refused=True),
    Limit("table", 10_000_000, 100_000, "rows of a CSV file of 22 columns, read in batches",
          lambda folder, n: rows_of_table(folder, n, "batches")),
    Limit("table-whole", 10_000_000, 100_000, "rows of a CSV file of 22 columns, read whole",
          lambda folder, n: rows_of_table(folder, n, "whole")),
    Limit("columns", 100_000, 100, "columns of an array of 1,000 rows",
          lambda folder, n: document(arrays(folder, 1_000, n, 10), [64, 10])),
    Limit("columns-table", 10_000, 100, "columns of a CSV file of 1,000 rows",
          lambda folder, n: document(wide_table(folder, n), [64, 10])),
    Limit("classes", 1_000_000, 1_000, "classes, 64 units before them", classes),
    Limit("parameters", 100_000_000, 10_000, "parameters, in float32 with Adam", parameters),
    Limit("parameters-refused", 10_000_000_000, 10_000, "parameters, in float32 with Adam", parameters, refused=True),
]  # fmt: skip


@dataclass(frozen=True)
class Took:
    """What a command took."""

    code: int
    seconds: float
    peak: float
    """Of its process, in MiB."""
    output: str
    errors: str


def command(folder: Path, *arguments: str) -> Took:
    """Return what a command of specnet took, in a process of its own."""
    began = perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    peak = int((folder / "peak").read_text()) / 1024
    return Took(done.returncode, perf_counter() - began, peak, done.stdout, done.stderr)


def trial(limit: Limit, size: int) -> tuple[float | None, Took, Took]:
    """Return what `explain` predicts for a size in MiB, and what `explain` and `run` took.

    It predicts nothing where the data alone are larger than the memory.
    """
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as name:
        folder = Path(name)
        (folder / "spec.json").write_text(json.dumps(limit.write(folder, size)), encoding="utf-8")
        explained = command(folder, "explain", "spec.json", "--output", "json")
        total = None
        if explained.code == 0:
            total = json.loads(explained.output)["memory"]["total"] / 2**20
        elif not limit.refused:
            raise SystemExit(explained.output + explained.errors)
        return total, explained, command(folder, "run", "spec.json", "--quiet", "--output", "json")


def row(limit: Limit, share: int) -> str:
    """Return a row of the table: what was predicted, and what was measured."""
    size = limit.size if limit.refused else max(limit.few, limit.size // share)
    total, explained, ran = trial(limit, size)
    taken, error = "refused", ""
    if total is not None and not limit.refused:
        if ran.code:
            raise SystemExit(ran.output + ran.errors)
        small, _, least = trial(limit, limit.few)
        own = ran.peak - (least.peak - (small or 0.0))
        taken, error = f"{own:,.0f}", f"{own / total - 1:+.1%}"
    elif ran.code == 0 or not any(code in ran.output + ran.errors for code in ("SN605", "SN570")):
        raise SystemExit(f"{limit.name} was not refused")
    predicted = "more than the memory" if total is None else f"{total:,.0f}"
    return (
        f"| {limit.name} | {size:,} {limit.what} | {predicted} | {taken} | {error} | {explained.seconds:.1f} "
        f"({explained.peak:,.0f} MiB) | {ran.seconds:,.1f} |"
    )


def main() -> None:
    """Print the table that the arguments ask for."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.limits",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", action="append", choices=[limit.name for limit in LIMITS])
    parser.add_argument("--share", type=int, default=1, help="take sizes this many times smaller")
    options = parser.parse_args()
    print("| case | size | predicted, MiB | measured, MiB | | `explain`, s | `run`, s |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for limit in LIMITS:
        if not options.only or limit.name in options.only:
            print(row(limit, options.share), flush=True)
    print(f"\n{machine()}")


if __name__ == "__main__":
    main()
