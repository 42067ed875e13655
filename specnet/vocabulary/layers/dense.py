from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveInt, model_validator
from pydantic_core import PydanticCustomError

from specnet.graph import ops
from specnet.graph.builder import Builder, MaskUse
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.scopes import ObservedValue
from specnet.graph.sizes import show, static
from specnet.vocabulary.activations import ACTIVATIONS, Activation
from specnet.vocabulary.initializers import INITIALIZERS
from specnet.vocabulary.kind import Words, fault, table_check
from specnet.vocabulary.layers.weights import Weighted


class Dense(Weighted):
    """y = activation(x·kernel + bias).  x (batch, ..., in) -> y (batch, ..., units).

    The kernel is (in, units) and the bias (units,), as in Keras; PyTorch's `Linear` holds the transpose.

    With `parametrization = "neural_tangent"`, y = activation(x·kernel / sqrt(in) + bias), and the kernel starts as
    standard normal numbers: its steps are then sqrt(in) times smaller than they would be for the same change of y, so
    that one learning rate suits layers of any width (Jacot et al., 2018).

    With `tie`, the kernel is the transposed table of an embedding, which stays one parameter whose gradients add up
    (Press and Wolf, 2017): y is a logit for each index that the embedding takes.
    """

    type: Literal["dense"] = "dense"
    units: Annotated[
        PositiveInt | Literal["auto"] | None, Words('a whole number above 0 or "auto"'), Field(examples=[32])
    ]
    """The number of output features; `auto`, for a layer that gives an output of the network, is as many as the loss
    and the targets need."""
    activation: Annotated[Activation, ACTIVATIONS] = ACTIVATIONS.field("linear")
    """The activation applied to the sum."""
    parametrization: Literal["standard", "neural_tangent"] = "standard"
    """Whether the product is divided by sqrt(in), the number of input features; `kernel_init` is then
    `{ type = "normal", stddev = 1.0 }` by default."""
    tie: str | None = Field(default=None, examples=["tokens"])
    """The name of an earlier `embedding` whose table, transposed, is the kernel. `units` is then left out, since
    it is the embedding's `input_dim`, and there is a bias only with `use_bias = true`."""

    instead: ClassVar[Mapping[str, str]] = {"units": "tie"}
    masking: ClassVar[MaskUse] = "each"
    memberwise: ClassVar[bool] = True

    @model_validator(mode="before")
    @classmethod
    def _following(cls, data: Any) -> Any:
        """Let `tie` say what the embedding does."""
        if isinstance(data, dict) and data.get("tie") is not None:
            return {"units": None, "use_bias": False, **data}
        if (
            isinstance(data, dict)
            and data.get("parametrization") == "neural_tangent"
            and not data.get("share")
        ):
            return {"kernel_init": {"type": "normal", "stddev": 1.0}, **data}
        return data

    @table_check()
    def _counted(self) -> Iterator[PydanticCustomError]:
        if self.tie is None and self.units is None:
            message = '`units` must be a whole number above 0 or "auto", not null'
            yield fault(message, key="units", code="SN206")
        if self.tie is not None and self.units is not None:
            message = "`units` would be ignored: with `tie`, it is the embedding's `input_dim`"
            yield fault(message, key="units", code="SN306", part="key", help="leave it out")

    @table_check()
    def _init_applies(self) -> Iterator[PydanticCustomError]:
        return self._applies("kernel_init")

    @table_check()
    def _parametrization_applies(self) -> Iterator[PydanticCustomError]:
        if self.tie is not None and self.parametrization != "standard":
            message = f"the kernel is the table of `{self.tie}`, which has no other parametrization"
            yield fault(message, key="parametrization", part="key", help="leave it out")

    @table_check()
    def _regularizer_applies(self) -> Iterator[PydanticCustomError]:
        return self._applies("kernel_regularizer")

    def _applies(self, key: str) -> Iterator[PydanticCustomError]:
        default = type(self).model_fields[key].get_default(call_default_factory=True, validated_data={})
        if self.tie is not None and getattr(self, key) != default:
            message = f"`{key}` would be ignored: the kernel is the table of `{self.tie}`"
            own = key.replace("kernel", "embeddings")
            help = f"leave it out here, and set `{own}` on `{self.tie}`"
            yield fault(message, key=key, code="SN306", part="key", help=help)

    @property
    def tied(self) -> str | None:
        return self.tie

    def lower(self, build: Builder, x: Value) -> Value:
        if self.tie is not None:
            return self.activation.lower(self._tied(build, x, self.tie))
        assert isinstance(self.units, int), "it is settled before a network is lowered"
        # In an ensemble whose members share kernels, each has scales of its own on both sides (Wen et al., 2020).
        members = build.scope.members
        scales = INITIALIZERS.validate("ones") if members and members.own == "vectors" else None
        if members and scales is not None and build.scope.path != members.first:
            x = x * build.parameter("input_scale", (self.features(x),), scales)
        factor = 1.0 if self.parametrization == "standard" else self.features(x) ** -0.5
        shape, seen = (self.features(x), self.units), ObservedValue(x, factor)
        kernel = build.parameter("kernel", shape, self.kernel_init, self.kernel_regularizer, seen)
        y = (x if factor == 1.0 else x * factor) @ kernel
        if scales is not None:
            y = y * build.parameter("output_scale", (self.units,), scales)
        for bias in self.biases(build, self.units, ObservedValue(y)):
            y = y + bias
        return self.activation.lower(y)

    def _tied(self, build: Builder, x: Value, name: str) -> Value:
        table = build.lent(name, "embeddings")
        size, features = self.features(x), table.shape[1]
        if size != features:
            raise ShapeFault(
                f"the table of `{name}` is {show(table.shape)}, so {self.type} takes {features} features here, "
                f"got {show(x.shape)}",
                x,
                help=f"a dense layer with units = {features} before it",
            )
        y = ops.MATMUL(ops.rows(x), table, b_t=True)
        units = static(table.shape[0])
        y = ops.reshape(y, shape=(*x.shape[:-1], units)) if x.rank > 2 else y
        return self.biased(build, y, units)
