"""Small trainings with calibration and intervals."""

from __future__ import annotations

import numpy as np

import specnet

SPLIT = {"validation": 0.3, "test": 0.4}


def classes(rows=600, count=3, seed=0):
    """Rows of overlapping classes."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, count, rows)
    return rng.normal(size=(rows, 4)) + 0.9 * np.eye(4)[y], y


def numbers(rows=600, seed=0):
    """Rows with a positive target whose logarithm has noise."""
    rng = np.random.default_rng(seed)
    x = rng.random((rows, 2))
    return x, np.exp(2 * x[:, 0] + rng.normal(0, 0.3, rows))


def document(loss="cross_entropy", units=3, *, output, split=SPLIT, data=None, **more):
    """A document for arrays that overfits a little, so that a calibration has something to do."""
    return {
        "specnet": 1,
        "name": "unsure",
        "dtype": "float64",
        **({} if loss is None else {"loss": loss}),
        "data": {"type": "arrays", "split": split, **(data or {})},
        "layers": [
            {"type": "dense", "units": 24, "activation": "tanh"},
            {"type": "dense", "units": units},
        ],
        "training": {"epochs": 30, "batch_size": 32, "optimizer": {"type": "adam", "learning_rate": 0.02}},
        "output": output,
        **more,
    }


def trained(rows, *arguments, **options):
    """The result of a training on arrays."""
    return specnet.run(specnet.load(document(*arguments, **options)), data=rows)


def network_itself(result):
    """The logits, the probabilities and the targets of a result's validation and test rows, before calibration."""
    from specnet.model.scoring import scored, together

    parts = {
        name: together(scored(result.model, result.data.splits[name])) for name in ("validation", "test")
    }
    return {name: part[""] for name, part in parts.items()}
