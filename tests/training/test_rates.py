"""The learning rate that a step takes is the schedule's, and the one that events report."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import specnet
from specnet.data import load_data

EPOCHS = 8


def document(**training):
    return specnet.load(
        json.dumps(
            {
                "specnet": 1,
                "dtype": "float64",
                "data": {"type": "synthetic", "kind": "blobs", "classes": 3, "features": 4, "samples": 40},
                "layers": [{"type": "dense", "units": 3}],
                "loss": "cross_entropy",
                "training": {
                    "epochs": EPOCHS,
                    "optimizer": {"type": "sgd", "learning_rate": 0.2},
                    "batch_size": "full",
                    **training,
                },
            }
        )
    )


def warm_cosine(step):
    return 0.2 * step / 2 if step < 2 else 0.1 * (1 + math.cos(math.pi * (step - 2) / 6))


SCHEDULES = {
    "constant": ("constant", lambda step: 0.2),
    "cosine": ({"type": "cosine", "warmup_steps": 2}, warm_cosine),
    "multistep": ({"type": "multistep", "milestones": [3, 6]}, lambda s: 0.2 * 0.1 ** ((s >= 3) + (s >= 6))),
    # Nothing is as much better as it asks for, from the second value on that counts.
    "plateau": (
        {
            "type": "plateau",
            "monitor": "train.loss",
            "patience": 1,
            "factor": 0.5,
            "threshold": 1e9,
            "threshold_mode": "absolute",
            "warmup_steps": 2,
            "warmup_from": 0.5,
        },
        lambda s: 0.1 + 0.05 * s if s < 2 else [0.2, 0.2, 0.1, 0.1, 0.05, 0.05][s - 2],
    ),
}


def epochs_of(spec, *, spans):
    """Return the epochs of a training, as single events or as a run's listener gets them."""
    if not spans:
        return [e for e in specnet.train(spec) if isinstance(e, specnet.EpochEnded)]
    found = []
    specnet.run(spec, listener=found.append)
    single = [e.epochs() if isinstance(e, specnet.Span) else [e] for e in found]
    return [e for part in single for e in part if isinstance(e, specnet.EpochEnded)]


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("spans", [False, True])
@pytest.mark.parametrize("training", [{}, {"accumulate": 4, "batch_size": 10}], ids=["full", "accumulated"])
def test_events_report_the_rate_of_the_last_step(name, spans, training):
    schedule, expected = SCHEDULES[name]
    epochs = epochs_of(document(schedule=schedule, **training), spans=spans)
    assert [e.step for e in epochs] == list(range(1, EPOCHS + 1))
    assert [e.learning_rate for e in epochs] == pytest.approx([expected(step) for step in range(EPOCHS)])


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("training", [{}, {"accumulate": 4, "batch_size": 10}], ids=["full", "accumulated"])
def test_a_step_takes_the_rate_of_its_schedule(name, training):
    schedule, expected = SCHEDULES[name]
    spec = document(schedule=schedule, **training)
    data = load_data(spec.data, spec.folder, seed=spec.seed, dtype=spec.dtype).splits["train"]

    def gradient(model):
        _, gradients = model.loss_and_gradients(data.inputs, data.targets)
        return np.concatenate([np.ravel(gradients[name]) for name in model.parameters])

    before = slope = model = None
    steps = 0
    for event in specnet.train(spec):
        if isinstance(event, specnet.Started):
            model = event.model
        elif isinstance(event, specnet.EpochEnded):
            moved = before - model.parameters.flat
            np.testing.assert_allclose(moved, expected(steps) * slope, rtol=1e-9, atol=1e-15)
            steps += 1
        if isinstance(event, specnet.Started | specnet.EpochEnded):
            before = model.parameters.flat.copy()
            slope = gradient(model)
    assert steps == EPOCHS
