"""Every layer in every export: a few networks that have them all."""

from __future__ import annotations

import json

import numpy as np
import pytest

import specnet
from specnet.interchange.exporting import WRITERS, Exported, write_numpy
from specnet.vocabulary.layers import LAYERS
from specnet.vocabulary.layers.containers import Container
from tests.support import image_networks
from tests.support.exports import bare

IMAGES = [
    {"type": "reshape", "shape": [4, 4, 1]},
    {"type": "dense", "units": 4, "activation": "tanh"},
    {"type": "zero_padding2d", "padding": [[1, 0], [2, 1]]},
    {"type": "upsampling2d", "size": [2, 3], "interpolation": "bilinear"},
    {"type": "batch_norm", "momentum": 0.8},
    {"type": "prelu", "shared_axes": [1, 2]},
    {"type": "cropping2d", "cropping": [[1, 2], [0, 3]]},
    {"type": "group_norm", "groups": 2},
    {"type": "spatial_dropout", "rate": 0.2},
    {"type": "upsampling2d"},
    {"type": "instance_norm"},
]
SEQUENCES = [
    {"type": "reshape", "shape": [4, 4]},
    {"type": "permute", "dims": [2, 1]},
    {"type": "zero_padding1d", "padding": 2},
    {"type": "maxout", "units": 12},
    {"type": "sample", "kl_weight": 0.1},
    {"type": "upsampling1d", "size": 3},
    {"type": "glu"},
    {"type": "cropping1d", "cropping": [1, 4]},
    {"type": "layer_norm"},
    {"type": "gaussian_noise", "stddev": 0.1},
    {"type": "highway"},
    {"type": "rms_norm", "axis": [1, 2]},
    {"type": "stochastic_depth", "rate": 0.3},
    {"type": "batch_norm", "axis": 1, "scale": False},
]
TOKENS = [
    {"type": "embedding", "name": "tokens", "input_dim": 5, "output_dim": 3},
    {"type": "activation", "activation": "gelu"},
    {"type": "layer_norm", "axis": 1},
    {"type": "dense", "tie": "tokens", "use_bias": True},
    {"type": "dropout", "rate": 0.1},
]
STEPS = [
    {"type": "reshape", "shape": [4, 4]},
    {"type": "masking"},
    {"type": "positional_embedding"},
    {"type": "attention", "heads": 2, "causal": True, "positions": "rotary"},
    {"type": "transformer_block", "heads": 4, "kv_heads": 2, "dropout": 0.1, "activation": "tanh"},
    {"type": "simple_rnn", "units": 4, "return_sequences": True},
    {"type": "lstm", "units": 5, "return_sequences": True, "recurrent_dropout": 0.1, "layer_norm": True},
    {"type": "gru", "units": 4, "return_sequences": True, "reverse": True},
    {"type": "min_gru", "units": 5, "return_sequences": True, "activation": "tanh"},
    {"type": "tcn_block", "filters": 4, "kernel_size": 2, "dilation": 2, "weight_norm": True, "dropout": 0.1},
    {"type": "last_step"},
]
COLUMNS = [
    {"type": "scaling"},
    {"type": "piecewise_linear_embedding", "bins": 3, "units": 2, "linear": True, "activation": "relu"},
    {"type": "periodic_embedding", "units": 2, "frequencies": 3},
    {
        "type": "dense",
        "units": 5,
        "parametrization": "neural_tangent",
        "kernel_init": "unit_variance",
        "bias_init": "within_data",
    },
    {"type": "parametric_activation", "activation": "selu"},
    {"type": "feature_tokenizer", "units": 3},
]
NETWORKS = {"columns": COLUMNS, "images": IMAGES, "sequences": SEQUENCES, "tokens": TOKENS, "steps": STEPS}


def document(name, rng, folder, **training):
    inputs = rng.integers(0, 5, (30, 16)) if name == "tokens" else rng.normal(size=(30, 16))
    np.savez(folder / "data.npz", inputs=inputs, targets=rng.normal(size=(30, 2)))
    layers = [*NETWORKS[name], {"type": "flatten"}, {"type": "dense", "units": 2}]
    training = {"epochs": 2, "batch_size": 8, **training}
    return specnet.load(
        json.dumps(
            {
                "specnet": 1,
                "name": name,
                "dtype": "float64",
                "data": {"type": "npz", "path": str(folder / "data.npz"), "split": {"validation": 0.2}},
                "layers": layers,
                "loss": "mse",
                "training": training,
            }
        )
    ), inputs


def test_all_layers_are_there():
    tried = {layer["type"] for layers in NETWORKS.values() for layer in layers} | {"flatten", "dense"}
    tried |= {layer["type"] for _, layers in image_networks.NETWORKS.values() for layer in layers}
    # What joins several values or holds layers is in no chain.
    alone = {n for n, kind in LAYERS.kinds.items() if kind.takes[0] == 1 and not issubclass(kind, Container)}
    assert tried == alone


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(
    "training",
    [
        {},
        {
            "epochs": 6,
            "accumulate": 2,
            "optimizer": {"type": "sgd", "learning_rate": 0.1, "momentum": 0.9},
            "early_stopping": {"monitor": "validation.loss", "patience": 1},
        },
    ],
    ids=["plain", "restored"],
)
def test_a_program_trains_and_predicts_as_it_does(name, training, tmp_path):
    spec, inputs = document(name, np.random.default_rng(0), tmp_path, **training)
    result = specnet.run(spec, out=tmp_path / "run")
    write_numpy(tmp_path / "made.py", Exported.of(tmp_path / "run"), training=True)
    found = bare(tmp_path / "made.py", inputs.astype(float))
    for parameter, expected in result.model.parameters.items():
        actual = found[parameter.replace(".", "_")]
        np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-10, err_msg=parameter)
    np.testing.assert_allclose(found["predicted"], result.model.predict(inputs), rtol=1e-9)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
def test_onnx_predicts_as_it_does(name, tmp_path):
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    spec, inputs = document(name, np.random.default_rng(0), tmp_path)
    result = specnet.run(spec, out=tmp_path / "run")
    WRITERS["onnx"](tmp_path / "made.onnx", Exported.of(tmp_path / "run"))
    session = runtime.InferenceSession(str(tmp_path / "made.onnx"), providers=["CPUExecutionProvider"])
    for rows in (1, 7):
        given = np.ascontiguousarray(inputs[:rows], "int64" if name == "tokens" else "float64")
        (found,) = session.run(None, {"inputs": given})
        # The runtime's error function has single precision alone, and so has the epsilon of a small variance.
        rtol, atol = (1e-5, 1e-7) if name in ("tokens", "steps") else (1e-9, 0.0)
        np.testing.assert_allclose(found, result.model.predict(given), rtol, atol)
