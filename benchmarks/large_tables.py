"""Large CSV files: how long specnet takes to read, predict and inspect them, compared with pandas and PyTorch.

    python benchmarks/large_tables.py                     # a million rows of 20 numbers and a category
    python benchmarks/large_tables.py --rows 200000 --rounds 3 --only read

Each measurement is a process of its own, started in turn with its peer's, so that imports count for both and nothing
is in the memory of a process before. Figures are processor time, of all threads together: other load on the machine
makes that longer, too, but by far less than the time until the process ends. `--without-pyarrow` shows what the base
installation does.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from side_by_side import in_turn, machine, table

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


def processor_time() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def process(folder: Path, program: str) -> float:
    """Return the seconds of processor time that a program takes in a process of its own."""
    before = processor_time()
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return processor_time() - before


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["read", "predict", "batches", "init"], action="append")
    parser.add_argument("--without-pyarrow", action="store_true")
    options = parser.parse_args()
    before = WITHOUT if options.without_pyarrow else ""
    wanted = options.only or ["read", "predict", "batches", "init"]

    def specnet(*arguments: str) -> str:
        return before + SPECNET.format(arguments=list(arguments))

    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as place:
        folder = Path(place)
        write(folder / "rows.csv", options.rows)
        for load in ("whole", "batches"):
            (folder / f"{load}.toml").write_text(SPEC.format(load=load))
        run = specnet("run", "whole.toml", "--no-save", "--quiet")
        print(machine("numpy", "pandas"), "\n")
        if "read" in wanted:
            peers = {
                "specnet run": lambda: process(folder, run),
                "pandas.read_csv": lambda: process(folder, READ),
            }
            print(table("reading, and one epoch", in_turn(peers, options.rounds), times="s"), "\n")
        if "predict" in wanted:
            process(folder, specnet("run", "whole.toml", "--out", "run", "--quiet"))
            peers = {
                "specnet predict": lambda: process(
                    folder, specnet("predict", "run", "rows.csv", "-o", "ours.csv")
                ),
                "pandas and PyTorch": lambda: process(folder, PREDICT),
            }
            print(table("predictions, CSV to CSV", in_turn(peers, options.rounds), times="s"), "\n")
        if "batches" in wanted:
            batches = specnet("run", "batches.toml", "--no-save", "--quiet")
            peers = {
                '`load = "batches"`': lambda: process(folder, batches),
                "whole": lambda: process(folder, run),
            }
            print(table("one epoch in batches", in_turn(peers, options.rounds), times="s"), "\n")
        if "init" in wanted:
            peers = {
                "specnet init": lambda: process(folder, specnet("init", "rows.csv", "-o", "-")),
                "pandas.read_csv": lambda: process(folder, READ),
            }
            figures = in_turn(peers, options.rounds)
            print(table("inspecting", figures, times="s"))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"\nthe largest process took {peak:,.0f} MiB")


if __name__ == "__main__":
    main()
