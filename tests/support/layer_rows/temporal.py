"""Layers over the steps of sequences without a loop: PyTorch step by step, and its own convolutions."""

from __future__ import annotations

import torch

from tests.support.layer_cases import Row

F = torch.nn.functional
L1, L2 = {"type": "l1", "factor": 0.1}, {"type": "l2", "factor": 0.2}
IN, UNITS = 3, 4
CHANGED = {
    "kernel_init": "he_normal",
    "bias_init": {"type": "normal", "stddev": 0.3},
    "kernel_regularizer": L2,
    "bias_regularizer": L1,
}


def one_by_one(options, activation=lambda v: v, gate=torch.sigmoid):
    """Return what min_gru's formulas say, one step after the other."""

    def meant(x, p):
        x = x.flip(1) if options.get("reverse") else x
        h = torch.zeros(len(x), UNITS, dtype=x.dtype)
        states = []
        for t in range(x.shape[1]):
            z, n = (x[:, t] @ p["kernel"] + p.get("bias", 0.0)).split(UNITS, -1)
            z = gate(z)
            h = (1 - z) * h + z * activation(n)
            states.append(h)
        if not options.get("return_sequences"):
            return h
        return torch.stack(states[::-1] if options.get("reverse") else states, 1)

    return meant


def gru(options, *, steps=5, meant=None, **more):
    parameters = {"kernel": (IN, 2 * UNITS), "bias": (2 * UNITS,)}
    if not options.get("use_bias", True):
        del parameters["bias"]
    full = {"type": "min_gru", "units": UNITS, **options}
    return Row(full, (steps, IN), meant or one_by_one(options), parameters, **more)


def block_parameters(options):
    filters, size = options["filters"], options["kernel_size"]
    size = size[0] if isinstance(size, list) else size
    found = {}
    for name, channels in (("first", IN), ("second", filters)):
        found[f"{name}.kernel"] = (size, channels, filters)
        if options.get("weight_norm"):
            found[f"{name}.scale"] = (filters,)
        if options.get("use_bias", True):
            found[f"{name}.bias"] = (filters,)
    if filters != IN:
        found["shortcut.kernel"] = (IN, filters)
        if options.get("use_bias", True):
            found["shortcut.bias"] = (filters,)
    return found


def block_by_torch(options, activation=torch.relu):
    """Return what the authors' program computes: padding on both sides, of which the end is cut off."""
    dilation = options.get("dilation", 1)
    dilation = dilation[0] if isinstance(dilation, list) else dilation

    def convolved(x, p, name):
        kernel = p[f"{name}.kernel"].permute(2, 1, 0)
        if f"{name}.scale" in p:
            kernel = torch._weight_norm(kernel, p[f"{name}.scale"][:, None, None], 0)
        zeros = (kernel.shape[2] - 1) * dilation
        y = F.conv1d(x, kernel, p.get(f"{name}.bias"), padding=zeros, dilation=dilation)
        return y[:, :, : x.shape[2]]

    def meant(x, p):
        y = activation(convolved(x.transpose(1, 2), p, "first"))
        y = activation(convolved(y, p, "second")).transpose(1, 2)
        if "shortcut.kernel" in p:
            x = x @ p["shortcut.kernel"] + p.get("shortcut.bias", 0.0)
        return activation(y + x)

    return meant


def block(options, activation=torch.relu, **more):
    full = {"type": "tcn_block", **options}
    return Row(full, (7, IN), block_by_torch(options, activation), block_parameters(options), **more)


def gru_penalty(p):
    return 0.2 * (p["kernel"] ** 2).sum() + 0.1 * p["bias"].abs().sum()


def block_penalty(p):
    kernels = sum((v**2).sum() for n, v in p.items() if n.endswith("kernel"))
    return 0.2 * kernels + 0.1 * sum(v.abs().sum() for n, v in p.items() if n.endswith(".bias"))


SMALL = {"filters": 4, "kernel_size": 2}

ROWS = [
    *(
        gru(options, steps=steps)
        for steps in (1, 2, 5, 8)
        for options in ({}, {"return_sequences": True}, {"reverse": True, "return_sequences": True})
    ),
    gru({"reverse": True}),
    gru({"use_bias": False, "return_sequences": True}),
    gru(CHANGED, penalty=gru_penalty),
    gru(
        {"activation": "softsign", "recurrent_activation": "tanh"},
        meant=one_by_one({}, F.softsign, torch.tanh),
    ),
    gru({"dropout": 0.3}, random=True),
    block(SMALL),
    block({"filters": IN, "kernel_size": 3}),
    block({**SMALL, "dilation": 3, "use_bias": False}),
    block({**SMALL, "kernel_size": [3], "dilation": [2], "activation": "tanh"}, torch.tanh),
    block({**SMALL, "weight_norm": True}),
    block({"filters": IN, "kernel_size": 2, "weight_norm": True, "scale_init": "zeros"}),
    block({**SMALL, **CHANGED}, penalty=block_penalty),
    block({**SMALL, "dropout": 0.3}, random=True),
]
