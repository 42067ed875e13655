"""Networks of images, a step of whose plan is one compiled function where all kernels have tables."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

import specnet
from specnet.engines.numba import stepping

IMAGES = np.random.default_rng(0).normal(size=(5, 20, 20, 16)).astype(np.float32)
POOLED = {"type": "max_pooling2d"}
ENDING = [{"type": "flatten"}, {"type": "dense", "units": 4}]


def convolution(filters, size=3, **settings):
    return {"type": "conv2d", "filters": filters, "kernel_size": size, "activation": "relu"} | settings


class Recorded(stepping.WholeSteps):
    made = 0

    def __init__(self, *given):
        super().__init__(*given)
        Recorded.made += 1


def predictions(layers):
    """Return what both engines predict from a few images, on one thread."""
    spec = {
        "specnet": 1,
        "data": {
            "type": "inline",
            "inputs": IMAGES[:4].tolist(),
            "targets": [0, 1, 2, 3],
        },
        "layers": [*layers, *ENDING],
        "loss": "cross_entropy",
        "training": {"epochs": 1},
    }
    models = [specnet.compile(spec, engine=engine, threads=1) for engine in ("numpy", "numba")]
    return [model.predict(IMAGES) for model in models]


@pytest.mark.parametrize(
    ("layers", "one"),
    [
        ([convolution(8), POOLED, convolution(20, padding="same")], True),
        ([convolution(8, strides=2), {"type": "batch_norm"}, convolution(8, dilation=2)], True),
        ([convolution(3), POOLED], True),  # few filters, whose kernel is transposed
        ([convolution(8), convolution(3, dilation=2)], False),  # patches, as is known when it is bound
        ([convolution(8), convolution(8, 1)], False),  # a product of the matrix library
        ([convolution(8), {"type": "depthwise_conv2d", "kernel_size": 3}], False),
        ([convolution(8), {"type": "average_pooling2d"}], False),
    ],
)
def test_a_step_of_a_network_of_images(layers, one, monkeypatch):
    monkeypatch.setattr(stepping, "WholeSteps", Recorded)
    before = Recorded.made
    by_numpy, by_numba = predictions(layers)
    np.testing.assert_allclose(by_numba, by_numpy, 1e-4, 1e-5)
    assert Recorded.made - before == one
