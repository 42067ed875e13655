"""Convolutions, each with every option."""

from __future__ import annotations

import torch

from tests.support.layer_cases import Row

F = torch.nn.functional

L2 = {"type": "l2", "factor": 0.1}
L1 = {"type": "l1", "factor": 0.05}


def first(x):
    """Channels first, as PyTorch has them."""
    return x.movedim(-1, 1)


def last(x):
    return x.movedim(1, -1)


def kernel_of(w):
    """Return a kernel (..., in, out) as PyTorch has it, (out, in, ...)."""
    return w.movedim(-1, 0).movedim(-1, 1)


def conv(pad=(), function=lambda z: z, **options):
    """Convolve with zeros put around first, as (left, right, top, bottom)."""

    def meant(x, p):
        w = kernel_of(p["kernel"])
        convolve = (F.conv1d, F.conv2d, F.conv3d)[w.ndim - 3]
        return last(function(convolve(F.pad(first(x), pad), w, p.get("bias"), **options)))

    return meant


def transposed(cut=None, add=(0, 0), function=lambda z: z, **options):
    """Apply PyTorch's transposed convolution without padding; then add zeros behind, and cut off."""

    def meant(x, p):
        y = F.conv_transpose2d(first(x), kernel_of(p["kernel"]), None, **options)
        y = F.pad(y, (0, add[1], 0, add[0]))
        if cut is not None:
            (top, bottom), (left, right) = cut
            y = y[:, :, top : y.shape[2] - bottom, left : y.shape[3] - right]
        bias = p.get("bias")
        return last(function(y if bias is None else y + bias[:, None, None]))

    return meant


def longer(cut=(0, 0), add=0, function=lambda z: z, **options):
    """Apply PyTorch's transposed convolution of sequences, as `transposed` does that of images."""

    def meant(x, p):
        y = F.pad(F.conv_transpose1d(first(x), kernel_of(p["kernel"]), None, **options), (0, add))
        y = y[:, :, cut[0] : y.shape[2] - cut[1]]
        bias = p.get("bias")
        return last(function(y if bias is None else y + bias[:, None]))

    return meant


def by_channel(x, w, bias=None, pad=(), **options):
    rows, columns, channels, times = w.shape
    w = w.reshape(rows, columns, 1, channels * times)
    return F.conv2d(F.pad(x, pad), kernel_of(w), bias, groups=channels, **options)


def depthwise(function=lambda z: z, **options):
    return lambda x, p: last(function(by_channel(first(x), p["depthwise"], p.get("bias"), **options)))


def separable(function=lambda z: z, **options):
    def meant(x, p):
        y = by_channel(first(x), p["depthwise"], **options)
        return last(function(F.conv2d(y, kernel_of(p["pointwise"]), p.get("bias"))))

    return meant


def one(options, shape, meant, kernel, *, bias=True, **more):
    options = {"type": "conv1d", **options}
    held = {"kernel": kernel} | ({"bias": kernel[-1:]} if bias else {})
    return Row(options, shape, meant, held, **more)


def two(options, shape, meant, kernel, *, bias=True, **more):
    options = {"type": "conv2d", **options}
    held = {"kernel": kernel} | ({"bias": kernel[-1:]} if bias else {})
    return Row(options, shape, meant, held, **more)


def wider(options, shape, meant, kernel, *, bias=True, **more):
    filters = (kernel[2] * options.get("groups", 1),)
    held = {"kernel": kernel} | ({"bias": filters} if bias else {})
    return Row({"type": "conv2d_transpose", **options}, shape, meant, held, **more)


def along(options, shape, meant, kernel, *, bias=True, **more):
    filters = (kernel[1] * options.get("groups", 1),)
    held = {"kernel": kernel} | ({"bias": filters} if bias else {})
    return Row({"type": "conv1d_transpose", **options}, shape, meant, held, **more)


def three(options, shape, meant, kernel, *, bias=True, **more):
    options = {"type": "conv3d", **options}
    held = {"kernel": kernel} | ({"bias": kernel[-1:]} if bias else {})
    return Row(options, shape, meant, held, **more)


def penalties(*names):
    """Charge the first array by the sum of its squares, and the second by that of its sizes."""

    def charge(p):
        cost = 0.1 * (p[names[0]] ** 2).sum()
        return cost + (0.05 * p[names[1]].abs().sum() if len(names) > 1 else 0.0)

    return charge


STARTS = {"kernel_init": "he_normal", "bias_init": {"type": "constant", "value": 0.3}}
CHARGED = {"kernel_regularizer": L2, "bias_regularizer": L1}

ROWS = [
    one({"filters": 4, "kernel_size": 3}, (7, 2), conv(), (3, 2, 4)),
    one(
        {"filters": 4, "kernel_size": [3], "strides": [2], "padding": "same"},
        (8, 2),
        conv((0, 1), stride=2),
        (3, 2, 4),
    ),
    one(
        {"filters": 4, "kernel_size": 4, "strides": 3, "padding": "same"},
        (7, 2),
        conv((1, 2), stride=3),
        (4, 2, 4),
    ),
    one(
        {"filters": 3, "kernel_size": 3, "padding": "same", "dilation": 2},
        (7, 2),
        conv((2, 2), dilation=2),
        (3, 2, 3),
    ),
    one(
        {"filters": 3, "kernel_size": 3, "padding": "causal", "dilation": 2},
        (6, 2),
        conv((4, 0), dilation=2),
        (3, 2, 3),
    ),
    one(
        {"filters": 3, "kernel_size": 2, "padding": "causal", "strides": 2},
        (6, 2),
        conv((1, 0), stride=2),
        (2, 2, 3),
    ),
    one(
        {"filters": 6, "kernel_size": 2, "groups": 2, "use_bias": False, "activation": "tanh"},
        (5, 4),
        conv(function=torch.tanh, groups=2),
        (2, 2, 6),
        bias=False,
    ),
    one(
        {"filters": 4, "kernel_size": 3, **STARTS, **CHARGED},
        (5, 2),
        conv(),
        (3, 2, 4),
        penalty=penalties("kernel", "bias"),
    ),
    two({"filters": 4, "kernel_size": 3}, (6, 5, 2), conv(), (3, 3, 2, 4)),
    two(
        {"filters": 3, "kernel_size": [2, 3], "padding": "same", "activation": "tanh"},
        (4, 5, 2),
        conv((1, 1, 0, 1), torch.tanh),
        (2, 3, 2, 3),
    ),
    two(
        {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"},
        (6, 5, 2),
        conv((1, 1, 0, 1), stride=2),
        (3, 3, 2, 3),
    ),
    two({"filters": 3, "kernel_size": 3, "strides": [3, 1]}, (7, 4, 2), conv(stride=(3, 1)), (3, 3, 2, 3)),
    two(
        {"filters": 3, "kernel_size": 2, "strides": 2, "dilation": [2, 3]},
        (7, 8, 1),
        conv(stride=2, dilation=(2, 3)),
        (2, 2, 1, 3),
    ),
    two(
        {"filters": 6, "kernel_size": 3, "groups": 2, "padding": "same", "use_bias": False},
        (4, 5, 4),
        conv((1, 1, 1, 1), groups=2),
        (3, 3, 2, 6),
        bias=False,
    ),
    two({"filters": 6, "kernel_size": 2, "groups": 3}, (4, 3, 3), conv(groups=3), (2, 2, 1, 6)),
    two({"filters": 5, "kernel_size": 1}, (3, 4, 3), conv(), (1, 1, 3, 5)),
    two({"filters": 5, "kernel_size": 1, "strides": 2}, (3, 4, 3), conv(stride=2), (1, 1, 3, 5)),
    two(
        {"filters": 4, "kernel_size": 3, **STARTS, **CHARGED},
        (5, 4, 2),
        conv(),
        (3, 3, 2, 4),
        penalty=penalties("kernel", "bias"),
    ),
    three({"filters": 4, "kernel_size": 3}, (4, 5, 3, 2), conv(), (3, 3, 3, 2, 4)),
    three(
        {"filters": 3, "kernel_size": [2, 3, 1], "padding": "same", "activation": "tanh"},
        (3, 4, 2, 2),
        conv((0, 0, 1, 1, 0, 1), torch.tanh),
        (2, 3, 1, 2, 3),
    ),
    three(
        {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"},
        (5, 6, 4, 2),
        conv((0, 1, 0, 1, 1, 1), stride=2),
        (3, 3, 3, 2, 3),
    ),
    three(
        {"filters": 2, "kernel_size": [2, 1, 2], "strides": [3, 1, 2]},
        (7, 2, 4, 1),
        conv(stride=(3, 1, 2)),
        (2, 1, 2, 1, 2),
    ),
    three(
        {"filters": 3, "kernel_size": 2, "strides": [2, 1, 1], "dilation": [3, 2, 1]},
        (8, 4, 3, 2),
        conv(stride=(2, 1, 1), dilation=(3, 2, 1)),
        (2, 2, 2, 2, 3),
    ),
    three(
        {"filters": 6, "kernel_size": 2, "groups": 2, "padding": "same", "use_bias": False},
        (3, 2, 4, 4),
        conv((0, 1, 0, 1, 0, 1), groups=2),
        (2, 2, 2, 2, 6),
        bias=False,
    ),
    three(
        {"filters": 3, "kernel_size": [2, 2, 1], "groups": 3}, (3, 3, 2, 3), conv(groups=3), (2, 2, 1, 1, 3)
    ),
    three({"filters": 5, "kernel_size": 1}, (2, 3, 2, 3), conv(), (1, 1, 1, 3, 5)),
    three({"filters": 5, "kernel_size": 1, "strides": 2}, (3, 3, 4, 3), conv(stride=2), (1, 1, 1, 3, 5)),
    three(
        {"filters": 2, "kernel_size": 2, **STARTS, **CHARGED},
        (3, 2, 3, 2),
        conv(),
        (2, 2, 2, 2, 2),
        penalty=penalties("kernel", "bias"),
    ),
    along({"filters": 3, "kernel_size": 3}, (4, 2), longer(), (3, 3, 2)),
    along(
        {"filters": 3, "kernel_size": [2], "strides": [3], "activation": "tanh"},
        (4, 2),
        longer(add=1, stride=3, function=torch.tanh),
        (2, 3, 2),
    ),
    along(
        {"filters": 3, "kernel_size": 4, "strides": 2, "padding": "same"},
        (4, 2),
        longer((1, 1), stride=2),
        (4, 3, 2),
    ),
    along(
        {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same", "output_padding": 1},
        (4, 2),
        longer(padding=1, output_padding=1, stride=2),
        (3, 3, 2),
    ),
    along(
        {"filters": 3, "kernel_size": 2, "strides": 3, "output_padding": [2]},
        (4, 2),
        longer(output_padding=2, stride=3),
        (2, 3, 2),
    ),
    along(
        {"filters": 4, "kernel_size": 2, "groups": 2, "dilation": 3, "use_bias": False},
        (4, 6),
        longer(groups=2, dilation=3),
        (2, 2, 6),
        bias=False,
    ),
    along(
        {"filters": 2, "kernel_size": 2, **STARTS, **CHARGED},
        (3, 2),
        longer(),
        (2, 2, 2),
        penalty=penalties("kernel", "bias"),
    ),
    wider({"filters": 3, "kernel_size": 3}, (3, 4, 2), transposed(), (3, 3, 3, 2)),
    wider(
        {"filters": 3, "kernel_size": [2, 3], "strides": 2, "activation": "tanh"},
        (3, 4, 2),
        transposed(stride=2, function=torch.tanh),
        (2, 3, 3, 2),
    ),
    wider(
        {"filters": 3, "kernel_size": 1, "strides": 2},
        (3, 4, 2),
        transposed(add=(1, 1), stride=2),
        (1, 1, 3, 2),
    ),
    wider(
        {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"},
        (3, 4, 2),
        transposed(((0, 1), (0, 1)), stride=2),
        (3, 3, 3, 2),
    ),
    wider(
        {"filters": 3, "kernel_size": 4, "padding": "same"},
        (3, 4, 2),
        transposed(((1, 2), (1, 2))),
        (4, 4, 3, 2),
    ),
    wider(
        {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same", "output_padding": 1},
        (3, 4, 2),
        transposed(padding=1, output_padding=1, stride=2),
        (3, 3, 3, 2),
    ),
    wider(
        {"filters": 3, "kernel_size": 3, "strides": [3, 2], "output_padding": [2, 0]},
        (2, 4, 2),
        transposed(output_padding=(2, 0), stride=(3, 2)),
        (3, 3, 3, 2),
    ),
    wider(
        {"filters": 4, "kernel_size": 2, "groups": 2, "dilation": [2, 1], "use_bias": False},
        (3, 4, 6),
        transposed(groups=2, dilation=(2, 1)),
        (2, 2, 2, 6),
        bias=False,
    ),
    wider(
        {"filters": 1, "kernel_size": 3, "strides": 2, "padding": "same"},
        (3, 3, 4),
        transposed(((0, 1), (0, 1)), stride=2),
        (3, 3, 1, 4),
    ),
    wider(
        {"filters": 3, "kernel_size": 2, **STARTS, **CHARGED},
        (3, 4, 2),
        transposed(),
        (2, 2, 3, 2),
        penalty=penalties("kernel", "bias"),
    ),
    *(
        Row(
            {"type": "depthwise_conv2d", **options},
            shape,
            meant,
            {"depthwise": kernel}
            | ({"bias": (kernel[2] * kernel[3],)} if options.get("use_bias", True) else {}),
            penalty=penalties("depthwise", "bias") if "depthwise_regularizer" in options else None,
        )
        for options, shape, meant, kernel in [
            ({"kernel_size": 3}, (5, 4, 3), depthwise(), (3, 3, 3, 1)),
            (
                {"kernel_size": [2, 3], "depth_multiplier": 2, "activation": "tanh"},
                (4, 5, 3),
                depthwise(torch.tanh),
                (2, 3, 3, 2),
            ),
            (
                {"kernel_size": 3, "strides": 2, "padding": "same"},
                (6, 5, 2),
                depthwise(pad=(1, 1, 0, 1), stride=2),
                (3, 3, 2, 1),
            ),
            (
                {"kernel_size": 2, "dilation": [2, 3], "use_bias": False},
                (5, 6, 2),
                depthwise(dilation=(2, 3)),
                (2, 2, 2, 1),
            ),
            ({"kernel_size": 2, "depth_multiplier": 3}, (3, 4, 1), depthwise(), (2, 2, 1, 3)),
            (
                {
                    "kernel_size": 2,
                    "depthwise_init": "he_uniform",
                    "bias_init": "ones",
                    "depthwise_regularizer": L2,
                    "bias_regularizer": L1,
                },
                (3, 4, 2),
                depthwise(),
                (2, 2, 2, 1),
            ),
        ]
    ),
    *(
        Row(
            {"type": "separable_conv2d", **options},
            shape,
            meant,
            {"depthwise": kernel, "pointwise": (1, 1, kernel[2] * kernel[3], options["filters"])}
            | ({"bias": (options["filters"],)} if options.get("use_bias", True) else {}),
            penalty=penalties("depthwise", "pointwise") if "depthwise_regularizer" in options else None,
        )
        for options, shape, meant, kernel in [
            ({"filters": 4, "kernel_size": 3}, (5, 4, 3), separable(), (3, 3, 3, 1)),
            (
                {"filters": 4, "kernel_size": 2, "depth_multiplier": 2, "activation": "tanh"},
                (4, 5, 3),
                separable(torch.tanh),
                (2, 2, 3, 2),
            ),
            (
                {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same"},
                (6, 5, 2),
                separable(pad=(1, 1, 0, 1), stride=2),
                (3, 3, 2, 1),
            ),
            (
                {"filters": 2, "kernel_size": 2, "dilation": 2, "use_bias": False},
                (5, 6, 2),
                separable(dilation=2),
                (2, 2, 2, 1),
            ),
            (
                {
                    "filters": 2,
                    "kernel_size": 2,
                    "depthwise_init": "he_uniform",
                    "pointwise_init": "he_normal",
                    "depthwise_regularizer": L2,
                    "pointwise_regularizer": L1,
                },
                (3, 4, 2),
                separable(),
                (2, 2, 2, 1),
            ),
            ({"filters": 2, "kernel_size": 2, "bias_init": "ones"}, (3, 4, 2), separable(), (2, 2, 2, 1)),
        ]
    ),
    Row(
        {"type": "separable_conv2d", "filters": 2, "kernel_size": 2, "bias_regularizer": L2},
        (3, 4, 2),
        separable(),
        {"depthwise": (2, 2, 2, 1), "pointwise": (1, 1, 2, 2), "bias": (2,)},
        penalty=penalties("bias"),
    ),
]
