"""Pooling, each kind with every option."""

from __future__ import annotations

import torch

from tests.support.layer_cases import Row

F = torch.nn.functional


def first(x):
    return x.movedim(-1, 1)


def last(x):
    return x.movedim(1, -1)


def largest(*size, pad=(), **options):
    """Pool with minus infinity put around first, as (left, right, top, bottom)."""
    pool = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[len(size) - 1]
    return lambda x, _: last(pool(F.pad(first(x), pad, value=-torch.inf), size, **options))


def mean(*size, pad=(), **options):
    """Pool sums and counts with zeros put around first, and divide."""
    pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[len(size) - 1]

    def meant(x, _):
        summed = pool(F.pad(first(x), pad), size, **options)
        counted = pool(F.pad(torch.ones_like(first(x)), pad), size, **options)
        return last(summed / counted)

    return meant


def whole(reduced, keepdims=False):
    return lambda x, _: reduced(x, tuple(range(1, x.ndim - 1)), keepdims)


def maximum(x, axes, keepdims):
    flat = x.flatten(1, -2).amax(1)
    return flat.reshape(len(x), *(1 for _ in axes), x.shape[-1]) if keepdims else flat


def windows(kind, function):
    """Return rows of a kind of pooling with windows, in one, two and three dimensions."""
    one, two, three = (f"{kind}_pooling{n}d" for n in (1, 2, 3))
    return [
        Row({"type": one}, (7, 3), function(2)),
        Row({"type": one, "pool_size": [3], "strides": [2]}, (8, 3), function(3, stride=2)),
        Row(
            {"type": one, "pool_size": 3, "strides": 1, "padding": "same"},
            (5, 2),
            function(3, stride=1, pad=(1, 1)),
        ),
        Row({"type": one, "pool_size": 3, "padding": "same"}, (7, 2), function(3, pad=(1, 1))),
        Row(
            {"type": one, "pool_size": 2, "strides": 3, "padding": "same"},
            (7, 2),
            function(2, stride=3, pad=(0, 1)),
        ),
        Row({"type": two}, (4, 7, 3), function(2, 2)),
        Row({"type": two, "pool_size": [3, 2], "strides": [1, 3]}, (5, 6, 2), function(3, 2, stride=(1, 3))),
        Row(
            {"type": two, "pool_size": 3, "strides": 2, "padding": "same"},
            (5, 6, 2),
            function(3, 3, stride=2, pad=(0, 1, 1, 1)),
        ),
        Row({"type": two, "pool_size": 2, "padding": "same"}, (5, 3, 2), function(2, 2, pad=(0, 1, 0, 1))),
        Row({"type": two, "pool_size": 1, "strides": 2}, (5, 4, 2), function(1, 1, stride=2)),
        Row({"type": two, "pool_size": 1}, (3, 4, 2), function(1, 1)),
        Row({"type": three}, (4, 5, 2, 3), function(2, 2, 2)),
        Row(
            {"type": three, "pool_size": [1, 3, 2], "strides": [2, 1, 3]},
            (5, 4, 6, 2),
            function(1, 3, 2, stride=(2, 1, 3)),
        ),
        Row(
            {"type": three, "pool_size": 3, "strides": 2, "padding": "same"},
            (5, 3, 4, 2),
            function(3, 3, 3, stride=2, pad=(0, 1, 1, 1, 1, 1)),
        ),
    ]


def everywhere(kind, reduced):
    """Return rows of a kind of pooling over all places."""
    return [
        Row({"type": f"global_{kind}_pooling{n}d", **options}, (*shape, 3), whole(reduced, **options))
        for n, shape in [(1, (7,)), (2, (4, 5)), (3, (2, 3, 4)), (1, (1,)), (2, (1, 1))]
        for options in ({}, {"keepdims": True})
    ]


def divided(pool, size):
    return lambda x, _: last(pool(first(x), size))


def cells(kind, pools):
    """Return rows of a kind of pooling by cells, some of which overlap."""
    return [
        Row(
            {"type": f"adaptive_{kind}_pooling{len(shape)}d", "output_size": size},
            (*shape, 3),
            divided(pools[len(shape) - 1], size),
        )
        for shape, size in [
            ((6,), 3),
            ((7,), [3]),
            ((5,), 1),
            ((3,), 5),
            ((4, 6), 2),
            ((7, 5), [3, 4]),
            ((3, 2), [3, 5]),
            ((3, 4, 5), 2),
            ((2, 5, 3), [1, 3, 4]),
        ]
    ]


ROWS = [
    *windows("max", largest),
    *windows("average", mean),
    *everywhere("max", maximum),
    *everywhere("average", torch.mean),
    *cells("max", (F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d)),
    *cells("average", (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)),
]
