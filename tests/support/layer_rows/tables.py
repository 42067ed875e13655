"""Layers over the columns of tables, by the formulas of their papers; see tests/vocabulary/layers/test_columns.py."""

from __future__ import annotations

import math

import torch

from tests.support.layer_cases import Row

F = torch.nn.functional
L1, L2 = {"type": "l1", "factor": 0.1}, {"type": "l2", "factor": 0.2}


def by_column(y):
    return y.transpose(0, 1).flatten(1)


def periodic(form):
    def meant(x, p):
        z = 2 * math.pi * x.T[:, :, None] * p["frequencies"][:, None]
        if form == "pbld":
            y = torch.cos(z + p["phases"][:, None]) @ p["kernel"] + p["bias"][:, None]
            return by_column(torch.cat([y, x.T[:, :, None]], 2))
        y = torch.cat([torch.cos(z), torch.sin(z)], 2) @ p["kernel"] + p["bias"][:, None]
        return by_column(torch.relu(y) if form == "plr" else y)

    return meant


def encoded(x, edges):
    """Return the encoding, number by number as the paper writes it, of x (batch, columns)."""
    columns = []
    for own, of in zip(x.T, edges, strict=True):
        real = [k for k in range(len(of) - 1) if of[k + 1] > of[k]]
        found = []
        for k in range(len(of) - 1):
            if k not in real:
                found.append(torch.zeros_like(own))
                continue
            inside = (own - of[k]) / (of[k + 1] - of[k])
            low = -math.inf if k == 0 else 0.0
            last = k + 1 == len(of) - 1 or of[k + 2] <= of[k + 1]
            found.append(inside.clamp(low, math.inf if last else 1.0))
        columns.append(torch.stack(found, -1))
    return torch.stack(columns)


def piecewise(activation=lambda v: v, *, units=True, linear=False):
    def meant(x, p):
        y = encoded(x, p["edges"])
        if not units:
            return by_column(y)
        if linear:
            y = activation(y @ p["kernel"]) + x.T[:, :, None] * p["linear"][:, None] + p["bias"][:, None]
            return by_column(y)
        return by_column(activation(y @ p["kernel"] + p["bias"][:, None]))

    return meant


def tokens(x, p):
    y = x[:, :, None] * p["kernel"] + p["bias"]
    return torch.cat([y, p["cls"].expand(len(x), 1, -1)], 1) if "cls" in p else y


ROWS = [
    Row({"type": "scaling"}, (3,), lambda x, p: x * p["scale"], {"scale": (3,)}),
    Row(
        {
            "type": "scaling",
            "scale_init": {"type": "uniform", "low": 0.5, "high": 2.0},
            "scale_regularizer": L2,
        },
        (4, 3),
        lambda x, p: x * p["scale"],
        {"scale": (3,)},
        penalty=lambda p: 0.2 * (p["scale"] ** 2).sum(),
    ),
    *(
        Row(
            {"type": "parametric_activation", "activation": name, **options},
            shape,
            lambda x, p, function=function: x + p["alpha"] * (function(x) - x),
            {"alpha": (3,)},
            penalty=penalty,
        )
        for name, function in (("selu", F.selu), ("mish", F.mish))
        for shape, options, penalty in (
            ((3,), {}, None),
            (
                (2, 3),
                {"alpha_init": "he_normal", "alpha_regularizer": L1},
                lambda p: 0.1 * p["alpha"].abs().sum(),
            ),
        )
    ),
    *(
        Row(
            {
                "type": "dense",
                "units": 5,
                "parametrization": "neural_tangent",
                "activation": "tanh",
                **({} if bias else {"use_bias": False}),
            },
            (6,),
            lambda x, p: torch.tanh(x @ p["kernel"] / math.sqrt(6) + p.get("bias", 0.0)),
            {"kernel": (6, 5)} | ({"bias": (5,)} if bias else {}),
        )
        for bias in (True, False)
    ),
    *(
        Row(
            {
                "type": "periodic_embedding",
                "form": form,
                "frequency": 0.5,
                "frequencies": 5,
                "units": 3,
                "columns": "all",
            },
            (4,),
            periodic(form),
            {"frequencies": (4, 5)}
            | ({"phases": (4, 5), "kernel": (4, 5, 2)} if form == "pbld" else {"kernel": (4, 10, 3)})
            | {"bias": (4, 2 if form == "pbld" else 3)},
        )
        for form in ("pbld", "plr", "pl")
    ),
    *(
        # Of 4 bins, the median of 11 rows would be an edge, where rounding decides which way a gradient flows.
        Row(
            {"type": "piecewise_linear_embedding", "bins": 3, "bins_by": by, "columns": "all", **options},
            (3,),
            piecewise(**how, units="units" in options),
            {name: (3, *shape) for name, shape in shapes.items()},
            statistics={"edges": (3, 4)},
            unmoved=frozenset({"edges"}),
        )
        for by in ("quantiles", "targets")
        for options, how, shapes in (
            ({}, {}, {}),
            ({"units": 2}, {}, {"kernel": (3, 2), "bias": (2,)}),
            (
                {"units": 2, "linear": True, "activation": "tanh"},
                {"linear": True, "activation": torch.tanh},
                {"kernel": (3, 2), "linear": (2,), "bias": (2,)},
            ),
            (
                {"units": 2, "activation": "relu"},
                {"activation": torch.relu},
                {"kernel": (3, 2), "bias": (2,)},
            ),
        )
    ),
    Row(
        {"type": "feature_tokenizer", "units": 4},
        (3,),
        tokens,
        {"kernel": (3, 4), "bias": (3, 4), "cls": (1, 4)},
    ),
    Row(
        {"type": "feature_tokenizer", "units": 4, "cls": False},
        (3,),
        tokens,
        {"kernel": (3, 4), "bias": (3, 4)},
    ),
]
