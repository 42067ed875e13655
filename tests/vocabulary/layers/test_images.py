"""What layers of images and sequences refuse, where they start, and which option of PyTorch's they follow."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError

import specnet
from specnet.engines.random import stream
from specnet.graph import ops
from specnet.graph.graph import ShapeFault
from specnet.vocabulary.initializers import fans
from specnet.vocabulary.layers import LAYERS
from tests.support.lowering import lowered

torch = pytest.importorskip("torch")

CONV2 = {"type": "conv2d", "filters": 4, "kernel_size": 3}
CONV1 = {"type": "conv1d", "filters": 4, "kernel_size": 3}

FAULTS = [
    (CONV2, (28, 28), "conv2d needs images, (batch, height, width, channels), got (batch, 28, 28)",
     "a `reshape` transform, or layer, to [28, 28, 1] gives one channel"),
    (CONV2, (784,), "conv2d needs images, (batch, height, width, channels), got (batch, 784)", None),
    (CONV1, (20,), "conv1d needs sequences, (batch, steps, channels), got (batch, 20)",
     "a `reshape` transform, or layer, to [20, 1] gives one channel"),
    (CONV2, (2, 9, 1), "a kernel of 3 x 3 is larger than the inputs of 2 x 9",
     'a smaller kernel_size, or padding = "same"'),
    ({**CONV2, "dilation": [4, 1]}, (8, 9, 1),
     "a kernel of 3 x 3, dilated to 9 x 3, is larger than the inputs of 8 x 9",
     'a smaller kernel_size, or padding = "same"'),
    (CONV1, (2, 1), "a kernel of 3 steps is larger than the inputs of 2 steps",
     'a smaller kernel_size, or padding = "same"'),
    ({**CONV2, "groups": 2}, (5, 5, 3), "3 channels cannot be divided into 2 groups", "`groups` must divide 3 and 4"),
    ({"type": "depthwise_conv2d", "kernel_size": 9}, (8, 9, 1), "a kernel of 9 x 9 is larger than the inputs of 8 x 9",
     'a smaller kernel_size, or padding = "same"'),
    ({"type": "conv2d_transpose", "filters": 2, "kernel_size": 4, "padding": "same", "output_padding": 0}, (1, 5, 1),
     "nothing of the images would be left: they would be 0 x 4 with what is truncated",
     'a smaller kernel_size, or padding = "valid"'),
    ({"type": "conv1d_transpose", "filters": 2, "kernel_size": 4, "padding": "same", "output_padding": 0}, (1, 1),
     "nothing of the sequences would be left: they would be 0 steps with what is truncated",
     'a smaller kernel_size, or padding = "valid"'),
    ({"type": "conv3d", "filters": 2, "kernel_size": 3}, (5, 5, 1),
     "conv3d needs volumes, (batch, depth, height, width, channels), got (batch, 5, 5, 1)",
     "a `reshape` transform, or layer, to [5, 5, 1, 1] gives one channel"),
    ({"type": "conv3d", "filters": 2, "kernel_size": 3, "dilation": [1, 2, 1]}, (5, 4, 5, 1),
     "a window of 3 x 3 x 3, dilated to 3 x 5 x 3, is larger than the inputs of 5 x 4 x 5",
     'a smaller kernel_size, or padding = "same"'),
    ({"type": "conv3d", "filters": 4, "kernel_size": 1, "groups": 2}, (5, 5, 5, 3),
     "3 channels cannot be divided into 2 groups", "`groups` must divide 3 and 4"),
    ({"type": "average_pooling3d", "pool_size": [1, 2, 3]}, (4, 4, 2, 1),
     "a window of 1 x 2 x 3 is larger than the inputs of 4 x 4 x 2", 'a smaller pool_size, or padding = "same"'),
    ({"type": "global_max_pooling3d"}, (7,),
     "global_max_pooling3d needs volumes, (batch, depth, height, width, channels), got (batch, 7)", None),
    ({"type": "max_pooling2d"}, (1, 4, 3), "a window of 2 x 2 is larger than the inputs of 1 x 4",
     'a smaller pool_size, or padding = "same"'),
    ({"type": "average_pooling1d", "pool_size": 5}, (4, 3), "a window of 5 steps is larger than the inputs of 4 steps",
     'a smaller pool_size, or padding = "same"'),
    ({"type": "max_pooling1d"}, (4,), "max_pooling1d needs sequences, (batch, steps, channels), got (batch, 4)",
     "a `reshape` transform, or layer, to [4, 1] gives one channel"),
    *(
        ({"type": kind, **more}, (4, 5),
         f"{kind} needs images, (batch, height, width, channels), got (batch, 4, 5)",
         "a `reshape` transform, or layer, to [4, 5, 1] gives one channel")
        for kind, more in [
            ("average_pooling2d", {}),
            ("global_max_pooling2d", {}),
            ("global_average_pooling2d", {}),
            ("adaptive_max_pooling2d", {"output_size": 2}),
            ("adaptive_average_pooling2d", {"output_size": 2}),
            ("conv2d_transpose", {"filters": 1, "kernel_size": 2}),
            ("separable_conv2d", {"filters": 1, "kernel_size": 2}),
        ]
    ),
]  # fmt: skip


@pytest.mark.parametrize(("options", "shape", "message", "help_"), FAULTS)
def test_what_does_not_fit_is_reported_in_the_words_of_the_document(options, shape, message, help_):
    with pytest.raises(ShapeFault) as caught:
        lowered(options, shape)
    assert (str(caught.value), caught.value.help) == (message, help_)


def test_a_fault_names_producer_and_consumer_without_data():
    text = json.dumps(
        {
            "specnet": 1,
            "input_shape": [5, 5, 1],
            "data": {"type": "npz", "path": "absent.npz"},
            "layers": [CONV2, {"type": "max_pooling2d"}, {**CONV2, "kernel_size": 2}],
            "loss": "mse",
        },
        indent=1,
    )
    (fault,) = (d for d in specnet.validate(text, data=False).diagnostics if d.severity == "error")
    assert (fault.code, fault.path) == ("SN401", ("layers", 2))
    assert fault.message == "a kernel of 2 x 2 is larger than the inputs of 1 x 1"
    (label,) = fault.labels
    assert (label.message, label.path) == ("this gives (batch, 1, 1, 4)", ("layers", 1))


@pytest.mark.parametrize(
    "options",
    [
        {"type": "conv2d", "filters": 4},
        {**CONV2, "kernel_size": 0},
        {**CONV2, "kernel_size": [3]},
        {**CONV2, "kernel_size": [3, 3, 3]},
        {**CONV2, "padding": "causal"},
        {**CONV2, "padding": 1},
        {**CONV2, "groups": 3},
        {**CONV2, "strides": -1},
        {**CONV1, "kernel_size": [3, 3]},
        {**CONV1, "padding": "full"},
        {**CONV2, "type": "conv2d_transpose", "strides": 2, "output_padding": 2},
        {**CONV2, "type": "conv2d_transpose", "strides": [3, 2], "output_padding": [1, 2]},
        {**CONV2, "type": "conv2d_transpose", "output_padding": -1},
        {**CONV1, "type": "conv1d_transpose", "strides": 2, "output_padding": 2},
        {**CONV1, "type": "conv1d_transpose", "strides": [2], "output_padding": [2]},
        {**CONV1, "type": "conv1d_transpose", "output_padding": [0, 0]},
        {**CONV1, "type": "conv1d_transpose", "padding": "causal"},
        {"type": "conv3d", "filters": 4, "kernel_size": [3, 3]},
        {"type": "max_pooling3d", "pool_size": [2, 2]},
        {"type": "depthwise_conv2d", "kernel_size": 3, "depth_multiplier": 0},
        {"type": "max_pooling2d", "pool_size": 0},
        {"type": "adaptive_max_pooling1d"},
        {"type": "global_max_pooling2d", "pool_size": 2},
    ],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValidationError):
        LAYERS.validate(options)


def test_fans_count_the_receptive_field():
    """As in Keras; PyTorch agrees for a convolution, whose weight is (filters, channels / groups, height, width)."""
    assert fans((3, 2, 4, 6)) == (3 * 2 * 4, 3 * 2 * 6)
    _, build, _, _ = lowered({**CONV2, "filters": 6, "kernel_size": [3, 2], "groups": 2}, (5, 5, 8))
    kernel = build.parameters["layer.kernel"]
    there = torch.empty(6, 4, 3, 2)
    assert fans(kernel.shape) == torch.nn.init._calculate_fan_in_and_fan_out(there)
    drawn = kernel.initial.draw((3, 2, 40, 60), stream(0, "x"))
    limit = np.sqrt(6.0 / (3 * 2 * 40 + 3 * 2 * 60))
    assert 0.99 * limit < np.abs(drawn).max() <= limit


def test_same_padding_is_pytorchs_where_pytorch_has_it():
    """With strides of 1; otherwise PyTorch refuses, and the odd zero stands behind, as in TensorFlow."""
    x, w = torch.zeros(1, 1, 7, 6), torch.zeros(1, 1, 5, 3)
    assert torch.nn.functional.conv2d(x, w, padding="same").shape[2:] == (7, 6)
    _, _, _, y = lowered({**CONV2, "kernel_size": [5, 3], "padding": "same"}, (7, 6, 1))
    assert y.shape[1:3] == (7, 6)
    with pytest.raises(RuntimeError, match="not supported for strided"):
        torch.nn.functional.conv2d(x, w, padding="same", stride=2)
    _, _, _, y = lowered({**CONV2, "kernel_size": [4, 3], "padding": "same", "strides": 2}, (7, 6, 1))
    assert y.shape[1:3] == (4, 3)


def test_a_relu_before_max_pooling_is_computed_behind_it():
    """The pooling has it as its floor, so that it costs no pass over the larger array."""
    graph, builder, _, y = lowered({**CONV2, "activation": "relu"}, (8, 8, 1))
    pooled = LAYERS.validate({"type": "max_pooling2d"}).lower(builder, y)
    assert [v.op.name for v in (pooled, pooled.inputs[0], pooled.inputs[0].inputs[0])] == [
        "max_pool",
        "max_pool",
        "conv2d",
    ]
    assert [ops.max_pool.of(v).floor for v in (pooled, pooled.inputs[0])] == [True, False]
    assert len(graph.values) == len(pooled.graph.values)
