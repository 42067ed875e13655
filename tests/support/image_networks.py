"""Networks of images and sequences that have many kinds of layers."""

from __future__ import annotations

DENSE = {"type": "dense", "units": 2}


NETWORKS = {
    "convnet": (
        (9, 8, 1),
        [
            {"type": "conv2d", "filters": 3, "kernel_size": 3, "activation": "relu"},
            {"type": "max_pooling2d"},
            {"type": "conv2d", "filters": 4, "kernel_size": 2, "padding": "same", "use_bias": False},
            {"type": "max_pooling2d", "pool_size": [3, 2], "strides": 1, "padding": "same"},
        ],
    ),
    "grouped": (
        (6, 7, 4),
        [
            {"type": "conv2d", "filters": 6, "kernel_size": 3, "groups": 2, "strides": [2, 1], "dilation": [1, 2]},
            {"type": "depthwise_conv2d", "kernel_size": 2, "depth_multiplier": 2, "activation": "tanh"},
            {"type": "adaptive_average_pooling2d", "output_size": [1, 2]},
        ],
    ),
    "separable": (
        (6, 5, 2),
        [
            {"type": "separable_conv2d", "filters": 3, "kernel_size": 2, "strides": 2, "padding": "same"},
            {"type": "adaptive_max_pooling2d", "output_size": 2},
            {"type": "global_average_pooling2d"},
        ],
    ),
    "enlarging": (
        (3, 4, 2),
        [
            {"type": "conv2d_transpose", "filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"},
            {"type": "conv2d_transpose", "filters": 2, "kernel_size": 2, "strides": [3, 2], "groups": 2},
            {"type": "average_pooling2d", "pool_size": 3, "strides": 2, "padding": "same"},
        ],
    ),
    "volumes": (
        (5, 4, 6, 1),
        [
            {"type": "conv3d", "filters": 4, "kernel_size": [3, 2, 3], "padding": "same", "activation": "relu"},
            {"type": "max_pooling3d", "pool_size": [1, 2, 2]},
            {"type": "conv3d", "filters": 4, "kernel_size": 2, "strides": [2, 1, 1], "groups": 2},
            {"type": "local_response_norm", "size": 3, "alpha": 0.5},
            {"type": "average_pooling3d", "pool_size": [2, 1, 2], "strides": 1, "padding": "same"},
        ],
    ),
    "volumes by cells": (
        (4, 3, 5, 2),
        [
            {"type": "conv3d", "filters": 3, "kernel_size": 1, "activation": "tanh"},
            {"type": "adaptive_average_pooling3d", "output_size": [3, 2, 4]},
            {"type": "adaptive_max_pooling3d", "output_size": 2},
            {"type": "global_average_pooling3d"},
        ],
    ),
    "largest of volumes": (
        (2, 3, 2, 2),
        [{"type": "global_max_pooling3d"}, {"type": "channel_zero_padding", "padding": [1, 0]}],
    ),
    "longer": (
        (4, 2),
        [
            {"type": "conv1d_transpose", "filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"},
            {"type": "conv1d_transpose", "filters": 2, "kernel_size": 2, "strides": 3, "groups": 2},
            {"type": "rbf", "units": 3},
        ],
    ),
    "largest": (
        (5, 6, 2),
        [
            {"type": "conv2d", "filters": 3, "kernel_size": 2, "activation": "relu"},
            {"type": "global_max_pooling2d", "keepdims": True},
        ],
    ),
    "cells": (
        (11, 2),
        [
            {"type": "conv1d", "filters": 4, "kernel_size": 2, "padding": "same", "activation": "tanh"},
            {"type": "adaptive_max_pooling1d", "output_size": 7},
            {"type": "adaptive_average_pooling1d", "output_size": 4},
            {"type": "global_average_pooling1d"},
        ],
    ),
    "sequences": (
        (9, 2),
        [
            {"type": "conv1d", "filters": 4, "kernel_size": 3, "padding": "causal", "activation": "relu"},
            {"type": "max_pooling1d"},
            {"type": "average_pooling1d", "pool_size": 2, "strides": 1},
            {"type": "global_max_pooling1d"},
        ],
    ),
}  # fmt: skip
