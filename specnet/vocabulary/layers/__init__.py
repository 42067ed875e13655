from __future__ import annotations

from typing import Any

from specnet.vocabulary.kind import Family
from specnet.vocabulary.layers.layer import Layer

LAYERS: Family[Layer] = Family(
    "layer",
    __name__,
    {
        "dense": "dense.Dense",
        "activation": "basic.ActivationLayer",
        "dropout": "basic.Dropout",
        "flatten": "shaping.Flatten",
        "reshape": "shaping.Reshape",
        "add": "merging.Add",
        "subtract": "merging.Subtract",
        "multiply": "merging.Multiply",
        "average": "merging.Average",
        "maximum": "merging.Maximum",
        "minimum": "merging.Minimum",
        "concat": "merging.Concat",
        "dot": "merging.Dot",
        "sequential": "containers.Sequential",
        "residual": "containers.Residual",
        "parallel": "containers.Parallel",
        "permute": "shaping.Permute",
        "zero_padding1d": "margins.ZeroPadding1D",
        "zero_padding2d": "margins.ZeroPadding2D",
        "cropping1d": "margins.Cropping1D",
        "cropping2d": "margins.Cropping2D",
        "upsampling1d": "upsampling.UpSampling1D",
        "upsampling2d": "upsampling.UpSampling2D",
        "batch_norm": "batch_norm.BatchNorm",
        "layer_norm": "normalisation.LayerNorm",
        "rms_norm": "normalisation.RMSNorm",
        "group_norm": "normalisation.GroupNorm",
        "instance_norm": "normalisation.InstanceNorm",
        "spatial_dropout": "noise.SpatialDropout",
        "gaussian_noise": "noise.GaussianNoise",
        "stochastic_depth": "noise.StochasticDepth",
        "prelu": "prelu.PReLU",
        "glu": "gated.GLU",
        "maxout": "gated.Maxout",
        "highway": "gated.Highway",
        "embedding": "embedding.Embedding",
        "conv1d": "convolution.Conv1D",
        "conv2d": "convolution.Conv2D",
        "conv2d_transpose": "convolution.Conv2DTranspose",
        "depthwise_conv2d": "depthwise.DepthwiseConv2D",
        "separable_conv2d": "depthwise.SeparableConv2D",
        "max_pooling1d": "pooling.MaxPooling1D",
        "max_pooling2d": "pooling.MaxPooling2D",
        "average_pooling1d": "pooling.AveragePooling1D",
        "average_pooling2d": "pooling.AveragePooling2D",
        "global_max_pooling1d": "global_pooling.GlobalMaxPooling1D",
        "global_max_pooling2d": "global_pooling.GlobalMaxPooling2D",
        "global_average_pooling1d": "global_pooling.GlobalAveragePooling1D",
        "global_average_pooling2d": "global_pooling.GlobalAveragePooling2D",
        "adaptive_max_pooling1d": "adaptive_pooling.AdaptiveMaxPooling1D",
        "adaptive_max_pooling2d": "adaptive_pooling.AdaptiveMaxPooling2D",
        "adaptive_average_pooling1d": "adaptive_pooling.AdaptiveAveragePooling1D",
        "adaptive_average_pooling2d": "adaptive_pooling.AdaptiveAveragePooling2D",
    },
)

__all__ = [
    "LAYERS",
    "Layer",
]


def __getattr__(name: str) -> Any:
    """Return a kind's class, imported when it is first asked for."""
    return LAYERS.exported(name)
