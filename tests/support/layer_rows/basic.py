"""Dense layers, functions, dropout, and layers that lay elements out anew."""

from __future__ import annotations

import torch

from tests.support.layer_cases import Row

F = torch.nn.functional


def dense(function=lambda z: z):
    return lambda x, p: function(F.linear(x, p["kernel"].T, p.get("bias")))


ROWS = [
    *(
        Row(
            {"type": "dense", "units": 5, "use_bias": use_bias, "activation": "tanh"},
            shape,
            dense(torch.tanh),
            {"kernel": (6, 5)} | ({"bias": (5,)} if use_bias else {}),
        )
        for shape in [(6,), (4, 6), (2, 3, 6)]
        for use_bias in (True, False)
    ),
    Row(
        {
            "type": "dense",
            "units": 2,
            "activation": {"type": "leaky_relu", "slope": 0.2},
            "kernel_init": "he_normal",
            "bias_init": {"type": "constant", "value": [0.5, -0.25]},
            "kernel_regularizer": {"type": "l2", "factor": 0.2},
            "bias_regularizer": {"type": "l1", "factor": 0.1},
        },
        (3,),
        dense(lambda z: F.leaky_relu(z, 0.2)),
        {"kernel": (3, 2), "bias": (2,)},
        penalty=lambda p: 0.2 * (p["kernel"] ** 2).sum() + 0.1 * p["bias"].abs().sum(),
    ),
    Row({"type": "activation", "activation": "softplus"}, (3,), lambda x, _: F.softplus(x)),
    Row({"type": "activation", "activation": "softmax"}, (2, 3), lambda x, _: torch.softmax(x, -1)),
    Row({"type": "dropout", "rate": 0.3}, (4,), lambda x, _: x, random=True),
    Row({"type": "dropout", "rate": 0.0}, (2, 4), lambda x, _: x),
    Row({"type": "flatten"}, (4, 3, 2), lambda x, _: x.flatten(1)),
    Row({"type": "flatten"}, (5,), lambda x, _: x),
    Row({"type": "reshape", "shape": [6, 4]}, (4, 3, 2), lambda x, _: x.reshape(-1, 6, 4)),
    Row({"type": "reshape", "shape": [2, -1]}, (4, 3, 2), lambda x, _: x.reshape(-1, 2, 12)),
    Row({"type": "reshape", "shape": [-1]}, (4, 3, 2), lambda x, _: x.reshape(-1, 24)),
]
