from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar

from pydantic import Field, PositiveFloat

from specnet.graph.builder import Builder, LengthUse, MaskUse
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.sizes import show
from specnet.vocabulary.family import Family
from specnet.vocabulary.kind import Kind, Words

NAME = r"^[A-Za-z_][A-Za-z0-9_-]*$"
"""A layer's name, which the names of its parameters and of saved arrays are made of."""

NUMBERED = r"^([A-Za-z_][A-Za-z0-9_-]*|[1-9][0-9]*)$"
"""A layer's name, or a number, by which the repetitions of a `sequential` are called that is written out."""


ALL_STEPS = "needs all steps of a sequence at once"


class Layer(Kind):
    """One stage of the network: a function of the previous layer's output."""

    name: (
        Annotated[str, Field(pattern=NUMBERED), Words("a string of letters, digits, `_` and `-`")] | None
    ) = Field(default=None, examples=["hidden"])
    """The layer's name; by default its type and its index among layers of that type, from 1."""
    inputs: Annotated[tuple[str, ...], Field(min_length=1)] | None = Field(
        default=None, examples=[["dense_1"]]
    )
    """The names of the layers whose outputs it takes, with `"input"` for the input of the list of layers that
    contains it; by default the output of the previous layer."""
    share: str | None = Field(default=None, examples=["dense_1"])
    """The name of an earlier layer of the same kind whose parameters it uses."""
    trainable: bool = True
    """Whether its parameters are trained; they are saved and used either way."""
    learning_rate_multiplier: PositiveFloat = Field(default=1.0, examples=[0.1])
    """A factor for the learning rate of its parameters."""

    takes: ClassVar[tuple[int, int | None]] = (1, 1)
    """The minimum and maximum number of values that it takes at once."""
    masking: ClassVar[MaskUse] = "mixed"
    """How it treats steps of sequences that are padding."""
    lengths: ClassVar[LengthUse | None] = None
    """How it treats sequences whose length is another one in each batch; by default, layers that work on each step by
    itself take them."""
    memberwise: ClassVar[bool] = False
    """Whether it can be in an ensemble: it takes (members, batch, features), and each parameter is a vector (features,)
    or a kernel (in, units)."""
    is_parallel: ClassVar[bool] = False
    """Whether each of its layers gets its own input, and not the output of the previous one."""

    @property
    def borrows(self) -> bool:
        """Whether it is nothing of its own, but the layer that it shares parameters with, applied once more."""
        return False

    def stream_fault(self, build: Builder, xs: tuple[Value, ...]) -> str | None:
        """Return why it cannot take new steps of values (batch, steps, ...) after those that it has seen, or None."""
        return None if self.masking == "each" else ALL_STEPS

    @property
    def length_use(self) -> LengthUse:
        """How it treats sequences whose length is another one in each batch."""
        return self.lengths or ("masked" if self.masking == "each" else "one")

    @property
    def keeps_states(self) -> bool:
        """Whether its states after a batch are those before the next one."""
        return False

    @property
    def tied(self) -> str | None:
        """The name of the embedding whose table is its kernel."""
        return None

    @property
    def sublayers(self) -> dict[str, tuple[Layer, ...]]:
        """The lists of layers that it holds, by their keys."""
        return {}

    def lower_all(self, build: Builder, xs: tuple[Value, ...]) -> Value:
        """Append the layer's computation over as many values as it takes, and return its result."""
        (x,) = xs
        return self.lower(build, x)

    @abstractmethod
    def lower(self, build: Builder, x: Value) -> Value:
        """Append the layer's computation to the graph and return its result."""

    def features(self, x: Value) -> int:
        """Return how many features an input (batch, ..., features) has; raise ShapeFault where it has no such axis."""
        size = x.shape[-1] if x.rank > 1 else None
        if not isinstance(size, int):
            raise ShapeFault(
                f"{self.type} needs inputs with an axis of features, got {show(x.shape)}",
                x,
                help="one number per row has the shape (batch, 1)",
            )
        return size


LAYERS: Family[Layer] = Family(
    "layer",
    Layer,
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
        "ensemble": "ensemble.Ensemble",
        "permute": "shaping.Permute",
        "zero_padding1d": "margins.ZeroPadding1D",
        "zero_padding2d": "margins.ZeroPadding2D",
        "channel_zero_padding": "margins.ChannelZeroPadding",
        "cropping1d": "margins.Cropping1D",
        "cropping2d": "margins.Cropping2D",
        "upsampling1d": "upsampling.UpSampling1D",
        "upsampling2d": "upsampling.UpSampling2D",
        "batch_norm": "batch_norm.BatchNorm",
        "layer_norm": "normalisation.LayerNorm",
        "rms_norm": "normalisation.RMSNorm",
        "group_norm": "normalisation.GroupNorm",
        "instance_norm": "normalisation.InstanceNorm",
        "local_response_norm": "response.LocalResponseNorm",
        "spatial_dropout": "noise.SpatialDropout",
        "gaussian_noise": "noise.GaussianNoise",
        "stochastic_depth": "noise.StochasticDepth",
        "sample": "sample.SampleLayer",
        "prelu": "prelu.PReLU",
        "parametric_activation": "scaling.ParametricActivation",
        "scaling": "scaling.Scaling",
        "glu": "gated.GLU",
        "maxout": "gated.Maxout",
        "highway": "gated.Highway",
        "rbf": "rbf.RBF",
        "embedding": "embedding.Embedding",
        "periodic_embedding": "periodic.PeriodicEmbedding",
        "piecewise_linear_embedding": "piecewise.PiecewiseLinearEmbedding",
        "feature_tokenizer": "tokenizer.FeatureTokenizer",
        "simple_rnn": "recurrent.SimpleRNN",
        "lstm": "recurrent.LSTM",
        "gru": "recurrent.GRU",
        "min_gru": "min_gru.MinGRU",
        "bidirectional": "bidirectional.Bidirectional",
        "last_step": "shaping.LastStep",
        "masking": "shaping.Masking",
        "positional_embedding": "positions.PositionalEmbedding",
        "attention": "attention.Attention",
        "transformer_block": "transformer.TransformerBlock",
        "conv1d": "convolution.Conv1D",
        "tcn_block": "tcn.TCNBlock",
        "conv2d": "convolution.Conv2D",
        "conv3d": "volumes.Conv3D",
        "conv1d_transpose": "transposed.Conv1DTranspose",
        "conv2d_transpose": "transposed.Conv2DTranspose",
        "depthwise_conv2d": "depthwise.DepthwiseConv2D",
        "separable_conv2d": "depthwise.SeparableConv2D",
        "max_pooling1d": "pooling.MaxPooling1D",
        "max_pooling2d": "pooling.MaxPooling2D",
        "average_pooling1d": "pooling.AveragePooling1D",
        "average_pooling2d": "pooling.AveragePooling2D",
        "max_pooling3d": "volumes.MaxPooling3D",
        "average_pooling3d": "volumes.AveragePooling3D",
        "global_max_pooling1d": "global_pooling.GlobalMaxPooling1D",
        "global_max_pooling2d": "global_pooling.GlobalMaxPooling2D",
        "global_average_pooling1d": "global_pooling.GlobalAveragePooling1D",
        "global_average_pooling2d": "global_pooling.GlobalAveragePooling2D",
        "global_max_pooling3d": "volumes.GlobalMaxPooling3D",
        "global_average_pooling3d": "volumes.GlobalAveragePooling3D",
        "adaptive_max_pooling1d": "adaptive_pooling.AdaptiveMaxPooling1D",
        "adaptive_max_pooling2d": "adaptive_pooling.AdaptiveMaxPooling2D",
        "adaptive_average_pooling1d": "adaptive_pooling.AdaptiveAveragePooling1D",
        "adaptive_average_pooling2d": "adaptive_pooling.AdaptiveAveragePooling2D",
        "adaptive_max_pooling3d": "volumes.AdaptiveMaxPooling3D",
        "adaptive_average_pooling3d": "volumes.AdaptiveAveragePooling3D",
    },
)

__getattr__ = LAYERS.exported
