"""Networks over padded sequences, trained for three steps as by PyTorch: packed, with key masks, or row by row."""

from __future__ import annotations

import json

import numpy as np
import pytest

import specnet

torch = pytest.importorskip("torch")

from tests.support.layer_rows.recurrent import MODULES, ordered  # noqa: E402

F = torch.nn.functional

STEPS, FEATURES, UNITS = 7, 4, 4
LENGTHS = torch.tensor([7, 3, 1, 5, 2, 6, 4, 4, 7, 2, 1, 3])
THERE = torch.arange(STEPS) < LENGTHS[:, None]
FILL = 9.0
RATE = 0.05


def packed(kind):
    """Return what PyTorch's module makes of packed sequences: all states, and those after the last steps."""

    def meant(x, p, there, name="layer"):
        module = MODULES[kind](FEATURES, UNITS, batch_first=True, dtype=x.dtype)
        bias = ordered(kind, p[f"{name}.bias"])
        outer, inner = bias if bias.ndim == 2 else (bias, torch.zeros_like(bias))
        named = {
            "weight_ih_l0": ordered(kind, p[f"{name}.kernel"]).T,
            "weight_hh_l0": ordered(kind, p[f"{name}.recurrent_kernel"]).T,
            "bias_ih_l0": outer,
            "bias_hh_l0": inner,
        }
        rows = torch.nn.utils.rnn.pack_padded_sequence(
            x, there.sum(1), batch_first=True, enforce_sorted=False
        )
        states, last = torch.func.functional_call(module, named, (rows,))
        whole, _ = torch.nn.utils.rnn.pad_packed_sequence(states, batch_first=True, total_length=STEPS)
        return whole, (last[0] if kind == "lstm" else last)[0]

    return meant


def turned(x, there):
    """Return sequences in the reversed order of their steps, with their padding where it was."""
    count = there.sum(1, keepdim=True)
    order = (count - 1 - torch.arange(STEPS)).clamp(min=0)
    return torch.gather(x, 1, order[:, :, None].expand(-1, -1, x.shape[2])) * there[:, :, None]


def both_ways(x, p, there):
    forward, _ = packed("gru")(x, p, there, "layer.forward")
    backward, _ = packed("gru")(turned(x, there), p, there, "layer.backward")
    return torch.cat([forward, turned(backward, there)], -1)


def attending(x, p, there, name="layer"):
    module = torch.nn.MultiheadAttention(FEATURES, 2, batch_first=True, dtype=x.dtype)
    three = ("query", "key", "value")
    named = {
        "in_proj_weight": torch.cat([p[f"{name}.{part}.kernel"].T for part in three]),
        "in_proj_bias": torch.cat([p[f"{name}.{part}.bias"] for part in three]),
        "out_proj.weight": p[f"{name}.output.kernel"].T,
        "out_proj.bias": p[f"{name}.output.bias"],
    }
    return torch.func.functional_call(module, named, (x, x, x), {"key_padding_mask": ~there})[0]


def block(x, p, there):
    def norm(part, y):
        return F.layer_norm(y, (FEATURES,), p[f"layer.{part}.gamma"], p[f"layer.{part}.beta"])

    def dense(part, y):
        return y @ p[f"layer.{part}.kernel"] + p[f"layer.{part}.bias"]

    x = x + attending(norm("attention_norm", x), p, there, "layer.attention")
    return x + dense("output", F.gelu(dense("hidden", norm("mlp_norm", x))))


def normalised(x, p, there):
    made = torch.zeros_like(x)
    made[there] = F.batch_norm(
        x[there],
        p["layer.moving_mean"],
        p["layer.moving_variance"],
        p["layer.gamma"],
        p["layer.beta"],
        training=p.training,
        momentum=0.1,
    )
    return made


def by_row(function):
    """Return a layer that PyTorch applies to each row without its padding."""

    def meant(x, p, there):
        found = [function(x[i : i + 1, : there[i].sum()], p)[0] for i in range(len(x))]
        if found[0].ndim == 1:
            return torch.stack(found)
        return torch.stack([F.pad(y, (0, 0, 0, STEPS - len(y))) for y in found])

    return meant


def convolved(x, p, zeros):
    y = F.pad(x.transpose(1, 2), zeros)
    return F.conv1d(y, p["layer.kernel"].permute(2, 1, 0), p["layer.bias"]).transpose(1, 2)


def minimal(x, p):
    h, states = torch.zeros(1, UNITS, dtype=x.dtype), []
    for t in range(x.shape[1]):
        z, n = (x[:, t] @ p["layer.kernel"] + p["layer.bias"]).split(UNITS, -1)
        h = (1 - z.sigmoid()) * h + z.sigmoid() * n
        states.append(h)
    return torch.stack(states, 1)


STATES = {"units": UNITS, "return_sequences": True}
EACH = {
    "lstm": ({**STATES}, lambda x, p, there: packed("lstm")(x, p, there)[0]),
    "gru": ({**STATES}, lambda x, p, there: packed("gru")(x, p, there)[0]),
    "simple_rnn": ({**STATES}, lambda x, p, there: packed("simple_rnn")(x, p, there)[0]),
    "bidirectional": ({"layers": [{"type": "gru", **STATES}]}, both_ways),
    "min_gru": ({**STATES}, by_row(minimal)),
    "attention": ({"heads": 2}, attending),
    "transformer_block": ({"heads": 2}, block),
    "batch_norm": ({"momentum": 0.9, "epsilon": 1e-5}, normalised),
    "conv1d": (
        {"filters": UNITS, "kernel_size": 3, "padding": "causal"},
        by_row(lambda x, p: convolved(x, p, (2, 0))),
    ),
}
WHOLE = {
    "lstm": ({"units": UNITS}, lambda x, p, there: packed("lstm")(x, p, there)[1]),
    "gru": ({"units": UNITS}, lambda x, p, there: packed("gru")(x, p, there)[1]),
    "simple_rnn": ({"units": UNITS}, lambda x, p, there: packed("simple_rnn")(x, p, there)[1]),
    "last_step": ({}, by_row(lambda x, _: x[:, -1])),
    "global_average_pooling1d": ({}, by_row(lambda x, _: x.mean(1))),
    "global_max_pooling1d": ({}, by_row(lambda x, _: x.amax(1))),
    "adaptive_average_pooling1d": (
        {"output_size": 2},
        by_row(lambda x, _: F.adaptive_avg_pool1d(x.transpose(1, 2), 2).transpose(1, 2).flatten(1)),
    ),
    "adaptive_max_pooling1d": (
        {"output_size": 3},
        by_row(lambda x, _: F.adaptive_max_pool1d(x.transpose(1, 2), 3).transpose(1, 2).flatten(1)),
    ),
}


class Held(dict):
    training = True


def document(kind, options, *, each):
    return {
        "specnet": 1,
        "dtype": "float64",
        "data": {"type": "arrays"},
        "layers": [
            {"type": "masking", "mask_value": FILL},
            {"type": "dense", "units": FEATURES, "name": "before", "activation": "tanh"},
            {"type": kind, "name": "layer", **options},
            *([] if each else [{"type": "flatten"}]),
            {"type": "dense", "units": 2, "name": "after"},
        ],
        "loss": "mse",
        "training": {
            "epochs": 1,
            "batch_size": 5,
            "shuffle": False,
            "optimizer": {"type": "sgd", "learning_rate": RATE},
        },
    }


@pytest.mark.parametrize(
    ("kind", "each"), [*((kind, True) for kind in EACH), *((kind, False) for kind in WHOLE)]
)
def test_a_network_trains_as_pytorch_does(kind, each):
    options, meant = (EACH if each else WHOLE)[kind]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(len(LENGTHS), STEPS, FEATURES))
    x[~THERE.numpy()] = FILL
    y = rng.normal(size=(len(LENGTHS), STEPS, 2) if each else (len(LENGTHS), 2))
    spec = specnet.load(json.dumps(document(kind, options, each=each)))
    start = specnet.compile(spec, data=(x, y)).parameters
    held = Held(
        {
            name: torch.tensor(array.copy(), requires_grad="moving" not in name)
            for name, array in start.items()
        }
    )

    def predicted(rows):
        there = THERE[rows]
        given = torch.tensor(x[rows]) * there[:, :, None]
        hidden = torch.tanh(given @ held["before.kernel"] + held["before.bias"])
        made = meant(hidden, held, there)
        return (made if each else made.flatten(1)) @ held["after.kernel"] + held["after.bias"]

    def cost(rows):
        squares = (predicted(rows) - torch.tensor(y[rows])) ** 2
        return (squares[THERE[rows]] if each else squares).mean()

    optimizer = torch.optim.SGD([v for v in held.values() if v.requires_grad], lr=RATE)
    for begin in range(0, len(x), 5):
        optimizer.zero_grad()
        cost(slice(begin, begin + 5)).backward()
        optimizer.step()
    model = specnet.run(spec, data=(x, y)).model
    for name, theirs in held.items():
        np.testing.assert_allclose(model.parameters[name], theirs.detach(), 1e-8, 1e-12, err_msg=name)
    held.training = False
    whole = slice(0, len(x))
    loss, gradients = model.loss_and_gradients(x, y)
    if kind != "batch_norm":  # whose gradients are those of training
        there = cost(whole)
        optimizer.zero_grad()
        there.backward()
        assert loss == pytest.approx(there.item(), rel=1e-8)
        for name, theirs in held.items():
            np.testing.assert_allclose(gradients[name], theirs.grad, 1e-8, 1e-12, err_msg=name)
    with torch.no_grad():
        ours, theirs = model.predict(x), predicted(whole).numpy()
    shown = THERE.numpy() if each else slice(None)
    np.testing.assert_allclose(ours[shown], theirs[shown], 1e-8, 1e-12)
