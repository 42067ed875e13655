"""Small trainings, and what stops them."""

from __future__ import annotations

import json
from typing import Any

import specnet
from specnet.data import load_data
from specnet.training.loop import Trainer

EPOCHS = 6


MOONS = {"type": "synthetic", "kind": "moons", "samples": 60, "noise": 0.2}


SPLIT = MOONS | {"split": {"validation": 0.25}}


LAYERS = [{"type": "dense", "units": 5, "activation": "tanh"}, {"type": "dense", "units": 2}]


def document(
    *, data=MOONS, layers=LAYERS, epochs=EPOCHS, dtype="float64", loss="cross_entropy", **training: Any
) -> specnet.Spec:
    base = {"specnet": 1, "name": "a", "dtype": dtype, "data": data, "layers": layers, "loss": loss}
    return specnet.load(json.dumps({**base, "training": {"epochs": epochs, **training}}))


def trainer(spec: specnet.Spec, stop=None) -> Trainer:
    data = load_data(spec.data, spec.folder, seed=spec.seed, dtype=spec.dtype)
    return Trainer(specnet.compile(spec), data, stop)
