"""Layers that hold layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveInt, model_validator
from pydantic_core import PydanticCustomError

from specnet.graph.builder import Builder, LengthUse, MaskUse
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.sizes import broadcast, show
from specnet.vocabulary.activations import ACTIVATIONS, Activation
from specnet.vocabulary.kind import Words, fault, table_check
from specnet.vocabulary.layers import ALL_STEPS, LAYERS, Layer
from specnet.vocabulary.layers.merging import combined, joined

Layers = tuple[Annotated[Layer, LAYERS], ...]


_OF_ITS_OWN = frozenset({"type", "name", "inputs", "share", "layers"})
"""What a container that takes another's layers may say itself."""


class Container(Layer):
    """Base of layers that contain layers; their parameters are named `container.layer.parameter`."""

    layers: Annotated[Layers, Words("an array of one or more layers")] = Field(
        json_schema_extra={"minItems": 1}, examples=[[{"type": "dense", "units": 4}]]
    )
    """The layers in the container; left out with `share`, which takes those of the other container."""

    instead: ClassVar[Mapping[str, str]] = {"layers": "share"}
    minimum: ClassVar[int] = 1
    """How many layers it contains at least."""
    masking: ClassVar[MaskUse] = "each"
    lengths: ClassVar[LengthUse | None] = "any"

    @model_validator(mode="before")
    @classmethod
    def _without_layers(cls, data: Any) -> Any:
        """Let `share` stand for the layers."""
        if isinstance(data, dict) and data.get("share") is not None and "layers" not in data:
            return {**data, "layers": ()}
        return data

    @table_check()
    def _not_empty(self) -> Iterator[PydanticCustomError]:
        if not self.borrows and len(self.layers) < self.minimum:
            wanted = "a layer" if self.minimum == 1 else f"{self.minimum} layers"
            message = f"`layers` is too short: {self.type} needs {wanted}"
            yield fault(
                message, key="layers", code="SN209", help='`share = "name"` takes those of another one'
            )

    @table_check()
    def _nothing_ignored(self) -> Iterator[PydanticCustomError]:
        for key in type(self).model_fields if self.borrows else ():
            field = type(self).model_fields[key]
            default = field.get_default(call_default_factory=True, validated_data={})
            if key not in _OF_ITS_OWN and getattr(self, key) != default:
                message = f"`{key}` would be ignored: without `layers`, this is `{self.share}` once more"
                yield fault(message, key=key, code="SN306", part="key", help="leave it out")

    @property
    def borrows(self) -> bool:
        """Whether it applies the layers of the container that it shares with."""
        return self.share is not None and not self.layers

    @property
    def sublayers(self) -> dict[str, tuple[Layer, ...]]:
        return {"layers": self.layers}


class Sequential(Container):
    """Apply layers one after the other, `repeat` times.  x (batch, ...) -> the output of the last layer.

    Each repetition has its own parameters: `sequential_1.2.dense_1.kernel` belongs to the second.
    """

    type: Literal["sequential"] = "sequential"
    repeat: PositiveInt = Field(default=1, examples=[3])
    """How many times to repeat the layers."""

    memberwise: ClassVar[bool] = True

    def lower(self, build: Builder, x: Value) -> Value:
        build.check_count(self.repeat * len(self.layers))
        for number in range(1, self.repeat + 1):
            x = build.run(self.layers, x, "layers", str(number) if self.repeat > 1 else "")
        return x


class Residual(Container):
    """y = activation(layers(x) + shortcut(x)).  x (batch, ...) -> y of the shape of the layers' output.

    Without `shortcut`, x itself is added, and the output of the layers must have the shape of x (He et al., 2016).
    """

    type: Literal["residual"] = "residual"
    shortcut: Layers = Field(default=(), examples=[[{"type": "dense", "units": 4}]])
    """Layers that give x the shape of the layers' output, such as a conv2d with kernel_size = 1; by default x is
    added unchanged."""
    activation: Annotated[Activation, ACTIVATIONS] = ACTIVATIONS.field("linear")
    """The activation applied to the sum."""

    memberwise: ClassVar[bool] = True

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
                else _help(y),
            )
        result = self.activation.lower(y + beside)
        build.pass_masks((y, beside), result)
        return result


def _help(y: Value) -> str:
    if y.rank == 4:
        return (
            f'shortcut = [{{ type = "conv2d", filters = {y.shape[-1]}, kernel_size = 1, strides = ... }}] gives it '
            "their shape"
        )
    return f'shortcut = [{{ type = "dense", units = {y.shape[-1]} }}] gives it their shape'


class Parallel(Container):
    """Apply each layer to the same x, and merge the results.  x (batch, ...) -> the merged results.

    For a branch of several layers, use a `sequential`.
    """

    type: Literal["parallel"] = "parallel"
    layers: Annotated[Layers, Words("an array of two or more layers")] = Field(
        json_schema_extra={"minItems": 2},
        examples=[[{"type": "dense", "units": 8}, {"type": "dense", "units": 4}]],
    )
    """The branches: each layer gets the container's input; left out with `share`."""
    merge: Literal["concat", "add", "multiply", "average", "maximum", "minimum"] = "concat"
    """How the results are merged: the name of a merging layer."""
    axis: int = -1
    """The axis along which `concat` joins the results."""
    is_parallel: ClassVar[bool] = True
    minimum: ClassVar[int] = 2

    def stream_fault(self, build: Builder, xs: tuple[Value, ...]) -> str | None:
        joins_steps = self.merge == "concat" and self.axis in (1, 1 - xs[0].rank)
        return ALL_STEPS if joins_steps else None

    @table_check()
    def _joined(self) -> Iterator[PydanticCustomError]:
        if self.axis != -1 and self.merge != "concat":
            message = f'`axis` would be ignored: merge = "{self.merge}" works element by element'
            yield fault(message, key="axis", part="key", help="leave `axis` out")

    def lower(self, build: Builder, x: Value) -> Value:
        results = build.branch(self.layers, x, "layers")
        if self.merge == "concat":
            return joined(build, results, self.axis)
        y = combined(self.merge, results)
        build.pass_masks(results, y)
        return y
