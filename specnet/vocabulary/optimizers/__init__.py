"""The rules that turn gradients into steps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from pydantic import Field, PositiveFloat

from specnet.graph.graph import Value
from specnet.graph.parameter import Parameter, name_matches
from specnet.graph.update_builder import UpdateBuilder
from specnet.vocabulary.family import Family
from specnet.vocabulary.kind import Kind
from specnet.vocabulary.schedules.scheduled import ScheduledNumber

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Decay = Annotated[float, Field(ge=0, lt=1)]
"""The share of a running mean or sum that each step keeps."""

NonNegative = Annotated[float, Field(ge=0)]


class Optimizer(Kind):
    """The rule that turns gradients into steps.

    In the formulas p is the vector of all parameters, g its gradient, lr the learning rate of the step (from the
    schedule), and t the number of the step, from 1. Every operation on vectors is element by element.

    `weight_decay` applies to every parameter that `weight_decay_exclude` does not name; a layer's regularizers apply to
    those that they name.
    """

    learning_rate: PositiveFloat = 0.01
    """The step size; schedules start from it."""


class Stepping(Optimizer):
    """An optimizer whose step follows from one gradient."""

    @abstractmethod
    def step(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        """Return the parameters after the step; p, g (n,), lr and t scalars."""

    def textbook(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        """Return the same in the form of a textbook, for those who read it; it may differ in rounding.

        Slots hold what the formulas name, where the run's own may hold multiples that take fewer operations, and
        options have their names. Where a step has no other form, this is `step`.
        """
        return self.step(build, p, g, lr, t)


class WeightDecaying(Stepping):
    """Base of optimizers that have a weight decay."""

    weight_decay: NonNegative | ScheduledNumber = Field(default=0.0, examples=[5e-4])
    """The fraction of p that a step at learning rate 1 would subtract; `{ value = 0.02, schedule = "flat_cosine" }` for
    one that changes over the training, and with it those of groups of parameters."""
    weight_decay_exclude: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(), examples=[["bias", "norm"]]
    )
    """Parameters without weight decay, in groups too: `bias` for all biases, `norm` for gamma and beta of the layers
    that normalise, or a pattern of the names of layers or parameters, such as `embedding*` or `*.kernel`."""

    def decay_of(self, parameter: Parameter) -> float:
        """Return a parameter's weight decay."""
        if excluded(self.weight_decay_exclude, parameter.name):
            return 0.0
        return self.decay_value if parameter.weight_decay is None else parameter.weight_decay

    @property
    def decay_value(self) -> float:
        """The weight decay, or the one that its schedule starts from."""
        return (
            self.weight_decay.value if isinstance(self.weight_decay, ScheduledNumber) else self.weight_decay
        )


def excluded(exclude: Iterable[str], name: str) -> bool:
    """Say whether `weight_decay_exclude` names a parameter.

    `bias` stands for parameters whose own names end in it, `norm` for those called gamma and beta, in the layers of
    plugins too.
    """
    own = name.rpartition(".")[2]
    words = {"bias": own.endswith("bias"), "norm": own in ("gamma", "beta")}
    return any(words[each] if each in words else name_matches([each], name) for each in exclude)


class Decaying(WeightDecaying):
    """Base of optimizers that follow the gradient of the loss with weight_decay / 2 * |p|^2 added to it."""

    weight_decay: NonNegative | ScheduledNumber = Field(default=0.0, examples=[5e-4])
    """The factor of p that is added to the gradient; `{ value = 0.02, schedule = "flat_cosine" }` for one that changes
    over the training, and with it those of groups of parameters."""

    def step(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        decay = build.weight_decay(self.decay_value)
        return self.follow(build, p, g if decay == 0.0 else g + p * decay, lr, t)

    def textbook(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        decay = build.weight_decay(self.decay_value, named=True)
        if decay != 0.0:
            g = build.name("decayed", g + decay * p)
        return self.follow_textbook(build, p, g, lr, t)

    @abstractmethod
    def follow(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        """Return the parameters after a step along this gradient."""

    def follow_textbook(self, build: UpdateBuilder, p: Value, g: Value, lr: Value, t: Value) -> Value:
        """Return the same in the form of a textbook; where there is no other form, this is `follow`."""
        return self.follow(build, p, g, lr, t)


class Method(Protocol):
    """The steps of a `Searching` optimizer over one training's memory."""

    ended: str | None
    """Why no further step would make progress, once that is so."""

    def step(self, evaluate: Callable[[], tuple[float, ...]], latest: Array) -> tuple[float, ...]:
        """Make one step; return the scalars that were measured before it.

        `evaluate` measures the parameters as they are: it returns scalars whose sum is the loss, and leaves the
        gradient in `latest`. Where the loss is not finite, the parameters stay as they are.
        """

    def state(self) -> dict[str, Any]:
        """Return what it knows beside its slots, as JSON can hold it."""

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from a state; the slots have been put back."""


class Searching(Optimizer):
    """Base of optimizers that evaluate the loss and its gradient more than once per step."""

    @abstractmethod
    def slot_shapes(self, size: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of each slot that it keeps for so many parameters."""

    @abstractmethod
    def method(self, parameters: Array, slots: Mapping[str, Array]) -> Method:
        """Return the steps over these parameters, (n,), and these slots."""


def shrunk(build: UpdateBuilder, p: Value, lr: Value, weight_decay: float) -> Value:
    """Return (1 - lr * weight_decay) p: decay that does not pass through the rule's running means."""
    decay = build.weight_decay(weight_decay)
    return p if decay == 0.0 else p * (1.0 - lr * decay)


def shrunk_textbook(build: UpdateBuilder, p: Value, lr: Value, weight_decay: float) -> Value:
    """Return what `shrunk` does, with the decay as an option that has a name."""
    decay = build.weight_decay(weight_decay, named=True)
    return p if decay == 0.0 else (1.0 - lr * decay) * p


OPTIMIZERS: Family[Optimizer] = Family(
    "optimizer",
    (Stepping, Searching),
    __name__,
    {
        "sgd": "sgd.SGD",
        "adam": "adam.Adam",
        "adamw": "adam.AdamW",
        "nadam": "adam.NAdam",
        "rmsprop": "adaptive.RMSProp",
        "adagrad": "adaptive.Adagrad",
        "adadelta": "adaptive.Adadelta",
        "lion": "lion.Lion",
        "lbfgs": "lbfgs.LBFGS",
    },
)

__getattr__ = OPTIMIZERS.exported
