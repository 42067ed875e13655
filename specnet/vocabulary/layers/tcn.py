from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import PositiveInt
from pydantic_core import PydanticCustomError

from specnet.graph.builder import Builder, LengthUse
from specnet.graph.graph import Value
from specnet.vocabulary.activations import ACTIVATIONS, Activation
from specnet.vocabulary.initializers import INITIALIZERS, Initializer
from specnet.vocabulary.kind import fault, table_check
from specnet.vocabulary.layers.convolution import Conv1D
from specnet.vocabulary.layers.dense import Dense
from specnet.vocabulary.layers.dropping import Rate, dropped
from specnet.vocabulary.layers.images import Length
from specnet.vocabulary.layers.parts import shared, within
from specnet.vocabulary.layers.sequences import sequence_sizes
from specnet.vocabulary.layers.weights import Weighted


class TCNBlock(Weighted):
    """y = activation(branch(x) + shortcut(x)), where the branch is two causal convolutions along steps.

    x (batch, steps, channels) -> y (batch, steps, filters), the block of a temporal convolutional network (Bai et al.,
    2018). The branch is, twice, a convolution that sees a step and those before it, the activation, and dropout. The
    shortcut is x itself, or x·kernel + bias if x does not have `filters` channels.

    Blocks with dilations 1, 2, 4, ... after each other see far back with few parameters. The parts are called `first`,
    `second` and `shortcut`. With `weight_norm`, each filter of the two kernels is divided by its length, and multiplied
    by an element of `scale` (filters,), which is trained (Salimans and Kingma, 2016).
    """

    type: Literal["tcn_block"] = "tcn_block"
    lengths: ClassVar[LengthUse | None] = "masked"
    filters: PositiveInt
    """The number of output features."""
    kernel_size: Length
    """The size of the windows in steps."""
    dilation: Length = 1
    """The distance between the steps of a window; Keras's `dilation_rate`."""
    activation: Annotated[Activation, ACTIVATIONS] = ACTIVATIONS.field("relu")
    """The activation after each convolution, and of the sum."""
    dropout: Rate = 0.0
    """In training, the fraction of channels set to 0 after each activation, as a whole, as the paper says; the authors'
    program sets single elements to 0."""
    weight_norm: bool = False
    """Whether the lengths of filters are parameters of their own."""
    scale_init: Annotated[Initializer, INITIALIZERS] = INITIALIZERS.field("ones")
    """Initializer of these lengths. PyTorch starts them at the lengths that the kernel has."""

    @table_check()
    def _scaled(self) -> Iterator[PydanticCustomError]:
        default = (
            type(self).model_fields["scale_init"].get_default(call_default_factory=True, validated_data={})
        )
        if not self.weight_norm and self.scale_init != default:
            message = "`scale_init` would be ignored without `weight_norm = true`"
            yield fault(message, key="scale_init", code="SN306", part="key", help="leave it out")

    def stream_fault(self, build: Builder, xs: tuple[Value, ...]) -> str | None:
        return None

    def lower(self, build: Builder, x: Value) -> Value:
        batch, _, channels = sequence_sizes(self.type, x)
        y = x
        for name in ("first", "second"):
            with within(build, name):
                y = self.activation.lower(self._convolution().lower(build, y))
                y = dropped(build, y, self.dropout, shape=(batch, 1, self.filters))
            y = build.mask(y, build.mask_of(x))
        if channels != self.filters:
            with within(build, "shortcut"):
                x = Dense(units=self.filters, **shared(self, Weighted.model_fields)).lower(build, x)
        return self.activation.lower(y + x)

    def _convolution(self) -> Conv1D:
        options = {
            **shared(self, Weighted.model_fields),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "dilation": self.dilation,
            "padding": "causal",
        }
        made = Conv1D(**options)
        return made.normed(self.scale_init) if self.weight_norm else made
