from __future__ import annotations

import os
import subprocess
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
