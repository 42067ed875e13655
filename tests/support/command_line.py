from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "specs"

Specnet = Callable[..., subprocess.CompletedProcess[str]]


def environment(**more: str) -> dict[str, str]:
    """An environment in which nothing but `more` has a say in what output looks like."""
    decided = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TERM", "PYTHONIOENCODING", "SPECNET_DEBUG"}
    kept = {k: v for k, v in os.environ.items() if k not in decided}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "PYTHONWARNINGS": "error", **more}


def await_(process: subprocess.Popen[str], done: Callable[[], object]) -> None:
    """Wait until a process has come to where something is true of its files; fail where it ends, or hangs, before."""
    until = time.monotonic() + HANG
    while not done():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, "it hangs"
        time.sleep(0.01)


def written(path: Path) -> Callable[[], bool]:
    """Return whether there is something in a file."""
    return lambda: path.exists() and path.stat().st_size > 0


HANG = 120
"""Seconds after which a process has failed; none needs so long."""

ENDLESS = """\
specnet = 1
name = "endless"

[data]
type = "synthetic"
kind = "moons"
split = { validation = 0.2 }

[[layers]]
type = "dense"
units = 8
activation = "tanh"

[[layers]]
type = "dense"
units = 1

[loss]
type = "binary_cross_entropy"

[training]
epochs = 1000000
"""
