"""Layers that add places or cut them off, and one that turns axes."""

from __future__ import annotations

import torch

from tests.support.layer_cases import Row

F = torch.nn.functional


def padded(*margins):
    """Return F.pad with margins from the last axis forward: features, columns, rows."""
    return lambda x, _: F.pad(x, (0, 0, *margins))


def enlarged(scale, mode, **options):
    """Return F.interpolate on channels-last inputs."""

    def meant(x, _):
        channels_first = torch.movedim(x, -1, 1)
        return torch.movedim(F.interpolate(channels_first, scale_factor=scale, mode=mode, **options), 1, -1)

    return meant


ROWS = [
    Row({"type": "zero_padding1d"}, (4, 3), padded(1, 1)),
    Row({"type": "zero_padding1d", "padding": 3}, (4, 3), padded(3, 3)),
    Row({"type": "zero_padding1d", "padding": [2, 0]}, (4, 3), padded(2, 0)),
    Row({"type": "zero_padding2d"}, (4, 3, 2), padded(1, 1, 1, 1)),
    Row({"type": "zero_padding2d", "padding": 0}, (4, 3, 2), padded(0, 0, 0, 0)),
    Row({"type": "zero_padding2d", "padding": [2, 1]}, (4, 3, 2), padded(1, 1, 2, 2)),
    Row({"type": "zero_padding2d", "padding": [[0, 1], [2, 3]]}, (4, 3, 2), padded(2, 3, 0, 1)),
    Row({"type": "zero_padding2d", "padding": [2, [0, 1]]}, (4, 3, 2), padded(0, 1, 2, 2)),
    Row({"type": "channel_zero_padding", "padding": 2}, (3,), lambda x, _: F.pad(x, (2, 2))),
    Row({"type": "channel_zero_padding", "padding": [0, 3]}, (4, 3, 2), lambda x, _: F.pad(x, (0, 3))),
    Row({"type": "cropping1d", "cropping": 1}, (4, 3), padded(-1, -1)),
    Row({"type": "cropping1d", "cropping": [0, 3]}, (4, 3), padded(0, -3)),
    Row({"type": "cropping2d", "cropping": 1}, (4, 3, 2), padded(-1, -1, -1, -1)),
    Row({"type": "cropping2d", "cropping": [1, 0]}, (4, 3, 2), padded(0, 0, -1, -1)),
    Row({"type": "cropping2d", "cropping": [[1, 2], [0, 2]]}, (4, 3, 2), padded(0, -2, -1, -2)),
    Row({"type": "upsampling1d"}, (4, 3), enlarged(2, "nearest")),
    Row({"type": "upsampling1d", "size": 3}, (4, 3), enlarged(3, "nearest")),
    Row({"type": "upsampling2d"}, (4, 3, 2), enlarged((2, 2), "nearest")),
    Row({"type": "upsampling2d", "size": [1, 3]}, (4, 3, 2), enlarged((1, 3), "nearest")),
    *(
        Row(
            {"type": "upsampling2d", "size": size, "interpolation": "bilinear"},
            shape,
            enlarged(scale, "bilinear", align_corners=False),
        )
        for size, scale in [(2, (2, 2)), ([3, 2], (3, 2)), ([1, 4], (1, 4)), ([5, 1], (5, 1))]
        for shape in [(4, 3, 2), (1, 6, 1)]
    ),
    Row({"type": "permute", "dims": [2, 1]}, (4, 3), lambda x, _: x.transpose(1, 2)),
    Row({"type": "permute", "dims": [3, 1, 2]}, (4, 3, 2), lambda x, _: x.permute(0, 3, 1, 2)),
    Row({"type": "permute", "dims": [1]}, (4,), lambda x, _: x),
]
