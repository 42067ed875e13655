"""Layers that cannot take new steps after those that they have seen say why; test_table.py compares the others."""

from __future__ import annotations

import pytest

from specnet.graph.streaming import CannotStream
from tests.support.streaming import steps_of


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"type": "lstm", "units": 2}, "returns its state after the last step only"),
        (
            {"type": "gru", "units": 2, "return_sequences": True, "reverse": True},
            "goes from the last step to the first",
        ),
        (
            {"type": "min_gru", "units": 2, "return_sequences": True, "reverse": True},
            "goes from the last step to the first",
        ),
        (
            {
                "type": "bidirectional",
                "layers": [{"type": "lstm", "units": 2, "return_sequences": True}],
            },
            "in both directions",
        ),
        ({"type": "attention"}, "it is not causal"),
        ({"type": "transformer_block"}, "it is not causal"),
        (
            {"type": "conv1d", "filters": 2, "kernel_size": 3, "padding": "same"},
            'its padding is not "causal"',
        ),
        (
            {"type": "conv1d", "filters": 2, "kernel_size": 3, "padding": "causal", "strides": 2},
            "its strides are more than 1",
        ),
        ({"type": "global_max_pooling1d"}, "needs all steps"),
        ({"type": "flatten"}, "needs all steps"),
        ({"type": "last_step"}, "needs all steps"),
        ({"type": "permute", "dims": [2, 1]}, "needs all steps"),
        ({"type": "layer_norm", "axis": [1, 2]}, "normalizes over the steps"),
        ({"type": "rms_norm", "axis": 1}, "normalizes over the steps"),
        ({"type": "group_norm", "groups": 2}, "needs all steps"),
        ({"type": "batch_norm", "axis": 1}, "needs all steps"),
        ({"type": "prelu"}, "has a parameter for each step"),
        (
            {
                "type": "parallel",
                "axis": 1,
                "layers": [{"type": "activation", "activation": a} for a in ("relu", "tanh")],
            },
            "needs all steps",
        ),
        ({"type": "sequential", "layers": [{"type": "flatten"}]}, "flatten_1"),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_a_layer_that_cannot_says_why(options, why):
    with pytest.raises(CannotStream, match=why):
        steps_of(options, (6, 4), 1)
