from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def document() -> dict[str, Any]:
    """A document that is trained in a moment, with a sweep of three trials."""
    return {
        "specnet": 1,
        "name": "small",
        "data": {"type": "synthetic", "kind": "moons", "samples": 60, "split": {"validation": 0.3}},
        "variables": {"width": 4},
        "layers": [
            {"type": "dense", "units": "${width}", "activation": "tanh"},
            {"type": "dense", "units": 1},
        ],
        "loss": "binary_cross_entropy",
        "training": {"epochs": 3, "optimizer": "adam"},
        "sweep": {
            "trials": 3,
            "parameters": {
                "variables.width": {"low": 2, "high": 16, "log": True, "integer": True},
                "training.optimizer.learning_rate": {"low": 1e-3, "high": 0.3, "log": True},
                "training.batch_size": {"choices": [8, 16, "full"]},
            },
        },
    }
