"""The networks of `images` in PyTorch. It is imported without PyTorch, too, so modules are built by functions."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn

MOBILE = ((1, 64), (2, 128), (1, 128), (2, 256))
"""Stride and filters of each depthwise convolution with the pointwise one after it."""


def convnet() -> torch.nn.Module:
    """Return the convnet of specs/mnist-cnn.toml."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(1600, 10),
    )


def large_kernels() -> torch.nn.Module:
    """Return two convolutions of 5 x 5."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(3136, 10),
    )


def narrow() -> torch.nn.Module:
    """Return four convolutions of 24 channels."""
    return _chain((1, 24, 24, 24, 24), ())


def wide() -> torch.nn.Module:
    """Return convolutions of 64 and 128 channels."""
    return _chain((1, 64, 64, 128, 128), (1,))


def _chain(channels: tuple[int, ...], pooled: tuple[int, ...]) -> torch.nn.Module:
    from torch import nn

    layers: list[nn.Module] = []
    for number, (before, after) in enumerate(pairwise(channels)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if number in pooled else []
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels[-1], 10))


def _normalised(*convolution: int, groups: int = 1, relu: bool = True) -> nn.Sequential:
    from torch import nn

    layers = [nn.Conv2d(*convolution, groups=groups, bias=False), nn.BatchNorm2d(convolution[1])]
    return nn.Sequential(*layers, *([nn.ReLU()] if relu else []))


def mobile() -> torch.nn.Module:
    """Return a small network as in MobileNet (Howard et al., 2017)."""
    from torch import nn

    layers, channels = [_normalised(3, 32, 3, 1, 1)], 32
    for stride, filters in MOBILE:
        layers.append(_normalised(channels, channels, 3, stride, 1, groups=channels))
        layers.append(_normalised(channels, filters, 1))
        channels = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


def decoder(*, transposed: bool) -> torch.nn.Module:
    """Return an autoencoder, whose decoder has transposed convolutions, or enlarges images before convolutions."""
    from torch import nn

    def enlarged(before: int, after: int) -> list[nn.Module]:
        if transposed:
            return [nn.ConvTranspose2d(before, after, 2, 2)]
        return [nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, padding=1)]

    return nn.Sequential(
        nn.Conv2d(1, 16, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, 2, 1),
        nn.ReLU(),
        *enlarged(32, 16),
        nn.ReLU(),
        *enlarged(16, 1),
        nn.Sigmoid(),
    )


def resnet() -> torch.nn.Module:
    """Return the network of specs/fashion-resnet.toml."""
    import torch
    from torch import nn

    class Residual(nn.Module):
        """Two convolutions of 3 x 3, and a way round them."""

        def __init__(self, channels: int, filters: int) -> None:
            super().__init__()
            stride = 1 if channels == filters else 2
            self.main = nn.Sequential(
                _normalised(channels, filters, 3, stride, 1),
                _normalised(filters, filters, 3, 1, 1, relu=False),
            )
            around = _normalised(channels, filters, 1, stride, relu=False)
            self.around = nn.Identity() if stride == 1 else around

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            """Return the sum of both ways."""
            return torch.relu(self.main(x) + self.around(x))

    return nn.Sequential(
        _normalised(1, 24, 3, 1, 1),
        Residual(24, 24),
        Residual(24, 48),
        Residual(48, 96),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(96, 10),
    )
