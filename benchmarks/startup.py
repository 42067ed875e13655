"""How long specnet's commands take from start to end, beside bare Python and the imports that others begin with.

    python benchmarks/startup.py             # about half a minute

Each command is a process of its own; the files that they read are in the system's cache.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

from side_by_side import in_turn, machine, table

ROOT = Path(__file__).parent.parent
SPEC = str(ROOT / "specs" / "mlp.toml")


def wall(*arguments: str) -> Callable[[], float]:
    """Return what measures the milliseconds that Python takes with these arguments."""

    def measure() -> float:
        began = perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True, cwd=ROOT)
        return 1e3 * (perf_counter() - began)

    return measure


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15, help="rounds of the comparison (15)")
    options = parser.parse_args()
    folder = tempfile.TemporaryDirectory()
    text = (ROOT / "specs" / "iris.toml").read_text(encoding="utf-8")
    for number in range(101):
        Path(folder.name, f"{number}.toml").write_text(
            text.replace("seed", f"# {number}\nseed"), encoding="utf-8"
        )
    peers = {
        "bare Python": wall("-c", "pass"),
        "import specnet": wall("-c", "import specnet"),
        "specnet --help": wall("-m", "specnet", "--help"),
        "specnet validate specs/mlp.toml": wall("-m", "specnet", "validate", SPEC),
        "specnet validate, 101 files": wall("-m", "specnet", "validate", folder.name),
        "import numpy": wall("-c", "import numpy"),
        "specnet run specs/mlp.toml --no-save": wall("-m", "specnet", "run", SPEC, "--no-save"),
    }
    if find_spec("torch") is not None:
        peers["import torch"] = wall("-c", "import torch")
    before = machine("pydantic", "typer", "rich")
    figures = in_turn(peers, options.rounds)
    print(table("from start to end", figures, times="ms"), end="\n\n")
    print(f"Before: {before}")


if __name__ == "__main__":
    main()
