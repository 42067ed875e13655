"""Layers that hold layers."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt, model_validator

from specnet.graph.builder import Builder
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.sizes import broadcast, show
from specnet.vocabulary.activations import ACTIVATIONS, Activation
from specnet.vocabulary.kind import fault
from specnet.vocabulary.layers import LAYERS, Layer
from specnet.vocabulary.layers.merging import combined, concatenated

Layers = tuple[Annotated[Layer, LAYERS], ...]


class Container(Layer):
    """A layer that holds layers: their parameters are its own, by the names `container.layer.parameter`."""

    layers: Annotated[Layers, Field(min_length=1, examples=[[{"type": "dense", "units": 4}]])]
    """The layers in it."""

    @property
    def sublayers(self) -> dict[str, tuple[Layer, ...]]:
        return {"layers": self.layers}


class Sequential(Container):
    """Layers one after the other, as often as `repeat` says.  x (batch, ...) -> what the last one gives.

    Each repetition has parameters of its own: `sequential_1.2.dense_1.kernel` is one of the second.
    """

    type: Literal["sequential"] = "sequential"
    repeat: PositiveInt = 1
    """How many times the layers stand one after the other."""

    def lower(self, build: Builder, x: Value) -> Value:
        for number in range(1, self.repeat + 1):
            x = build.run(self.layers, x, "layers", str(number) if self.repeat > 1 else "")
        return x


class Residual(Container):
    """y = activation(layers(x) + shortcut(x)).  x (batch, ...) -> y of the shape that the layers give.

    Without `shortcut` it is x itself that is added, and the layers must give x's shape back (He et al., 2016).
    """

    type: Literal["residual"] = "residual"
    shortcut: Layers = ()
    """Layers that bring x to the shape that it is added in, such as a conv2d with kernel_size = 1; none if left
    out."""
    activation: Annotated[Activation, ACTIVATIONS] = Field(default_factory=ACTIVATIONS.default("linear"))
    """The function applied to the sum."""

    @property
    def sublayers(self) -> dict[str, tuple[Layer, ...]]:
        return {"layers": self.layers, "shortcut": self.shortcut}

    def lower(self, build: Builder, x: Value) -> Value:
        y = build.run(self.layers, x, "layers")
        beside = build.run(self.shortcut, x, "shortcut", "shortcut") if self.shortcut else x
        if broadcast(beside.shape, y.shape) != y.shape:
            what = "the shortcut gives" if self.shortcut else "the input is"
            raise ShapeFault(
                f"{what} {show(beside.shape)}, which cannot be added to the layers' output {show(y.shape)}",
                y,
                help="the same `filters` (or `units`) and `strides` in layers and shortcut"
                if self.shortcut
                else _cure(y),
            )
        return self.activation.lower(y + beside)


def _cure(y: Value) -> str:
    if y.rank == 4:
        return (
            f'shortcut = [{{ type = "conv2d", filters = {y.shape[-1]}, kernel_size = 1, strides = ... }}] gives it '
            "their shape"
        )
    return f'shortcut = [{{ type = "dense", units = {y.shape[-1]} }}] gives it their shape'


class Parallel(Container):
    """Each layer over the same x, and their results merged.  x (batch, ...) -> what `merge` makes of the results.

    A branch of several layers is a `sequential`.
    """

    type: Literal["parallel"] = "parallel"
    layers: Annotated[
        Layers, Field(min_length=2, examples=[[{"type": "dense", "units": 8}, {"type": "dense", "units": 4}]])
    ]
    """The branches: each layer takes what the container takes."""
    merge: Literal["concat", "add", "multiply", "average", "maximum", "minimum"] = "concat"
    """How the results become one, as the layers of these names do it."""
    axis: int = -1
    """The axis along which `concat` joins them."""
    is_parallel: ClassVar[bool] = True

    @model_validator(mode="after")
    def _joined(self) -> Parallel:
        if self.axis != -1 and self.merge != "concat":
            message = f'`axis` would be ignored: merge = "{self.merge}" works element by element'
            raise fault(message, key="axis", part="key", help="leave `axis` out")
        return self

    def lower(self, build: Builder, x: Value) -> Value:
        results = build.branch(self.layers, x, "layers")
        return concatenated(results, self.axis) if self.merge == "concat" else combined(self.merge, results)
