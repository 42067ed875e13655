"""Recurrent layers: PyTorch's own modules where it has the options, and its operations step by step where not."""

from __future__ import annotations

import torch

from tests.support.layer_cases import Row

L1, L2 = {"type": "l1", "factor": 0.1}, {"type": "l2", "factor": 0.2}
IN, UNITS, STEPS = 3, 4, 5
GATES = {"simple_rnn": 1, "lstm": 4, "gru": 3}
MODULES = {"simple_rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
CHANGED = {
    "kernel_init": "he_normal",
    "recurrent_kernel_init": "glorot_normal",
    "bias_init": {"type": "normal", "stddev": 0.3},
    "kernel_regularizer": L2,
    "recurrent_kernel_regularizer": L1,
    "bias_regularizer": L2,
}


def parameters(name, *, use_bias=True, reset_after=True):
    width = GATES[name] * UNITS
    bias = (2, width) if name == "gru" and reset_after else (width,)
    kernels = {"kernel": (IN, width), "recurrent_kernel": (UNITS, width)}
    return kernels | ({"bias": bias} if use_bias else {})


def ordered(name, array):
    """Return the columns of the gates in PyTorch's order."""
    if name != "gru":
        return array
    z, r, n = array.split(UNITS, -1)
    return torch.cat([r, z, n], -1)


def picked(states, options):
    return states if options.get("return_sequences") else states[:, -1]


def module(name, options):
    """Return what PyTorch's module makes of our parameters."""

    def meant(x, p):
        made = MODULES[name](IN, UNITS, bias="bias" in p, batch_first=True, dtype=x.dtype)
        named = {
            "weight_ih_l0": ordered(name, p["kernel"]).T,
            "weight_hh_l0": ordered(name, p["recurrent_kernel"]).T,
        }
        if "bias" in p:
            bias = ordered(name, p["bias"])
            outer, inner = bias if bias.ndim == 2 else (bias, torch.zeros_like(bias))
            named |= {"bias_ih_l0": outer, "bias_hh_l0": inner}
        back = options.get("reverse", False)
        states, _ = torch.func.functional_call(made, named, (x.flip(1) if back else x,))
        chosen = picked(states, options)
        return chosen.flip(1) if back and chosen.ndim == 3 else chosen

    return meant


def steps(name, options, activation=torch.tanh, gate=torch.sigmoid):
    """Return what the formulas of a layer say, step by step."""

    def meant(x, p):
        h = c = torch.zeros(len(x), UNITS, dtype=x.dtype)
        states = []
        bias = p.get("bias", torch.zeros(GATES[name] * UNITS, dtype=x.dtype))
        for t in range(STEPS):
            given = x[:, t] @ p["kernel"] + bias
            if name == "simple_rnn":
                h = activation(given + h @ p["recurrent_kernel"])
            elif name == "lstm":
                i, f, n, o = (given + h @ p["recurrent_kernel"]).split(UNITS, -1)
                c = gate(f) * c + gate(i) * activation(n)
                h = gate(o) * activation(c)
            else:
                zr, n = given[:, : 2 * UNITS], given[:, 2 * UNITS :]
                kernels = p["recurrent_kernel"].split([2 * UNITS, UNITS], -1)
                z, r = gate(zr + h @ kernels[0]).split(UNITS, -1)
                h = z * h + (1 - z) * activation(n + (r * h) @ kernels[1])
            states.append(h)
        return picked(torch.stack(states, 1), options)

    return meant


def normed(name, options):
    """Return what the formulas of a layer with `layer_norm` say (Ba et al., 2016), step by step."""
    epsilon = options.get("epsilon", 1e-5)

    def norm(x, gamma):
        return torch.nn.functional.layer_norm(x, x.shape[-1:], eps=epsilon) * gamma

    def in_groups(x, gamma):
        if name == "lstm":
            return norm(x, gamma)
        sizes = [2 * UNITS, UNITS]
        return torch.cat(
            [norm(a, b) for a, b in zip(x.split(sizes, -1), gamma.split(sizes), strict=True)], -1
        )

    def meant(x, p):
        h = c = torch.zeros(len(x), UNITS, dtype=x.dtype)
        states = []
        bias = p.get("bias", torch.zeros(GATES[name] * UNITS, dtype=x.dtype))
        outer, inner = bias if bias.ndim == 2 else (bias, torch.zeros_like(bias))
        for t in range(STEPS):
            given, own = x[:, t] @ p["kernel"], h @ p["recurrent_kernel"]
            if name == "simple_rnn":
                h = torch.tanh(norm(given + own, p["norm.gamma"]) + bias)
                states.append(h)
                continue
            given = in_groups(given, p["input_norm.gamma"]) + outer
            if name == "lstm":
                i, f, n, o = (given + in_groups(own, p["recurrent_norm.gamma"])).split(UNITS, -1)
                c = f.sigmoid() * c + i.sigmoid() * n.tanh()
                h = o.sigmoid() * torch.tanh(norm(c, p["cell_norm.gamma"]) + p["cell_norm.beta"])
            elif options.get("reset_after", True):
                own = in_groups(own, p["recurrent_norm.gamma"]) + inner
                z, r, n = given.split(UNITS, -1)
                z, r = ((a + b).sigmoid() for a, b in zip((z, r), own.split(UNITS, -1)[:2], strict=True))
                h = z * h + (1 - z) * torch.tanh(n + r * own[:, 2 * UNITS :])
            else:
                kernels = p["recurrent_kernel"].split([2 * UNITS, UNITS], -1)
                gammas = p["recurrent_norm.gamma"].split([2 * UNITS, UNITS])
                zr = given[:, : 2 * UNITS] + norm(h @ kernels[0], gammas[0])
                z, r = zr.sigmoid().split(UNITS, -1)
                n = given[:, 2 * UNITS :] + norm((r * h) @ kernels[1], gammas[1])
                h = z * h + (1 - z) * torch.tanh(n)
            states.append(h)
        return picked(torch.stack(states, 1), options)

    return meant


def normed_row(name, options):
    known = {key: options[key] for key in ("use_bias", "reset_after") if key in options}
    declared = parameters(name, **known)
    width = GATES[name] * UNITS
    if name == "simple_rnn":
        declared["norm.gamma"] = (UNITS,)
    else:
        declared |= {"input_norm.gamma": (width,), "recurrent_norm.gamma": (width,)}
    if name == "lstm":
        declared |= {"cell_norm.gamma": (UNITS,), "cell_norm.beta": (UNITS,)}
    full = {"type": name, "units": UNITS, "layer_norm": True, **options}
    return Row(full, (STEPS, IN), normed(name, options), declared)


def penalty(p):
    return (
        0.2 * sum((p[name] ** 2).sum() for name in ("kernel", "bias"))
        + 0.1 * p["recurrent_kernel"].abs().sum()
    )


def row(name, options, meant, **more):
    known = {key: options[key] for key in ("use_bias", "reset_after") if key in options}
    return Row(
        {"type": name, "units": UNITS, **options}, (STEPS, IN), meant, parameters(name, **known), **more
    )


OLD = {"gru": {"reset_after": False}, "lstm": {"unit_forget_bias": False}}
OTHER = {"gru": {"recurrent_activation": "hard_sigmoid"}, "lstm": {"recurrent_activation": "hard_sigmoid"}}


def hard_sigmoid(x):
    # PyTorch's own divides by a sixth of single precision.
    return torch.clamp(x / 6.0 + 0.5, 0.0, 1.0)


ROWS = [
    *(
        row(name, options, module(name, options))
        for name in GATES
        for options in (
            {},
            {"return_sequences": True},
            {"reverse": True},
            {"reverse": True, "return_sequences": True},
            {"use_bias": False, "return_sequences": True},
        )
    ),
    *(
        row(name, {**CHANGED, **(OLD["lstm"] if name == "lstm" else {})}, module(name, {}), penalty=penalty)
        for name in GATES
    ),
    *(
        row(
            name,
            (
                options := {
                    "activation": "softsign",
                    **OTHER.get(name, {}),
                    **(OLD["gru"] if name == "gru" else {}),
                }
            ),
            steps(name, options, torch.nn.functional.softsign, hard_sigmoid),
        )
        for name in GATES
    ),
    *(
        row("gru", options, steps("gru", options))
        for options in (
            OLD["gru"],
            {**OLD["gru"], "return_sequences": True},
            {**OLD["gru"], "use_bias": False},
        )
    ),
    *(
        normed_row(name, options)
        for name in GATES
        for options in ({}, {"return_sequences": True, "epsilon": 1e-3}, {"use_bias": False})
    ),
    normed_row("gru", {**OLD["gru"], "return_sequences": True}),
    normed_row("gru", {**OLD["gru"], "use_bias": False}),
    *(row(name, {"dropout": 0.3, "recurrent_dropout": 0.2}, module(name, {}), random=True) for name in GATES),
    Row({"type": "last_step"}, (STEPS, IN), lambda x, _: x[:, -1]),
    Row({"type": "last_step"}, (2, 3, IN), lambda x, _: x[:, -1]),
    Row({"type": "masking", "mask_value": 50.0}, (STEPS, IN), lambda x, _: x),
]
