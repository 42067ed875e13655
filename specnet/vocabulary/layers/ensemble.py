"""Several networks over the same rows, trained at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from pydantic import Field
from pydantic_core import PydanticCustomError

from specnet.graph import ops
from specnet.graph.builder import Builder
from specnet.graph.graph import KeyPath, ShapeFault, Value
from specnet.graph.parameter import Initial
from specnet.graph.scopes import Members
from specnet.graph.sizes import show
from specnet.vocabulary.initializers import INITIALIZERS, DrawnValues, Initializer, RowInitializer
from specnet.vocabulary.kind import fault, table_check
from specnet.vocabulary.layers.containers import Container

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

PASSING = frozenset({"activation", "dropout", "gaussian_noise"})
"""Layers without parameters that may stand behind the last one with some."""


class Ensemble(Container):
    """Several networks of the same layers over the same rows, trained at once, whose mean is the prediction.

    x (batch, features) -> (members, batch, ...): an output of the network for each member. In training each member has
    its own loss, and the mean of these is minimized; predictions are the means of the members' predictions, of
    probabilities where there are some, and what is evaluated are these predictions. Products of all members are one
    batched product. It gives an output of the network, so no layer comes behind it.

    By `sharing`, each member has all parameters of its own ("none"), so that they are as different as networks that are
    trained one by one; or they share kernels, and each has scales of the inputs and outputs of each `dense` layer and
    other vectors, such as biases ("tabm", Gorishniy et al., 2025, after Wen et al., 2020); or they share everything but
    the scales of the features that the ensemble takes ("tabm_mini"). In both of these, the last `dense` layer is each
    member's own. Parameters of members have an axis of members in front: `ensemble_1.dense_1.kernel` is (members, in,
    units). Each member's start is drawn by itself. Dropout is drawn for each member.
    """

    type: Literal["ensemble"] = "ensemble"
    members: Annotated[int, Field(ge=2, le=1024)] = 16
    """The number of networks."""
    sharing: Literal["none", "tabm", "tabm_mini"] = "none"
    """What the members have in common."""
    scale_init: Annotated[Initializer, INITIALIZERS] = INITIALIZERS.field("random_signs")
    """Initializer of the scales (members, features) of what the ensemble takes, which set the members apart where they
    share kernels."""

    def stream_fault(self, build: Builder, xs: tuple[Value, ...]) -> str | None:
        return "is an ensemble of networks over rows"

    @table_check()
    def _scales(self) -> Iterator[PydanticCustomError]:
        default = type(self).model_fields["scale_init"].get_default(call_default_factory=True)
        if self.sharing == "none" and self.scale_init != default:
            message = "`scale_init` would be ignored: members that share nothing have no scales"
            yield fault(message, key="scale_init", code="SN306", part="key", help="leave it out")

    @table_check()
    def _ends(self) -> Iterator[PydanticCustomError]:
        if self.sharing != "none" and self.layers and self._head < 0:
            message = "the last of the `layers` must be `dense`, of which each member has its own"
            yield fault(message, key=("layers", len(self.layers) - 1))

    def lower(self, build: Builder, x: Value) -> Value:
        if x.rank != 2:
            message = f"ensemble takes rows (batch, features), got {show(x.shape)}"
            raise ShapeFault(message, x, help="`flatten` makes one row of each example")
        features, around = self.features(x), build.scope
        if self.sharing != "none":
            build.scope = replace(around, members=Members(self.members, of=of_members))
            x = x * build.parameter("scale", (features,), self.scale_init)
        elif (
            self.layers[0].type != "dense"
        ):  # which takes rows that are the same for all members, and is faster so
            x = ops.expand(x, shape=(self.members, x.shape[0], features))
        own: Literal["all", "vectors", "nothing"] = "all"
        first: KeyPath | None = None
        head: KeyPath | None = None
        if self.sharing != "none":
            own = "vectors" if self.sharing == "tabm" else "nothing"
            first, head = ((*around.path, "layers", place) for place in (self._first, self._head))
        build.scope = replace(around, members=Members(self.members, own, first, head, of_members))
        y = build.run(self.layers, x, "layers")
        build.scope = around
        build.ensembles[y] = self.members
        return y

    @property
    def _first(self) -> int:
        """The place of the layer that takes what has been scaled, if that is `dense`."""
        return next((i for i, layer in enumerate(self.layers) if layer.type not in PASSING), -1)

    @property
    def _head(self) -> int:
        """The place of the layer that each member has of its own; -1 if there is none."""
        for index in reversed(range(len(self.layers))):
            if self.layers[index].type == "dense":
                return index
            if self.layers[index].type not in PASSING:
                break
        return -1


@dataclass(frozen=True, slots=True)
class MembersInitial:
    """Where a parameter starts of which each member has its own: each is drawn by itself."""

    others: Initializer
    members: int

    @property
    def of_rows(self) -> bool:
        """Whether it is computed from rows of the training split."""
        return self.others.of_rows

    def fault(self, shape: tuple[int, ...]) -> str | None:
        """Say why it cannot fill an array of this shape, or return None."""
        return self.others.fault(shape[1:])

    def fill(self, array: Array, generator: np.random.Generator) -> None:
        """Put the values of all members into the memory of their parameter."""
        for own in array:
            self.others.fill(own, generator)

    def drawing(self, shape: tuple[int, ...]) -> DrawnValues | None:
        """Return how a program draws the same: only where all is one number is that a line."""
        return self.others.drawing(shape) if self.others.type in ("zeros", "ones") else None

    @property
    def most_rows(self) -> int:
        """How many rows it looks at."""
        assert isinstance(self.others, RowInitializer)
        return self.others.most_rows

    def fit(
        self, shape: tuple[int, ...], generator: np.random.Generator, seen: Array, targets: Array
    ) -> Array:
        """Return the values of all members, given what they see: (rows, ...) of all, or (members, rows, ...)."""
        import numpy as np

        assert isinstance(self.others, RowInitializer)
        each = seen if seen.ndim > 2 else [seen] * self.members
        return np.stack([self.others.fit(shape[1:], generator, own, targets) for own in each])


def of_members(initial: Initial, members: int) -> MembersInitial:
    """Return where a parameter of all members starts, given where that of one does."""
    return MembersInitial(cast("Initializer", initial), members)
