"""What layers declare while they are lowered: parameters, states, masks and streams of randomness."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from specnet.graph import ops
from specnet.graph.graph import Graph, ShapeFault, Value
from specnet.graph.leaves import leaf, number
from specnet.graph.parameter import GroupSettings, Initial, Parameter, Penalty, Role
from specnet.graph.scopes import ColumnFeatures, Following, ObservedValue, Scope
from specnet.graph.sizes import Count, Dim, DType, Shape, show
from specnet.graph.streaming import Past, Streaming

DONE = "done"
"""The number of a training step that says how many steps are done before it."""

CARRIED = "carried/"
"""What the names of leaves begin with that hold what the last call left."""


@dataclass
class Declarations:
    """What is declared with one graph, of the layer that `scope` says."""

    graph: Graph
    training: bool
    scope: Scope = field(default_factory=Scope)
    groups: Sequence[GroupSettings] = ()
    """The groups of parameters; a parameter belongs to the first that matches its name."""
    parameters: dict[str, Parameter] = field(default_factory=dict)
    """All that is kept with the model, in the order in which it was declared: statistics, too."""
    leaves: dict[str, Value] = field(default_factory=dict)
    penalties: list[Value] = field(default_factory=list)
    row_penalties: list[Value] = field(default_factory=list)
    """What layers add to the loss for each row, (batch,), in training and in evaluation."""
    masks: dict[Value, Value] = field(default_factory=dict)
    """Of sequences with padding, which steps exist: see `mask_of`."""
    vocabularies: dict[Value, int] = field(default_factory=dict)
    """How many tokens there are, of inputs that hold indices of tokens."""
    unread: bool = False
    """Whether the data have not been read, so that it is not known whether an input has a vocabulary, and its size."""
    assumed: list[str] = field(default_factory=list)
    """What stands for sizes that are in the data, where these are `unread`, as ends of sentences."""
    longest: dict[str, int] = field(default_factory=dict)
    """The length of the longest sequences, by the named size that stands for that of a batch."""
    observed: dict[str, ObservedValue] = field(default_factory=dict)
    """What initial values that are computed from rows of the training split look at, by their parameters' names."""
    columns: dict[Value, tuple[ColumnFeatures, ...]] = field(default_factory=dict)
    """Which columns of a table the features of a value (batch, features) are, where that is known."""
    followed: list[Following] = field(default_factory=list)
    """Each statistic with what a batch shows of it, and the share of the old value that a step keeps."""
    keeping: bool = False
    """Whether stateful layers begin with the states that the last batch left, and not with zeros."""
    length: Callable[[], Any] | None = None
    """Returns the length of the training, which the vocabulary knows how to read."""
    streaming: Streaming | None = None
    """Set if the graph takes new steps after those that it has seen, and not whole examples."""

    def now(self, lower: Callable[[Value, Any], Value]) -> Value:
        """Return a number of the step that is being made, given what appends it to how many steps are done.

        `lower` also takes the length of the training.
        """
        assert self.length is not None, "only a network is trained"
        return lower(number(self.graph, DONE), self.length())

    @property
    def dtype(self) -> DType:
        """The type of parameters and activations."""
        return self.graph.dtype

    def parameter(
        self,
        name: str,
        shape: tuple[int, ...],
        initial: Initial,
        regularizer: Penalty | None = None,
        observed: ObservedValue | None = None,
    ) -> Value:
        """Declare the parameter `scope.name` and return it; asked for again, it is the same one.

        `observed` is what an initial value looks at that is computed from rows of the training split. In an ensemble,
        it has an axis of members in front, and a vector one of rows behind that, as far as members have their own.
        """
        members = self.scope.members
        if members is not None and (members.own == "all" or (members.own == "vectors" and len(shape) == 1)):
            assert members.of is not None
            self.scope = replace(self.scope, members=None)
            initial = members.of(initial, members.count)
            whole = self.parameter(name, (members.count, *shape), initial, regularizer, observed)
            self.scope = replace(self.scope, members=members)
            return whole if len(shape) > 1 else ops.reshape(whole, shape=(members.count, 1, *shape))
        full = f"{self.scope.parameters}.{name}"
        if full not in self.leaves:
            trainable = self._is_trainable(full, self.scope.trainable)
            self._declare(full, shape, initial, "parameter" if trainable else "frozen", observed)
            if regularizer is not None and trainable:
                self.penalties.append(regularizer.penalty(self.leaves[full]))
        known = self.leaves[full]
        if known.shape != shape:
            raise ShapeFault(
                f"`{full}` has the shape {show(known.shape)}, and here it would be {show(shape)}"
            )
        return known

    def statistic(
        self, name: str, shape: tuple[int, ...], initial: Initial, observed: ObservedValue | None = None
    ) -> Value:
        """Declare the array `scope.name`, which is kept with the model and follows what training sees."""
        full = f"{self.scope.parameters}.{name}"
        if full not in self.leaves:
            self._declare(full, shape, initial, "statistic", observed)
        return self.leaves[full]

    def follow(self, statistic: Value, observed: Value, momentum: float, values: Count) -> None:
        """Have a statistic become momentum * statistic + (1 - momentum) * observed at the end of a training step.

        In evaluation it stays as it is, and so it does in a step whose loss is not finite, or in which it would be
        observed from a single value: `values` is from how many it is observed.
        """
        if self.training:
            self.followed.append(Following(statistic, observed, momentum, values))

    def carried(
        self, name: str, shape: Shape, *, start: Value | None = None, dtype: DType | None = None
    ) -> Value:
        """Return what the last call left for this layer under a name; in the first call, `start` or zeros."""
        full = f"{CARRIED}{self.scope.name}.{name}"
        if full not in self.leaves:
            self.leaves[full] = leaf(self.graph, full, "state", shape, dtype)
        if start is None:
            return self.leaves[full]
        assert self.streaming is not None, "only graphs of new steps have a first call"
        return start if self.streaming.opening else self.leaves[full]

    def carry(self, name: str, value: Value) -> None:
        """Leave a value for the next call, in which `carried` returns it; its shape is the one given to `carried`."""
        self.graph.assign(self.leaves[f"{CARRIED}{self.scope.name}.{name}"], value)

    def held(self, name: str, shape: Shape, make: Callable[[], Value]) -> Value:
        """Return a value that does not depend on the new steps, which the first call makes and keeps for later ones."""
        if self.streaming is None:
            return make()
        known = self.carried(name, shape)
        if not self.streaming.opening:
            return known
        value = make()
        self.carry(name, value)
        return value

    def past(self, name: str, new: Value, axis: int, length: int) -> Past | None:
        """Keep what a layer makes of each new step, and return what it kept of the `length` steps before these.

        It is None for a length of 0.
        """
        streaming = self.streaming
        assert streaming is not None, "whole examples have no past"
        if length < 1:
            return None
        full = f"past/{self.scope.name}.{name}"
        shape = (*new.shape[:axis], length, *new.shape[axis + 1 :])
        before = leaf(self.graph, full, "state", shape, new.dtype)
        if length not in streaming.places:
            streaming.places[length] = leaf(self.graph, f"places/{length}", "state", (length,))
        streaming.pasts[full] = Past(before, streaming.places[length], new, axis, length)
        return streaming.pasts[full]

    def streams(self, value: Value) -> bool:
        """Return whether a value depends on new steps after those that were seen."""
        return self.streaming is not None and self.streaming.covers(value)

    def most(self, dim: Dim) -> int:
        """Return how many steps there are at most along an axis."""
        return dim if isinstance(dim, int) else dim.at(self.longest)

    def _declare(
        self, full: str, shape: tuple[int, ...], initial: Initial, role: Role, observed: ObservedValue | None
    ) -> None:
        # Arrays of one role lie one after the other.
        alike = (p.name for p in reversed(self.parameters.values()) if p.role == role)
        group = self._group(full) if role == "parameter" else None
        rate = self.scope.rate if role == "parameter" else 1.0
        rate *= 1.0 if group is None else group.learning_rate_multiplier
        decay = None if group is None else group.weight_decay
        self.leaves[full] = leaf(self.graph, full, role, shape, after=next(alike, None))
        field = f"{full.rpartition('.')[2]}_init"
        if observed is not None and initial.of_rows:
            self.observed[full] = observed
        known = observed is not None
        path = self.graph.key_path
        self.parameters[full] = Parameter(full, shape, initial, path, field, role, rate, decay, known)

    def _group(self, name: str) -> GroupSettings | None:
        return next((group for group in self.groups if group.matches(name)), None) if self.groups else None

    def _is_trainable(self, name: str, otherwise: bool) -> bool:
        """Say whether a layer or parameter is trained: as its group says, or else as its layers do."""
        group = self._group(name)
        return otherwise if group is None or group.trainable is None else group.trainable

    def mask_of(self, x: Value) -> Value | None:
        """Return which steps of x (batch, steps, ...) exist: 1 for these, else 0, (batch, steps); None for all."""
        return self.masks.get(x)

    def tokens_of(self, x: Value) -> int | None:
        """Return how many tokens there are where x holds indices of tokens; None where it does not."""
        return self.vocabularies.get(x)

    def mask(self, x: Value, mask: Value | None) -> Value:
        """Say which steps of x (batch, steps, ...) exist, and return x."""
        if mask is not None and not self.streams(x):  # new steps all exist
            assert x.shape[:2] == mask.shape, f"{show(mask.shape)} is not a mask of {show(x.shape)}"
            self.masks[x] = mask
        return x

    def pass_masks(self, taken: tuple[Value, ...], y: Value) -> None:
        """Have the result of a layer the steps that all exist in what it took, where it still has these."""
        masks = [mask for x in taken if (mask := self.masks.get(x)) is not None]
        if not masks or y.rank < 3:
            return
        found = [mask for mask in dict.fromkeys(masks) if mask.shape == y.shape[:2]]
        for mask in found[1:]:
            found[0] = found[0] * mask
        if found:
            self.mask(y, found[0])

    def without_padding(self, x: Value) -> Value:
        """Return x (batch, steps, ...) with zeros at steps that are padding."""
        mask = self.masks.get(x)
        if mask is None or x in self.vocabularies:
            return x  # tokens have the index 0 there
        shown = ops.reshape(mask, shape=(*mask.shape, *(1 for _ in x.shape[2:])))
        return self.mask(x * shown, mask)

    def stream(self, use: str) -> str:
        """Return the name of a stream of randomness of the layer's own, such as `dropout_1/mask`."""
        return f"{self.scope.name}/{use}"
