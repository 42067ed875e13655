"""What layers refuse of the inputs that they get and of the options that they are given."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError

import specnet
from specnet.diagnostics import RunError, SpecError
from specnet.graph.graph import ShapeFault
from specnet.graph.leaves import name_of
from specnet.vocabulary.layers import LAYERS
from tests.support.lowering import lowered


@pytest.mark.parametrize(
    ("options", "shape", "message", "cure"),
    [
        ({"type": "zero_padding1d"}, (4,), "needs inputs (batch, length, features)", "[-1, 1]"),
        ({"type": "zero_padding2d"}, (4, 3), "needs inputs (batch, height, width, channels)", "[28, 28, 1]"),
        ({"type": "cropping1d", "cropping": 1}, (4, 3, 2), "got (batch, 4, 3, 2)", "reshape"),
        ({"type": "cropping2d", "cropping": 1}, (), "got (batch,)", "reshape"),
        ({"type": "upsampling1d"}, (4,), "upsampling1d needs inputs", "reshape"),
        ({"type": "upsampling2d"}, (4,), "upsampling2d needs inputs", "reshape"),
        ({"type": "cropping1d", "cropping": [1, 3]}, (4, 3), "cuts 4 places off 4", "at most 3"),
        ({"type": "cropping2d", "cropping": [[0, 0], [2, 2]]}, (4, 3, 2), "cuts 4 places off 3", "at most 2"),
        ({"type": "cropping2d", "cropping": 1}, (1, 9, 2), "cuts 2 places off 1", "at most 0"),
        (
            {"type": "permute", "dims": [1, 3]},
            (4, 3),
            "is not an ordering of the 2 axes",
            "name each of [1, 2] once",
        ),
        ({"type": "permute", "dims": [1]}, (), "is not an ordering of the 0 axes", "nothing to permute"),
        ({"type": "layer_norm", "axis": 3}, (4, 3), "has no axis 3", "from 1 to 2, or from -2 to -1"),
        ({"type": "layer_norm", "axis": 0}, (4, 3), "has no axis 0", "from 1 to 2"),
        ({"type": "layer_norm", "axis": -2}, (3,), "has no axis -2", "axis = -1"),
        ({"type": "layer_norm", "axis": [1, -2]}, (4, 3), "twice", "once"),
        ({"type": "layer_norm"}, (), "needs inputs with an axis of features", "(batch, 1)"),
        ({"type": "rms_norm", "axis": -3}, (4, 3), "has no axis -3", "from 1 to 2"),
        ({"type": "batch_norm"}, (), "needs inputs with an axis of features", "(batch, 1)"),
        ({"type": "batch_norm", "axis": 4}, (4, 3), "has no axis 4", "from 1 to 2"),
        ({"type": "group_norm"}, (4, 6), "divide the 6 features", "groups = 6"),
        ({"type": "group_norm", "groups": 4}, (4, 6), "into 4 equal groups", "groups = 3"),
        ({"type": "group_norm", "groups": 6}, (6,), "each of its 6 groups is one number", "fewer groups"),
        ({"type": "instance_norm"}, (6,), "needs inputs with places", "layer_norm"),
        ({"type": "spatial_dropout"}, (6,), "needs inputs with places", "dropout"),
        ({"type": "prelu", "shared_axes": [1, 3]}, (4, 3), "along axis 3", "from 1 to 2"),
        ({"type": "glu"}, (4, 3), "an even number of features", "give 4"),
        ({"type": "glu"}, (), "needs inputs with an axis of features", "(batch, 1)"),
        ({"type": "sample"}, (4, 3), "needs a mean and a logarithm of the variance", "give 4"),
        ({"type": "sample"}, (), "needs inputs with an axis of features", "(batch, 1)"),
        ({"type": "maxout", "units": 2}, (), "needs inputs with an axis of features", "(batch, 1)"),
        ({"type": "highway"}, (), "needs inputs with an axis of features", "(batch, 1)"),
        ({"type": "scaling"}, (), "needs inputs with an axis of features", "(batch, 1)"),
        ({"type": "periodic_embedding"}, (4, 3), "takes rows of columns (batch, features)", "flatten"),
        ({"type": "periodic_embedding", "columns": ["a"]}, (3,), "it is not known which", "leave out"),
        ({"type": "piecewise_linear_embedding"}, (), "takes rows of columns", "flatten"),
        ({"type": "feature_tokenizer", "units": 2}, (4, 3), "takes rows of columns", "flatten"),
        ({"type": "rbf", "units": 2}, (), "needs inputs with an axis of features", "(batch, 1)"),
        ({"type": "local_response_norm"}, (), "needs inputs with an axis of features", "(batch, 1)"),
        (
            {"type": "channel_zero_padding", "padding": 1},
            (),
            "needs inputs with an axis of features",
            "(batch, 1)",
        ),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else None,
)
@pytest.mark.parametrize("training", [False, True])
def test_inputs_that_do_not_fit_are_reported_with_help(options, shape, message, cure, training):
    with pytest.raises(ShapeFault) as caught:
        lowered(options, shape, training=training)
    assert message in str(caught.value)
    assert cure in caught.value.help
    assert name_of(caught.value.blame) == "x"


@pytest.mark.parametrize(
    "options",
    [
        {"type": "zero_padding1d", "padding": -1},
        {"type": "zero_padding1d", "padding": [1, 2, 3]},
        {"type": "zero_padding1d", "padding": [[1, 2], [3, 4]]},
        {"type": "zero_padding2d", "padding": [1, [2, -3]]},
        {"type": "cropping1d"},
        {"type": "cropping2d"},
        {"type": "upsampling1d", "size": 0},
        {"type": "upsampling1d", "size": [2, 2]},
        {"type": "upsampling1d", "interpolation": "bilinear"},
        {"type": "upsampling2d", "size": [2]},
        {"type": "upsampling2d", "interpolation": "bicubic"},
        {"type": "permute", "dims": []},
        {"type": "permute", "dims": [0, 1]},
        {"type": "layer_norm", "axis": []},
        {"type": "layer_norm", "epsilon": 0},
        {"type": "rms_norm", "center": True},
        {"type": "group_norm", "groups": 0},
        {"type": "batch_norm", "axis": [1, 2]},
        {"type": "batch_norm", "momentum": 1.5},
        {"type": "batch_norm", "momentum": -0.1},
        {"type": "spatial_dropout", "rate": 1.0},
        {"type": "stochastic_depth"},
        {"type": "gaussian_noise", "stddev": -1.0},
        {"type": "prelu", "shared_axes": [0]},
        {"type": "sample", "kl_weight": -1.0},
        {"type": "maxout", "units": 2, "pieces": 1},
        {"type": "rbf", "units": 2, "function": "cubic"},
        {"type": "local_response_norm", "size": 0},
        {"type": "channel_zero_padding"},
        {"type": "channel_zero_padding", "padding": [1, 2, 3]},
        {"type": "embedding", "input_dim": 3},
        {"type": "embedding", "input_dim": 0, "output_dim": 2},
    ],
    ids=lambda options: "-".join(map(str, options.values())),
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValidationError):
        LAYERS.validate(options)


@pytest.mark.parametrize("kind", ["layer_norm", "group_norm", "instance_norm", "batch_norm"])
@pytest.mark.parametrize(("switch", "name"), [("scale", "gamma"), ("center", "beta")])
def test_options_of_what_is_not_there_are_refused(kind, switch, name):
    for key, value in ((f"{name}_init", "he_normal"), (f"{name}_regularizer", "l2")):
        with pytest.raises(ValidationError, match=f"with {switch} = false there is no {name}"):
            LAYERS.validate({"type": kind, switch: False, key: value})
    # What a run writes down, with all defaults, is read again.
    made = LAYERS.validate({"type": kind, switch: False})
    assert LAYERS.validate(made.model_dump(mode="json")) == made


@pytest.mark.parametrize(("cell", "shown"), [(7.0, "7"), (-1.0, "-1"), (2.5, "2.5"), (1e300, "1e+300")])
def test_numbers_that_are_no_indices_end_a_run_with_a_message(cell, shown, tmp_path):
    inputs = np.arange(14.0).reshape(7, 2) % 7
    inputs[3, 1] = cell
    np.savez(tmp_path / "data.npz", inputs=inputs, targets=np.zeros(7))
    document = {
        "specnet": 1,
        "dtype": "float64",
        "data": {"type": "npz", "path": str(tmp_path / "data.npz")},
        "layers": [
            {"type": "embedding", "name": "words", "input_dim": 7, "output_dim": 2},
            {"type": "flatten"},
            {"type": "dense", "units": 1},
        ],
        "loss": "mse",
        "training": {"epochs": 1},
    }
    whole = cell == int(cell)
    with pytest.raises(SpecError if whole else RunError) as caught:
        list(specnet.train(specnet.load(json.dumps(document))))
    if whole:  # found before the first step
        (found,) = caught.value.diagnostics
        assert found.code == "SN549"
        assert found.message == f"the train data have the index {shown}, and the indices are 0 to 6"
    else:
        message = f"words takes whole numbers from 0 to 6, since its input_dim is 7, got {shown}"
        assert str(caught.value) == message
