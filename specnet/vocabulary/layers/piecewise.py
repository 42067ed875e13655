from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt
from pydantic_core import PydanticCustomError

from specnet.graph import ops
from specnet.graph.builder import Builder, MaskUse
from specnet.graph.graph import Value
from specnet.graph.leaves import constant
from specnet.graph.scopes import ObservedValue
from specnet.graph.sizes import static
from specnet.vocabulary.activations import ACTIVATIONS, Activation
from specnet.vocabulary.initializers import INITIALIZERS
from specnet.vocabulary.initializers.edges import BinEdges
from specnet.vocabulary.kind import fault, table_check
from specnet.vocabulary.layers.columns import ColumnLayer, uniform_for

UNBOUNDED = 1e30
"""What stands for infinity as a limit, since no array of a model holds infinite numbers."""


class PiecewiseLinearEmbedding(ColumnLayer):
    """Turn each column of numbers into how far it has come in each of its bins, and multiply that by a kernel.

    x (batch, in) -> y (batch, columns * units + others), the features of a column next to each other, and behind them
    the columns that are not embedded. The encoding e of a column has a number for each bin: 1 if x lies beyond the bin,
    0 if it lies before it, and in between the fraction of the bin that is below x. The first bin has no lower end, and
    the last one no upper end. Then, for each column by itself,

        y = activation(e·kernel + bias),   or with `linear`   y = activation(e·kernel) + x * linear + bias

    so that y is a piecewise linear function of x (Gorishniy et al., 2022). With `linear` the kernel starts at 0, and
    the embedding as a linear one (Gorishniy et al., 2025); else kernel and bias start uniformly in ±1 / sqrt(bins),
    `linear` and its bias in ±1 / sqrt(units). Without `units`, y is e. The edges of the bins are computed from the
    training split before the first step: `edges` (columns, bins + 1), where a column with fewer bins repeats its last
    edge.
    """

    type: Literal["piecewise_linear_embedding"] = "piecewise_linear_embedding"
    bins: Annotated[int, Field(ge=2, le=10_000)] = 48
    """The maximum number of bins of each column; equal edges are one."""
    bins_by: Literal["quantiles", "targets"] = "quantiles"
    """Whether all bins hold about as many rows, or are the leaves of a decision tree that predicts the targets from the
    column. A leaf has at least 64 rows, or a twentieth of all where that is less."""
    units: PositiveInt | None = Field(default=None, examples=[16])
    """The number of output features for each column; by default the encoding itself is the output."""
    linear: bool = False
    """Whether a trained multiple of the number itself is added."""
    activation: Annotated[Activation, ACTIVATIONS] = ACTIVATIONS.field("linear")
    """The activation applied to the product."""

    masking: ClassVar[MaskUse] = "each"

    @table_check()
    def _linear_applies(self) -> Iterator[PydanticCustomError]:
        return self._applies("linear")

    @table_check()
    def _activation_applies(self) -> Iterator[PydanticCustomError]:
        return self._applies("activation")

    def _applies(self, key: str) -> Iterator[PydanticCustomError]:
        default = type(self).model_fields[key].get_default(call_default_factory=True, validated_data={})
        if self.units is None and getattr(self, key) != default:
            message = f"`{key}` would be ignored: without `units`, the encoding itself is the output"
            yield fault(message, key=key, code="SN306", part="key", help="set `units`")

    def lower(self, build: Builder, x: Value) -> Value:
        numbers, others = self.parted(build, x)
        count, units = static(numbers.shape[1]), self.units
        initial = BinEdges(by=self.bins_by)
        edges = build.statistic("edges", (count, self.bins + 1), initial, ObservedValue(numbers))
        each = ops.reshape(ops.transpose(numbers, axes=(1, 0)), shape=(count, x.shape[0], 1))
        y = _encoded(each, edges)
        if units is not None:
            shape = (count, self.bins, units)
            zeros, start = INITIALIZERS.validate("zeros"), uniform_for(self.bins)
            y = ops.MATMUL(y, build.parameter("kernel", shape, zeros if self.linear else start))
            if self.linear:
                start = uniform_for(units)
                slope = ops.reshape(build.parameter("linear", (count, units), start), shape=(count, 1, units))
                y = self.activation.lower(y) + each * slope
            bias = ops.reshape(build.parameter("bias", (count, units), start), shape=(count, 1, units))
            y = y + bias if self.linear else self.activation.lower(y + bias)
        features = count * static(y.shape[2])
        y = ops.reshape(ops.transpose(y, axes=(1, 0, 2)), shape=(x.shape[0], features))
        return y if others is None else ops.concat(y, others, axis=1)


def _encoded(each: Value, edges: Value) -> Value:
    """Append the encoding (columns, batch, bins) of numbers (columns, batch, 1) by edges (columns, bins + 1)."""
    count, bins = static(edges.shape[0]), static(edges.shape[1]) - 1
    left = ops.crop(edges, margins=((0, 0), (0, 1)))
    width = ops.crop(edges, margins=((0, 0), (1, 0))) - left
    exists = ops.where(ops.greater(width, 0.0), 1.0, 0.0)
    slope = exists / ops.where(ops.greater(width, 0.0), width, 1.0)
    after = ops.crop(exists, margins=((0, 0), (1, 0)))
    none = ops.expand(constant(edges.graph, 0.0), shape=(count, 1))
    last = exists * (1.0 - ops.concat(after, none, axis=1))
    low = ops.fixed(edges.graph, [-UNBOUNDED] + [0.0] * (bins - 1))

    def by_column(value: Value) -> Value:
        return ops.reshape(value, shape=(count, 1, bins))

    inside = (each - by_column(left)) * by_column(slope)
    return ops.minimum(ops.maximum(inside, low), by_column(1.0 + last * UNBOUNDED))
