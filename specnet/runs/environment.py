"""What the bits of a run depend on beside its document and data: what computes, and on how many threads."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from specnet.engines import blas
from specnet.model.plans import Plans

LABELS = {
    "engine": "engine",
    "numpy": "NumPy",
    "matrix_library": "matrix library",
    "matrix_threads": "threads of the matrix library",
    "workers": "worker threads",
    "ranks": "processes",
    "processor": "processor",
}
"""What each entry is called in a sentence."""


_CPUINFO = Path("/proc/cpuinfo")


def environment(plans: Plans) -> dict[str, Any]:
    """Return what the bits of a training depend on; there is 1 worker where its plans share no work."""
    import numpy as np

    each = [plan for plan in (plans.step, plans.update, plans.evaluation) if plan is not None]
    return {
        "engine": plans.step.engine,
        "numpy": np.__version__,
        "matrix_library": blas.version(),
        # Runs of earlier versions let the matrix library share products between threads of its own.
        "matrix_threads": 1,
        "workers": max(1, *(plan.workers for plan in each)),
        "ranks": plans.ranks,
        "processor": processor(),
    }


def processor() -> str:
    """Return the model of the processor, or where the system does not say its architecture."""
    try:
        with _CPUINFO.open(encoding="utf-8", errors="replace") as file:
            found = next(
                (line.partition(":")[2].strip() for line in file if line.startswith("model name")), ""
            )
    except OSError:
        found = ""
    return found or platform.processor() or platform.machine()


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """Say in what an environment differs from an earlier one, as far as that is known."""
    return tuple(
        f"{label} {now.get(key)}, and was {before[key]}"
        for key, label in LABELS.items()
        if before.get(key) is not None and before[key] != now.get(key)
    )
