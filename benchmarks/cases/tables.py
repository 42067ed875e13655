"""Large CSV files: how long the commands take to read, predict and inspect them, compared with pandas and PyTorch.

Each measurement is a process of its own, so that imports count for all, and nothing is in the memory of a process
before.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

from benchmarks.case import Case, Peer, Peers, Setting

WIDTH = 20

SPEC = """
specnet = 1
loss = "cross_entropy"
layers = [{{ type = "dense", units = 32, activation = "relu" }}, {{ type = "dense", units = 2 }}]
data = {{ type = "csv", path = "rows.csv", target = "y", scale = "standardize", load = "{load}" }}
training = {{ epochs = 1, batch_size = 1024, optimizer = "adam" }}
"""

WITHOUT = "import sys; sys.modules['pyarrow'] = None\n"

SPECNET = "from specnet.cli import main\nimport sys\nsys.argv = ['specnet', *{arguments!r}]\nmain()"

READ = "import pandas as pd\npd.read_csv('rows.csv')"

PREDICT = """
import pandas as pd, torch
frame = pd.read_csv('rows.csv')
numbers = frame[[f'x{i}' for i in range(20)]].to_numpy('float32')
numbers = (numbers - numbers.mean(0)) / numbers.std(0)
kinds = pd.get_dummies(frame['kind']).to_numpy('float32')
net = torch.nn.Sequential(torch.nn.Linear(24, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2), torch.nn.Softmax(1))
with torch.no_grad():
    made = net(torch.from_numpy(__import__('numpy').concatenate([numbers, kinds], 1))).numpy()
out = pd.DataFrame({'prediction': made.argmax(1), 'P(0)': made[:, 0], 'P(1)': made[:, 1]})
out.to_csv('theirs.csv', index=False)
"""


def write(path: Path, rows: int) -> None:
    """Write a table of so many rows: 20 numbers, a category and a class."""
    import numpy as np

    random = np.random.default_rng(0)
    with path.open("w", encoding="ascii") as file:
        file.write(",".join([*(f"x{i}" for i in range(WIDTH)), "kind", "y"]) + "\n")
        for start in range(0, rows, 10_000):
            count = min(10_000, rows - start)
            numbers = random.normal(size=(count, WIDTH))
            kinds = np.array(["red", "green", "blue", "black"])[random.integers(4, size=count)]
            labels = (numbers[:, 0] + (kinds == "red") > 0).astype(int)
            form = ",".join(["%.5f"] * WIDTH) + ",%s,%d\n"
            file.writelines(
                form % (*row, kind, label)
                for row, kind, label in zip(numbers.tolist(), kinds, labels, strict=True)
            )


PEAK = """
import atexit
@atexit.register
def peak():
    with open("/proc/self/status") as status, open("peak", "w") as file:
        file.write(next(line.split()[1] for line in status if line.startswith("VmHWM:")))
"""
"""Writes the most memory that a process had in use; what the system counts for it begins with its parent's."""


def process(folder: Path, program: str) -> float:
    """Return the seconds that a program takes in a process of its own."""
    began = perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return perf_counter() - began


def command(*arguments: str, pyarrow: bool = True) -> str:
    """Return a program that runs one of specnet's commands."""
    return ("" if pyarrow else WITHOUT) + SPECNET.format(arguments=list(arguments))


def timed(folder: Path, program: str) -> Callable[[], float]:
    """Return what measures the seconds of a program."""
    return lambda: process(folder, program)


def _table(setting: Setting) -> Path:
    folder, rows = setting.folder, setting.size(1_000_000, 5_000)
    if not (folder / "rows.csv").exists():
        write(folder / "rows.csv", rows)
    for load in ("whole", "batches"):
        (folder / f"{load}.toml").write_text(SPEC.format(load=load), encoding="utf-8")
    return folder


def _run(setting: Setting, document: str, *, pyarrow: bool = True) -> Callable[[], float]:
    return timed(setting.folder, command("run", document, "--no-save", "--quiet", pyarrow=pyarrow))


def reading(setting: Setting) -> Peers:
    """Return `specnet run` with one epoch, with and without pyarrow, and pandas reading alone."""
    folder = _table(setting)
    peers = {"numpy": _run(setting, "whole.toml", pyarrow=False), "pandas.read_csv": timed(folder, READ)}
    if find_spec("pyarrow") is not None:
        peers["numpy with pyarrow"] = _run(setting, "whole.toml")
    return peers


def predicting(setting: Setting) -> Peers:
    """Return `specnet predict` from CSV to CSV, and what pandas and PyTorch do for it."""
    folder = _table(setting)
    process(folder, command("run", "whole.toml", "--out", "run", "--quiet"))
    ours = ("predict", "run", "rows.csv", "-o", "ours.csv")
    peers = {
        "numpy": timed(folder, command(*ours, pyarrow=False)),
        "pandas and PyTorch": timed(folder, PREDICT),
    }
    if find_spec("pyarrow") is not None:
        peers["numpy with pyarrow"] = timed(folder, command(*ours))
    return peers


def in_batches(setting: Setting) -> Peers:
    """Return a run with `load = "batches"`, and one that reads the whole table first."""
    _table(setting)
    return {
        "numpy": _run(setting, "batches.toml", pyarrow=False),
        "whole": _run(setting, "whole.toml", pyarrow=False),
    }


def inspecting(setting: Setting, notes: dict[str, str]) -> Peers:
    """Return `specnet init`, and pandas reading alone."""
    folder = _table(setting)

    program = command("init", "rows.csv", "-o", "-", pyarrow=False)

    def inspect() -> float:
        seconds = process(folder, program)
        process(folder, PEAK + program)
        notes["numpy"] = f"{int((folder / 'peak').read_text()) / 1024:,.0f} MiB"
        return seconds

    return {"numpy": inspect, "pandas.read_csv": timed(folder, READ)}


INSPECTED: dict[str, str] = {}

CASES = [
    Case(
        "csv-run",
        "`run` of a CSV file of 1,000,000 rows, one epoch",
        (Peer("pandas.read_csv", 3.0, 1.2, needs="pandas"),),
        reading,
        unit="run",
        longer=True,
        rounds=3,
        engines=("numpy", "numpy with pyarrow"),
    ),
    Case(
        "csv-predict",
        "`predict` from CSV to CSV, 1,000,000 rows",
        (Peer("pandas and PyTorch", 0.5, 1.2),),
        predicting,
        ("pandas",),
        unit="run",
        rounds=3,
        engines=("numpy", "numpy with pyarrow"),
    ),
    Case(
        "csv-batches",
        'the same `run` with `load = "batches"`',
        (Peer("whole", 1.5, needs=""),),
        in_batches,
        unit="run",
        longer=True,
        rounds=3,
        engines=("numpy",),
    ),
    Case(
        "csv-init",
        "`init` of a CSV file of 1,000,000 rows (wanted: 5 s, 300 MB)",
        (Peer("pandas.read_csv", needs="pandas"),),
        partial(inspecting, notes=INSPECTED),
        unit="run",
        longer=True,
        rounds=3,
        engines=("numpy",),
        notes=INSPECTED,
    ),
]
