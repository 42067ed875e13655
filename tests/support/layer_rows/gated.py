"""Layers in which one part decides about another, and tables of embeddings."""

from __future__ import annotations

import torch

from tests.support.layer_cases import Row

F = torch.nn.functional
L1, L2 = {"type": "l1", "factor": 0.1}, {"type": "l2", "factor": 0.2}


def maxout(pieces):
    def meant(x, p):
        lines = F.linear(x, p["kernel"].T, p.get("bias"))
        return lines.unflatten(-1, (-1, pieces)).amax(-1)

    return meant


def highway(function=torch.relu):
    def meant(x, p):
        made = function(x @ p["kernel"] + p["bias"])
        gate = torch.sigmoid(x @ p["transform_kernel"] + p["transform_bias"])
        return gate * made + (1.0 - gate) * x

    return meant


def squares(p, *names):
    return sum((p[name] ** 2).sum() for name in names)


def sizes(p, *names):
    return sum(p[name].abs().sum() for name in names)


FOUR = {"kernel": (3, 3), "bias": (3,), "transform_kernel": (3, 3), "transform_bias": (3,)}


def prelu(*shape):
    """Return PyTorch's own where alpha is one for each channel, and what it means where it is not."""

    def by_channel(x, p):
        return torch.movedim(F.prelu(torch.movedim(x, -1, 1), p["alpha"].flatten()), 1, -1)

    def by_element(x, p):
        return torch.where(x > 0, x, p["alpha"] * x)

    return by_channel if all(size == 1 for size in shape[:-1]) else by_element


def index(rng, shape):
    return rng.integers(0, 7, shape).astype(float)


ROWS = [
    *(
        Row(
            {"type": "prelu", **({"shared_axes": list(shared)} if shared else {})},
            given,
            prelu(*shape),
            {"alpha": shape},
        )
        for given, shared, shape in [
            ((3,), (), (3,)),
            ((4, 3), (), (4, 3)),
            ((4, 3), (1,), (1, 3)),
            ((2, 4, 3), (1, 2), (1, 1, 3)),
            ((2, 4, 3), (2,), (2, 1, 3)),
            ((4, 3), (1, 2), (1, 1)),
        ]
    ),
    Row(
        {"type": "prelu", "alpha_init": {"type": "constant", "value": 0.25}, "alpha_regularizer": L2},
        (3,),
        prelu(3),
        {"alpha": (3,)},
        penalty=lambda p: 0.2 * squares(p, "alpha"),
    ),
    *(Row({"type": "glu"}, (*lead, 6), lambda x, _: F.glu(x, -1)) for lead in [(), (4,), (2, 3)]),
    *(
        Row(
            {"type": "maxout", "units": 4, "pieces": 3, "use_bias": use_bias},
            (*lead, 5),
            maxout(3),
            {"kernel": (5, 12)} | ({"bias": (12,)} if use_bias else {}),
        )
        for lead in [(), (3,)]
        for use_bias in (True, False)
    ),
    Row(
        {
            "type": "maxout",
            "units": 2,
            "kernel_init": "he_normal",
            "bias_init": {"type": "normal", "stddev": 0.3},
            "kernel_regularizer": L2,
            "bias_regularizer": L1,
        },
        (5,),
        maxout(2),
        {"kernel": (5, 4), "bias": (4,)},
        penalty=lambda p: 0.2 * squares(p, "kernel") + 0.1 * sizes(p, "bias"),
    ),
    *(Row({"type": "highway"}, (*lead, 3), highway(), FOUR) for lead in [(), (4,)]),
    Row(
        {
            "type": "highway",
            "activation": "tanh",
            "kernel_init": "he_normal",
            "bias_init": {"type": "normal", "stddev": 0.3},
            "transform_kernel_init": "lecun_normal",
            "transform_bias_init": {"type": "constant", "value": -2.0},
            "kernel_regularizer": L2,
            "bias_regularizer": L1,
        },
        (3,),
        highway(torch.tanh),
        FOUR,
        penalty=lambda p: (
            0.2 * squares(p, "kernel", "transform_kernel") + 0.1 * sizes(p, "bias", "transform_bias")
        ),
    ),
    *(
        Row(
            {"type": "embedding", "input_dim": 7, "output_dim": 3},
            shape,
            lambda x, p: F.embedding(x.long(), p["embeddings"]),
            {"embeddings": (7, 3)},
            indices=True,
            draw=index,
        )
        for shape in [(4,), (2, 3), (1,)]
    ),
    Row(
        # Of the numbers that are drawn none is the last: what masks do is tested by itself.
        {"type": "embedding", "input_dim": 8, "output_dim": 3, "padding_index": 7},
        (4,),
        lambda x, p: F.embedding(x.long(), p["embeddings"]),
        {"embeddings": (8, 3)},
        indices=True,
        draw=index,
    ),
    Row(
        {
            "type": "embedding",
            "input_dim": 7,
            "output_dim": 1,
            "embeddings_init": "glorot_normal",
            "embeddings_regularizer": L1,
        },
        (4,),
        lambda x, p: F.embedding(x.long(), p["embeddings"]),
        {"embeddings": (7, 1)},
        indices=True,
        draw=index,
        penalty=lambda p: 0.1 * sizes(p, "embeddings"),
    ),
]
