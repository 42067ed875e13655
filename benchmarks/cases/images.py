"""Convolutional networks on made-up images, compared with PyTorch in both of its layouts of memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.case import Case, Peer, Peers, Setting
from benchmarks.cases import image_networks as networks
from benchmarks.cases.dense import fused
from benchmarks.steps import as_images, document, engines, images, pytorch

if TYPE_CHECKING:
    import torch

RESNET = Path(__file__).parents[2] / "specs" / "fashion-resnet.toml"

CONVNET = """
    { type = "conv2d", filters = 32, kernel_size = 3, activation = "relu" },
    { type = "max_pooling2d" },
    { type = "conv2d", filters = 64, kernel_size = 3, activation = "relu" },
    { type = "max_pooling2d" },
    { type = "flatten" },
    { type = "dropout", rate = 0.5 },
    { type = "dense", units = 10 },
"""

LARGE_KERNELS = """
    { type = "conv2d", filters = 32, kernel_size = 5, padding = "same", activation = "relu" },
    { type = "max_pooling2d" },
    { type = "conv2d", filters = 64, kernel_size = 5, padding = "same", activation = "relu" },
    { type = "max_pooling2d" },
    { type = "flatten" },
    { type = "dense", units = 10 },
"""

NARROW = """
    { type = "sequential", repeat = 4, layers = [
        { type = "conv2d", filters = 24, kernel_size = 3, padding = "same", activation = "relu" }] },
    { type = "global_average_pooling2d" },
    { type = "dense", units = 10 },
"""

WIDE = """
    { type = "conv2d", filters = 64, kernel_size = 3, padding = "same", activation = "relu" },
    { type = "conv2d", filters = 64, kernel_size = 3, padding = "same", activation = "relu" },
    { type = "max_pooling2d" },
    { type = "conv2d", filters = 128, kernel_size = 3, padding = "same", activation = "relu" },
    { type = "conv2d", filters = 128, kernel_size = 3, padding = "same", activation = "relu" },
    { type = "global_average_pooling2d" },
    { type = "dense", units = 10 },
"""

SEPARABLE = """
    {{ type = "depthwise_conv2d", kernel_size = 3, padding = "same", strides = {stride}, use_bias = false }},
    {{ type = "batch_norm" }}, {{ type = "activation", activation = "relu" }},
    {{ type = "conv2d", filters = {filters}, kernel_size = 1, use_bias = false }},
    {{ type = "batch_norm" }}, {{ type = "activation", activation = "relu" }},
"""

MOBILE = (
    """
    { type = "conv2d", filters = 32, kernel_size = 3, padding = "same", use_bias = false },
    { type = "batch_norm" }, { type = "activation", activation = "relu" },
"""
    + "".join(SEPARABLE.format(stride=stride, filters=filters) for stride, filters in networks.MOBILE)
    + """
    { type = "global_average_pooling2d" },
    { type = "dense", units = 10 },
"""
)

ENCODER = """
    { type = "conv2d", filters = 16, kernel_size = 3, strides = 2, padding = "same", activation = "relu" },
    { type = "conv2d", filters = 32, kernel_size = 3, strides = 2, padding = "same", activation = "relu" },
"""

TRANSPOSED = (
    ENCODER
    + """
    { type = "conv2d_transpose", filters = 16, kernel_size = 2, strides = 2, activation = "relu" },
    { type = "conv2d_transpose", filters = 1, kernel_size = 2, strides = 2, activation = "sigmoid" },
"""
)

UPSAMPLED = (
    ENCODER
    + """
    { type = "upsampling2d" },
    { type = "conv2d", filters = 16, kernel_size = 3, padding = "same", activation = "relu" },
    { type = "upsampling2d" },
    { type = "conv2d", filters = 1, kernel_size = 3, padding = "same", activation = "sigmoid" },
"""
)


@dataclass(frozen=True)
class Images:
    """A network on images of 28 x 28 pixels."""

    layers: str
    build: Callable[[], torch.nn.Module]
    batch: int = 64
    channels: int = 1
    steps: int = 10
    rebuilt: bool = False
    """Whether it learns to give the images back."""

    def __call__(self, setting: Setting) -> Peers:
        """Return its training."""
        import torch

        steps = setting.size(self.steps, 1)
        inputs, targets = images(setting.folder, setting.size(6_400, 2 * self.batch), 28, 28, self.channels)
        x, t = as_images(inputs, targets)
        loss = '"cross_entropy"'
        if self.rebuilt:
            np.savez(setting.folder / "rows.npz", inputs=inputs, targets=(inputs / 255).astype(np.float32))
            t, loss = x, '"mse"'
        spec = document(setting.folder, "images", self.layers, self.batch, loss=loss)
        cost = torch.nn.MSELoss() if self.rebuilt else None
        peers = pytorch(setting, self.build, fused, (x, t), self.batch, steps, cost)
        return engines(setting, spec, steps) | peers


def residual(setting: Setting) -> Peers:
    """Return the training of specs/fashion-resnet.toml without its augmentation."""
    import torch

    def optimizer(parameters: Any) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, 0.1, 0.9, nesterov=True, weight_decay=5e-4, fused=True)

    batch, steps = 128, setting.size(5, 1)
    rows = images(setting.folder, setting.size(6_400, 2 * batch), 28, 28, 1)
    data = {
        "type": "npz",
        "path": str(setting.folder / "rows.npz"),
        "transforms": [{"type": "scale", "factor": 1 / 255}],
    }
    ours = engines(setting, RESNET, steps, data=data, metrics=[], **{"training.epochs": 1000})
    return ours | pytorch(setting, networks.resnet, optimizer, as_images(*rows), batch, steps)


def _case(name: str, work: str, wanted: tuple[float, float], prepare: Callable[[Setting], Peers]) -> Case:
    return Case(name, work, (Peer("PyTorch", *wanted),), prepare, rounds=20)


CASES = [
    _case(
        "cnn", "convnet of mnist-cnn, batches of 64", (1.3, 1.6), Images(CONVNET, networks.convnet, steps=20)
    ),
    _case(
        "cnn-5x5",
        "5 x 5 convolutions, 1-32-64 channels, batches of 64",
        (1.0, 1.2),
        Images(LARGE_KERNELS, networks.large_kernels),
    ),
    _case("resnet", "residual network of fashion-resnet, batches of 128", (0.85, 1.1), residual),
    _case(
        "cnn-24",
        "four 3 x 3 convolutions of 24 channels, batches of 64",
        (0.85, 1.1),
        Images(NARROW, networks.narrow),
    ),
    _case(
        "cnn-64-128",
        "3 x 3 convolutions of 64 and 128 channels, batches of 64",
        (1.0, 1.05),
        Images(WIDE, networks.wide, steps=2),
    ),
    _case(
        "mobilenet",
        "depthwise and pointwise convolutions as in MobileNet, batches of 64",
        (0.45, 1.1),
        Images(MOBILE, networks.mobile, channels=3, steps=3),
    ),
    _case(
        "transposed",
        "autoencoder with conv2d_transpose, batches of 64",
        (1.0, 1.2),
        Images(TRANSPOSED, partial(networks.decoder, transposed=True), rebuilt=True),
    ),
    _case(
        "upsampling",
        "autoencoder with upsampling, batches of 64",
        (1.0, 1.2),
        Images(UPSAMPLED, partial(networks.decoder, transposed=False), rebuilt=True),
    ),
]
