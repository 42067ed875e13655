"""A small network whose predictions are compared."""

from __future__ import annotations

DOCUMENT = {
    "specnet": 1,
    "data": {
        "type": "synthetic",
        "kind": "moons",
        "samples": 32,
        "transforms": [{"type": "standardize"}],
    },
    "layers": [
        {"type": "dense", "units": 8, "activation": "tanh"},
        {"type": "dense", "units": 1},
    ],
    "loss": "binary_cross_entropy",
    "training": {"epochs": 1},
}
