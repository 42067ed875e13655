"""Layers that go through the steps of a sequence and carry a state from each to the next."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveFloat
from pydantic_core import PydanticCustomError

from specnet.graph import ops
from specnet.graph.builder import Builder
from specnet.graph.graph import Value
from specnet.graph.leaves import constant
from specnet.graph.parameter import Initial
from specnet.vocabulary.activations import ACTIVATIONS, Activation
from specnet.vocabulary.initializers import INITIALIZERS, DrawnValues, Initializer
from specnet.vocabulary.kind import fault, table_check
from specnet.vocabulary.layers.dropping import Rate, drawn_mask, dropped
from specnet.vocabulary.layers.gates import ONES, ZEROS, Groups, Norm, Product, apart, gate, normalised_parts
from specnet.vocabulary.layers.sequences import sequence_sizes
from specnet.vocabulary.layers.state_carrying import StateCarrying
from specnet.vocabulary.regularizers import REGULARIZERS, Regularizer

if TYPE_CHECKING:
    import numpy as np

Values = Sequence[Value]


class Recurrent(StateCarrying):
    """Base of recurrent layers with a kernel for the state; products with x do not depend on it, and are one."""

    activation: Annotated[Activation, ACTIVATIONS] = ACTIVATIONS.field("tanh")
    """The activation of the new state."""
    recurrent_kernel_init: Annotated[Initializer, INITIALIZERS] = INITIALIZERS.field("orthogonal")
    """Initializer of the recurrent kernel."""
    recurrent_kernel_regularizer: Annotated[Regularizer, REGULARIZERS] | None = None
    """Penalty on the recurrent kernel that is added to the loss."""
    recurrent_dropout: Rate = 0.0
    """In training, the fraction of the state set to 0 where it meets the recurrent kernel, the same at all steps."""
    layer_norm: bool = False
    """Whether sums are normalised at each step, over the features of each example (Ba et al., 2016); the layer's page
    says which."""
    epsilon: PositiveFloat = Field(default=1e-5, examples=[1e-3])
    """Added to the variances of `layer_norm` to avoid division by zero."""

    gates: ClassVar[int] = 1
    """How many times `units` columns the kernels have."""
    order: ClassVar[tuple[int, ...]] = (0,)
    """Where each gate is among the columns of the kernels, in the order in which they are computed."""
    carried: ClassVar[int] = 1
    """How many states go from step to step; the first one is the output."""
    normed: ClassVar[Groups] = ()
    """The gates whose products `layer_norm` normalises together: the first of each group, and one past its last."""

    @table_check()
    def _epsilon_applies(self) -> Iterator[PydanticCustomError]:
        if self.epsilon != 1e-5 and not self.layer_norm:
            message = "`epsilon` would be ignored without `layer_norm = true`"
            yield fault(message, key="epsilon", code="SN306", part="key", help="leave it out")

    def lower_all(self, build: Builder, xs: tuple[Value, ...]) -> Value:
        x, *states = xs
        batch, steps, features = sequence_sizes(self.type, x)
        kernel = self.kernel(build, features, self.gates * self.units)
        shape = (self.units, self.gates * self.units)
        own = build.parameter(
            "recurrent_kernel", shape, self.recurrent_kernel_init, self.recurrent_kernel_regularizer
        )
        outer, inner = self.bias_parts(build)
        driving = self.product(build, kernel, "input_norm", outer)
        recurrent = self.product(build, own, "recurrent_norm", inner)
        norm = self.norm(build) if self.layer_norm else None
        mask = drawn_mask(build, x, self.recurrent_dropout, use="recurrent", shape=(batch, self.units))
        there = build.mask_of(x)
        x = dropped(build, x, self.dropout, shape=(batch, 1, features))
        arrays = [self._drive(x, driving)]
        self.check_states(states, batch)
        carries = self.carries(build, xs[0])
        if carries:
            starts = [*states, *[None] * (self.carried - len(states))]
            states = [
                build.carried(f"state_{n}", (batch, self.units), start=start)
                for n, start in enumerate(starts)
            ]
        zeros = ops.expand(constant(build.graph, 0.0), shape=(batch, self.units))
        states += [zeros] * (self.carried - len(states))

        if there is not None:
            exists = ops.reshape(ops.transpose(there, axes=(1, 0)), shape=(steps, batch, 1))
            arrays.append(ops.greater(exists, 0.0))

        def step(before: Values, slices: Values) -> tuple[Values, Values]:
            seen = before[0] if mask is None else before[0] * mask
            after = self.step(before, slices[0], seen, recurrent, norm)
            if there is not None:
                after = [ops.where(slices[-1], new, old) for new, old in zip(after, before, strict=True)]
            return after, after[:1] if self.return_sequences else []

        last, outputs = ops.scan(step, states, arrays, length=steps, reverse=self.reverse)
        for number, state in enumerate(last if carries else ()):
            build.carry(f"state_{number}", state)
        if not self.return_sequences:
            return last[0]
        return build.mask(ops.transpose(outputs[0], axes=(1, 0, 2)), there)

    @abstractmethod
    def step(
        self, before: Values, drive: Value, seen: Value, recurrent: Product, norm: Norm | None
    ) -> list[Value]:
        """Return the states after a step, (batch, units) each.

        `drive` (gates, batch, units) is the sum that comes from the input, with the gates in the order of `order`,
        `seen` is the state that the recurrent kernel is applied to, and `norm` is the layer's own, if it has one.
        """

    def norm(self, build: Builder) -> Norm | None:
        """Declare what else `layer_norm` normalises beside products."""
        return None

    def product(self, build: Builder, kernel: Value, name: str, bias: Value | None) -> Product:
        """Return the products with a kernel that belong to each gate, normalised if `layer_norm` says so."""
        if self.layer_norm and self.normed:
            parts = normalised_parts(build, name, kernel, self.gates, self.normed, self.epsilon)
            return Product(self.units, self.order, parts=parts, bias=bias)
        return Product(self.units, self.order, apart(kernel, self.units, self.order), bias=bias)

    def bias_parts(self, build: Builder) -> tuple[Value | None, Value | None]:
        """Return what is added to products of the input, and to those of the state: (gates, 1, units)."""
        biases = self.biases(build, self.gates * self.units)
        return (self._apart(biases[0]), None) if biases else (None, None)

    def _apart(self, bias: Value) -> Value:
        return apart(ops.reshape(bias, shape=(1, self.gates * self.units)), self.units, self.order)

    def _drive(self, x: Value, driving: Product) -> Value:
        """Return the products of all steps of x (batch, steps, in): (steps, gates, batch, units)."""
        turned = ops.transpose(x, axes=(1, 0, 2))
        drive = driving.of(ops.rows(turned), 0, self.gates)
        drive = ops.reshape(drive, shape=(self.gates, *turned.shape[:2], self.units))
        return ops.transpose(drive, axes=(1, 0, 2, 3))


class SimpleRNN(Recurrent):
    """h' = activation(x·kernel + h·recurrent_kernel + bias), for each step x of a sequence.

    x (batch, steps, in) -> h (batch, units) after the last step, or (batch, steps, units). The kernel is (in, units),
    the recurrent kernel (units, units), and the bias (units,), as in Keras; PyTorch's RNN holds the transposes, and
    two biases that are added up. With `layer_norm`, the sum of the two products is normalised before the bias is added,
    and multiplied by `norm.gamma` (units,).
    """

    type: Literal["simple_rnn"] = "simple_rnn"

    def bias_parts(self, build: Builder) -> tuple[Value | None, Value | None]:
        return (None, None) if self.layer_norm else super().bias_parts(build)

    def norm(self, build: Builder) -> Norm:
        bias = next(iter(self.biases(build, self.units)), None)
        return Norm(self.epsilon, build.parameter("norm.gamma", (self.units,), ONES), bias)

    def step(
        self, before: Values, drive: Value, seen: Value, recurrent: Product, norm: Norm | None
    ) -> list[Value]:
        total = gate(drive + recurrent.of(seen, 0, 1), 0)
        return [self.activation.lower(total if norm is None else norm.of(total))]


class Gated(Recurrent):
    """Base of recurrent layers with gates."""

    recurrent_activation: Annotated[Activation, ACTIVATIONS] = ACTIVATIONS.field("sigmoid")
    """The activation of the gates."""


@dataclass(frozen=True, slots=True)
class ForgetBias:
    """Where the bias of an `lstm` starts whose forget gate starts open."""

    others: Initializer
    units: int

    @property
    def of_rows(self) -> bool:
        """Whether the initializer of the other gates looks at rows of the training split."""
        return self.others.of_rows

    def fault(self, shape: tuple[int, ...]) -> str | None:
        """Say why the initializer of the other gates cannot fill an array of this shape, or return None."""
        return self.others.fault(shape)

    def fill(self, array: np.ndarray[Any, Any], generator: np.random.Generator) -> None:
        """Put the values into a bias, with ones for the forget gate."""
        self.others.fill(array, generator)
        array[self.units : 2 * self.units] = 1.0

    def drawing(self, shape: tuple[int, ...]) -> DrawnValues | None:
        """Return how a program makes them, where the others are zeros."""
        if self.others.type != "zeros":
            return None
        return DrawnValues(f"np.repeat([0.0, 1.0, 0.0, 0.0], {self.units})")


class LSTM(Gated):
    """A long short-term memory: gates decide what of a cell state is kept, added and shown.

    x (batch, steps, in) -> h (batch, units) after the last step, or (batch, steps, units), with, at each step,

        i, f, o = recurrent_activation(x·kernel + h·recurrent_kernel + bias)     the parts for i, f and o
        c' = f * c + i * activation(x·kernel + h·recurrent_kernel + bias)        the part for c
        h' = o * activation(c')

    The kernel is (in, 4 * units), the recurrent kernel (units, 4 * units) and the bias (4 * units,), with the gates in
    the order i, f, c, o, as in Keras (Hochreiter and Schmidhuber, 1997; Gers et al., 2000). PyTorch holds the
    transposes in the same order, and two biases that are added up. `inputs` may name the states h and c after the
    sequence.

    With `layer_norm`, the products x·kernel and h·recurrent_kernel are each normalised over all 4 * units features and
    multiplied by `input_norm.gamma` and `recurrent_norm.gamma` (4 * units,) before the bias is added, and
    h' = o * activation(cell_norm(c')), with `cell_norm.gamma` and `cell_norm.beta` (units,). This is the form of Ba et
    al., where the offsets of the first two are part of the bias.
    """

    type: Literal["lstm"] = "lstm"
    unit_forget_bias: bool = True
    """Whether the bias of the forget gate starts at 1, as recommended by Jozefowicz et al. (2015)."""

    takes: ClassVar[tuple[int, int | None]] = (1, 3)
    gates: ClassVar[int] = 4
    order: ClassVar[tuple[int, ...]] = (0, 1, 3, 2)
    carried: ClassVar[int] = 2
    normed: ClassVar[Groups] = ((0, 4),)

    @property
    def initial_bias(self) -> Initial:
        return ForgetBias(self.bias_init, self.units) if self.unit_forget_bias else self.bias_init

    def norm(self, build: Builder) -> Norm:
        gamma, beta = (
            build.parameter(f"cell_norm.{name}", (self.units,), initial)
            for name, initial in (("gamma", ONES), ("beta", ZEROS))
        )
        return Norm(self.epsilon, gamma, beta)

    def step(
        self, before: Values, drive: Value, seen: Value, recurrent: Product, norm: Norm | None
    ) -> list[Value]:
        sums = drive + recurrent.of(seen, 0, 4)
        gates = self.recurrent_activation.lower(ops.part(sums, start=0, stop=3))
        i, f, o = (gate(gates, number) for number in range(3))
        cell = f * before[1] + i * self.activation.lower(gate(sums, 3))
        return [o * self.activation.lower(cell if norm is None else norm.of(cell)), cell]


class GRU(Gated):
    """A gated recurrent unit: gates decide how much of the state is replaced, and what the new one is made of.

    x (batch, steps, in) -> h (batch, units) after the last step, or (batch, steps, units), with, at each step,

        z, r = recurrent_activation(x·kernel + bias + h·recurrent_kernel + recurrent bias)   the parts for z and r
        n    = activation(x·kernel + bias + r * (h·recurrent_kernel + recurrent bias))        the part for h
        h'   = z * h + (1 - z) * n

    This is the form of PyTorch and Keras. With `reset_after = false`, the gate r is applied before the product,
    n = activation(x·kernel + bias + (r * h)·recurrent_kernel), as first published (Cho et al., 2014). The kernel is
    (in, 3 * units) and the recurrent kernel (units, 3 * units), with the gates in the order z, r, h, as in Keras;
    PyTorch holds the transposes in the order r, z, n. The bias is (2, 3 * units), the second row that of the recurrent
    products, or (3 * units,) with `reset_after = false`.

    With `layer_norm`, the products with each kernel are normalised before biases are added: over the 2 * units features
    of z and r together, and over those of h (Ba et al.). They are multiplied by `input_norm.gamma` and
    `recurrent_norm.gamma` (3 * units,).
    """

    type: Literal["gru"] = "gru"
    reset_after: bool = True
    """Whether the reset gate is applied to the product with the recurrent kernel, and not to the state before it."""

    gates: ClassVar[int] = 3
    order: ClassVar[tuple[int, ...]] = (0, 1, 2)
    normed: ClassVar[Groups] = ((0, 2), (2, 3))

    def bias_parts(self, build: Builder) -> tuple[Value | None, Value | None]:
        if not (self.use_bias and self.reset_after):
            return super().bias_parts(build)
        width = self.gates * self.units
        both = build.parameter("bias", (2, width), self.bias_init, self.bias_regularizer)
        rows = (ops.crop(both, margins=((n, 1 - n), (0, 0))) for n in range(2))
        outer, inner = map(self._apart, rows)
        return outer, inner

    def step(
        self, before: Values, drive: Value, seen: Value, recurrent: Product, norm: Norm | None
    ) -> list[Value]:
        products = recurrent.of(seen, 0, 3 if self.reset_after else 2)
        sums = ops.part(drive, start=0, stop=2) + ops.part(products, start=0, stop=2)
        gates = self.recurrent_activation.lower(sums)
        z, r = gate(gates, 0), gate(gates, 1)
        inner = r * gate(products, 2) if self.reset_after else gate(recurrent.of(r * seen, 2, 3), 0)
        new = self.activation.lower(gate(drive, 2) + inner)
        return [z * before[0] + (1.0 - z) * new]
