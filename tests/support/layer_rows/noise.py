"""Layers that draw in training, as they are in evaluation or where they draw nothing."""

from __future__ import annotations

from tests.support.layer_cases import Row


def nothing(x, _):
    return x


def half(x, _):
    return x[..., : x.shape[-1] // 2]


ROWS = [
    Row({"type": "spatial_dropout"}, (4, 3), nothing, random=True),
    Row({"type": "spatial_dropout", "rate": 0.3}, (2, 4, 3), nothing, random=True),
    Row({"type": "spatial_dropout", "rate": 0.0}, (2, 4, 3), nothing),
    Row({"type": "stochastic_depth", "rate": 0.3}, (3,), nothing, random=True),
    Row({"type": "stochastic_depth", "rate": 0.3}, (2, 4, 3), nothing, random=True),
    Row({"type": "stochastic_depth", "rate": 0.0}, (3,), nothing),
    Row({"type": "sample"}, (4,), half, random=True),
    Row({"type": "sample", "kl_weight": 0.0}, (2, 3, 6), half, random=True),
    Row({"type": "gaussian_noise", "stddev": 0.3}, (4, 3), nothing, random=True),
    Row({"type": "gaussian_noise", "stddev": 0.0}, (3,), nothing),
]
