"""Two series, and a network whose forecasts of them are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

DAYS = np.arange("2024-01-01", "2024-03-01", dtype="datetime64[D]")
SERIES = {"a": np.arange(60.0) ** 1.5, "b": 1000.0 + np.arange(60.0) % 7}


def table(future: int = 0, count: int = 60, names: tuple[str, ...] = ("a", "b")) -> str:
    lines = ["date,id,y,k"]
    for name in names:
        lines += [f"{DAYS[i]},{name},{float(SERIES[name][i])!r},{i % 2}" for i in range(count)]
        lines += [
            f"{DAYS[0] + np.timedelta64(count + i, 'D')},{name},,{(count + i) % 2}" for i in range(future)
        ]
    return "\n".join(lines) + "\n"


def spec(path: Path, **data: Any) -> dict[str, Any]:
    """A document whose network repeats the last value: its only kernel is made so."""
    kernel = np.zeros((4, 3))
    kernel[3] = 1.0
    return {
        "specnet": 1,
        "dtype": "float64",
        "data": {
            "type": "series",
            "path": str(path),
            "time": "date",
            "series": "id",
            "target": "y",
            "lookback": 4,
            "horizon": 3,
            "season": 7,
            "scale": "standardize",
            "split": {"test_steps": 10},
            **data,
        },
        "layers": [
            {"type": "flatten"},
            {"type": "dense", "units": 3, "kernel_init": {"type": "constant", "value": kernel.tolist()}},
        ],
        "loss": "mse",
        "metrics": ["mae", "mase"],
    }
