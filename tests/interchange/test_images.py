"""Networks of images and sequences as programs of NumPy alone, and as ONNX."""

from __future__ import annotations

import json

import numpy as np
import pytest

import specnet
from specnet.interchange.exporting import WRITERS, Exported, write_numpy
from tests.interchange.support import bare, session

DENSE = {"type": "dense", "units": 2}
NETWORKS = {
    "convnet": (
        (9, 8, 1),
        [
            {"type": "conv2d", "filters": 3, "kernel_size": 3, "activation": "relu"},
            {"type": "max_pooling2d"},
            {"type": "conv2d", "filters": 4, "kernel_size": 2, "padding": "same", "use_bias": False},
            {"type": "max_pooling2d", "pool_size": [3, 2], "strides": 1, "padding": "same"},
        ],
    ),
    "grouped": (
        (6, 7, 4),
        [
            {"type": "conv2d", "filters": 6, "kernel_size": 3, "groups": 2, "strides": [2, 1], "dilation": [1, 2]},
            {"type": "depthwise_conv2d", "kernel_size": 2, "depth_multiplier": 2, "activation": "tanh"},
            {"type": "adaptive_average_pooling2d", "output_size": [1, 2]},
        ],
    ),
    "separable": (
        (6, 5, 2),
        [
            {"type": "separable_conv2d", "filters": 3, "kernel_size": 2, "strides": 2, "padding": "same"},
            {"type": "adaptive_max_pooling2d", "output_size": 2},
            {"type": "global_average_pooling2d"},
        ],
    ),
    "enlarging": (
        (3, 4, 2),
        [
            {"type": "conv2d_transpose", "filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"},
            {"type": "conv2d_transpose", "filters": 2, "kernel_size": 2, "strides": [3, 2], "groups": 2},
            {"type": "average_pooling2d", "pool_size": 3, "strides": 2, "padding": "same"},
        ],
    ),
    "largest": (
        (5, 6, 2),
        [
            {"type": "conv2d", "filters": 3, "kernel_size": 2, "activation": "relu"},
            {"type": "global_max_pooling2d", "keepdims": True},
        ],
    ),
    "cells": (
        (11, 2),
        [
            {"type": "conv1d", "filters": 4, "kernel_size": 2, "padding": "same", "activation": "tanh"},
            {"type": "adaptive_max_pooling1d", "output_size": 7},
            {"type": "adaptive_average_pooling1d", "output_size": 4},
            {"type": "global_average_pooling1d"},
        ],
    ),
    "sequences": (
        (9, 2),
        [
            {"type": "conv1d", "filters": 4, "kernel_size": 3, "padding": "causal", "activation": "relu"},
            {"type": "max_pooling1d"},
            {"type": "average_pooling1d", "pool_size": 2, "strides": 1},
            {"type": "global_max_pooling1d"},
        ],
    ),
}  # fmt: skip


@pytest.fixture(params=NETWORKS)
def finished(request, tmp_path):
    """A short training of each network: the folder of the run, its result, and some rows."""
    shape, layers = NETWORKS[request.param]
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(10, *shape))
    np.savez(tmp_path / "data.npz", inputs=inputs, targets=rng.normal(size=(10, 2)))
    document = {
        "specnet": 1,
        "dtype": "float64",
        "data": {"type": "npz", "path": str(tmp_path / "data.npz")},
        "layers": [*layers, {"type": "flatten"}, DENSE],
        "loss": "mse",
        "training": {"epochs": 2, "batch_size": 4},
    }
    result = specnet.run(specnet.load(json.dumps(document)), out=tmp_path / "run")
    return tmp_path, result, inputs


def test_a_program_of_numpy_alone_trains_and_predicts_the_same(finished):
    folder, result, inputs = finished
    write_numpy(folder / "made.py", Exported.of(folder / "run"), training=True)
    found = bare(folder / "made.py", inputs)
    np.testing.assert_allclose(found["predicted"], result.model.predict(inputs), 1e-10)
    for name, expected in result.model.parameters.items():
        np.testing.assert_allclose(found[name.replace(".", "_")], expected, 1e-9, 1e-12, err_msg=name)


def test_onnx_predicts_the_same(finished):
    """To single precision, which is all that the runtime has of convolutions."""
    onnx = pytest.importorskip("onnx")
    folder, result, inputs = finished
    WRITERS["onnx"](folder / "made.onnx", Exported.of(folder / "run"))
    onnx.checker.check_model(str(folder / "made.onnx"), full_check=True)
    for rows in (1, 10):
        (found,) = session(folder / "made.onnx").run(None, {"inputs": inputs[:rows]})
        np.testing.assert_allclose(found, result.model.predict(inputs[:rows]), 1e-4, 1e-5)
