"""What layers share that normalise, and then give each feature a scale and an offset that are learnt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import PositiveFloat
from pydantic_core import PydanticCustomError

from specnet.graph.builder import BY_LENGTH, Builder
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.sizes import show
from specnet.vocabulary.initializers import INITIALIZERS, Initializer
from specnet.vocabulary.kind import fault, table_check
from specnet.vocabulary.layers import Layer
from specnet.vocabulary.regularizers import REGULARIZERS, Regularizer


class ScaledLayer(Layer):
    """Base of layers that end with gamma * x, with one gamma per feature."""

    scale: bool = True
    """Whether to multiply by gamma."""
    gamma_init: Annotated[Initializer, INITIALIZERS] = INITIALIZERS.field("ones")
    """Initializer of gamma."""
    gamma_regularizer: Annotated[Regularizer, REGULARIZERS] | None = None
    """Penalty on gamma that is added to the loss."""

    @table_check()
    def _no_gamma_init(self) -> Iterator[PydanticCustomError]:
        return self._unused("scale", "gamma", "gamma_init")

    @table_check()
    def _no_gamma_regularizer(self) -> Iterator[PydanticCustomError]:
        return self._unused("scale", "gamma", "gamma_regularizer")

    def _unused(self, switch: str, name: str, key: str) -> Iterator[PydanticCustomError]:
        """Yield a fault where an option says how something is that the layer does not have."""
        default = type(self).model_fields[key].get_default(call_default_factory=True)
        if not getattr(self, switch) and getattr(self, key) != default:
            yield fault(
                f"with {switch} = false there is no {name}", key=key, part="key", help=f"leave out {key}"
            )

    def scaled(self, build: Builder, y: Value, shape: tuple[int, ...]) -> Value:
        """Return y times gamma, which has the shape of y's last axes."""
        if not self.scale:
            return y
        return y * build.parameter("gamma", shape, self.gamma_init, self.gamma_regularizer)


class Affine(ScaledLayer):
    """Base of layers that end with gamma * x + beta, with one gamma and beta per feature."""

    center: bool = True
    """Whether to add beta."""
    beta_init: Annotated[Initializer, INITIALIZERS] = INITIALIZERS.field("zeros")
    """Initializer of beta."""
    beta_regularizer: Annotated[Regularizer, REGULARIZERS] | None = None
    """Penalty on beta that is added to the loss."""
    epsilon: PositiveFloat = 1e-3
    """Added to variances to avoid division by zero."""

    @table_check()
    def _no_beta_init(self) -> Iterator[PydanticCustomError]:
        return self._unused("center", "beta", "beta_init")

    @table_check()
    def _no_beta_regularizer(self) -> Iterator[PydanticCustomError]:
        return self._unused("center", "beta", "beta_regularizer")

    def affine(self, build: Builder, y: Value, shape: tuple[int, ...]) -> Value:
        """Return gamma * y + beta; both have the shape of y's last axes."""
        y = self.scaled(build, y, shape)
        if not self.center:
            return y
        return y + build.parameter("beta", shape, self.beta_init, self.beta_regularizer)


def inner_axis(layer: Layer, x: Value, axis: int, key: str = "axis") -> int:
    """Return an axis as counted from 0, the batch's; raise ShapeFault where x has none but the batch axis."""
    found = axis if axis >= 0 else axis + x.rank
    if 1 <= found < x.rank:
        return found
    if x.rank == 1:
        layer.features(x)
    raise ShapeFault(
        f"{layer.type} gets {show(x.shape)}, which has no axis {axis} besides the batch axis",
        x,
        help=f"{key} counts from 1 to {x.rank - 1}, or from -{x.rank - 1} to -1"
        if x.rank > 2
        else f"{key} = -1",
    )


def sizes(x: Value, axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the sizes of some of x's axes, the batch's not among them."""
    found = tuple(dim for axis in axes for dim in [x.shape[axis]] if isinstance(dim, int))
    if len(found) < len(axes):
        message = f"parameters cannot have an axis of the steps of {show(x.shape)}, {BY_LENGTH}"
        raise ShapeFault(message, x, help="leave out `batch_by`")
    return found
