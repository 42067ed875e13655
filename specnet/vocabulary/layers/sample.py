from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from specnet.graph import ops
from specnet.graph.builder import Builder, MaskUse
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.sizes import show
from specnet.vocabulary.layers import Layer
from specnet.vocabulary.layers.masks import beside


class SampleLayer(Layer):
    """z = mean + exp(log_variance / 2) * n in training, with n from the standard normal distribution; else z = mean.

    x (batch, ..., 2n) -> z (batch, ..., n): the first half of the features of x is the mean, the second the logarithm
    of the variance. It is the bottleneck of a variational autoencoder (Kingma and Welling, 2014), and adds its
    Kullback-Leibler divergence from the standard normal distribution to the loss,

        kl_weight * sum of (mean^2 + variance - log_variance - 1) / 2

    over the features of each row: the mean over rows, or the sum over rows if the loss is a sum. The `scale` of the
    loss does not apply to it. The evidence lower bound sums the loss over all outputs of a row, so that a loss which
    is a mean over them needs the number of outputs as its `scale`.
    """

    type: Literal["sample"] = "sample"
    kl_weight: Annotated[float, Field(ge=0)] = Field(default=1.0, examples=[4.0])
    """The factor of the divergence: the beta of a beta-VAE (Higgins et al., 2017)."""

    masking: ClassVar[MaskUse] = "each"

    def lower(self, build: Builder, x: Value) -> Value:
        features = self.features(x)
        if features % 2:
            raise ShapeFault(
                f"sample needs a mean and a logarithm of the variance for each of its outputs, got {show(x.shape)}",
                x,
                help=f"have the layer before it give {features + 1} features",
            )
        half, none = features // 2, ((0, 0),) * (x.rank - 1)
        mean = ops.crop(x, margins=(*none, (0, half)))
        log_variance = ops.crop(x, margins=(*none, (half, 0)))
        if self.kl_weight:
            divergence = ops.square(mean) + ops.exp(log_variance) - log_variance - 1.0
            axes, mask = tuple(range(1, x.rank)), build.mask_of(x)
            divergence = divergence if mask is None else divergence * beside(mask, divergence)
            build.row_penalties.append(ops.reduce_sum(divergence, axes=axes) * (0.5 * self.kl_weight))
        if not build.training:
            return mean
        noise = ops.normal_noise(mean, stream=build.stream("noise"), stddev=1.0)
        return mean + ops.exp(log_variance * 0.5) * noise
