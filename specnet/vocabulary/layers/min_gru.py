"""A recurrent layer whose gates do not depend on the state, so that all steps are computed together."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from specnet.graph import ops
from specnet.graph.builder import Builder, LengthUse
from specnet.graph.graph import Value
from specnet.graph.sizes import static
from specnet.vocabulary.activations import ACTIVATIONS, Activation
from specnet.vocabulary.layers.dropping import dropped
from specnet.vocabulary.layers.sequences import of_steps, sequence_sizes
from specnet.vocabulary.layers.state_carrying import StateCarrying


class MinGRU(StateCarrying):
    """A minimal gated recurrent unit: how much of the state is replaced, and by what, depends on the input alone.

    x (batch, steps, in) -> h (batch, units) after the last step, or (batch, steps, units), with, at each step,

        z  = recurrent_activation(x·kernel + bias)     the part for z
        h' = (1 - z) * h + z * activation(x·kernel + bias)     the part for h

    (Feng et al., 2024). The kernel is (in, 2 * units) and the bias (2 * units,), with the parts in the order z, h.
    Steps that are padding leave the state as it is. There is no loop: states are combined in pairs, then in pairs of
    pairs, so that s steps take log2(s) operations over all of them (a parallel scan). `inputs` may name the state
    before the first step after the sequence.
    """

    type: Literal["min_gru"] = "min_gru"
    lengths: ClassVar[LengthUse | None] = "one"
    activation: Annotated[Activation, ACTIVATIONS] = ACTIVATIONS.field("linear")
    """The activation of what is added to the state; linear, as published."""
    recurrent_activation: Annotated[Activation, ACTIVATIONS] = ACTIVATIONS.field("sigmoid")
    """The activation of the gate."""

    def lower_all(self, build: Builder, xs: tuple[Value, ...]) -> Value:
        x, *given = xs
        batch, length, features = sequence_sizes(self.type, x)
        steps = static(length)
        mask = build.mask_of(x)
        x = dropped(build, build.without_padding(x), self.dropout, shape=(batch, 1, features))
        y = self.linear(build, x, 2 * self.units)
        halves = ((0, self.units), (self.units, 0))
        gate, new = (ops.crop(y, margins=((0, 0), (0, 0), margins)) for margins in halves)
        replaced = self.recurrent_activation.lower(gate)
        if mask is not None:
            replaced = replaced * of_steps(mask)
        kept, added = 1.0 - replaced, replaced * self.activation.lower(new)
        state = given[0] if given else None
        self.check_states(given, batch)
        carries = self.carries(build, xs[0])
        if carries:
            state = build.carried("state", (batch, self.units), start=state)
        if state is not None:
            first = ops.reshape(state, shape=(batch, 1, self.units))
            rest = (steps - 1, 0) if self.reverse else (0, steps - 1)
            added = added + kept * ops.pad(first, margins=((0, 0), rest, (0, 0)))
        states = linear_recurrence(kept, added, reverse=self.reverse)
        others = (0, steps - 1) if self.reverse else (steps - 1, 0)
        last = ops.crop(states, margins=((0, 0), others, (0, 0)))
        last = ops.reshape(last, shape=(batch, self.units))
        if carries:
            build.carry("state", last)
        return build.mask(states, mask) if self.return_sequences else last


def linear_recurrence(kept: Value, added: Value, *, reverse: bool = False) -> Value:
    """Return all states of h' = kept * h + added, which starts at 0, for factors and terms (batch, steps, units).

    After n rounds, `added` is the state that 2^n steps lead to from 0, and `kept` the factor of the state before them
    (Hillis and Steele, 1986). Before the first step both are 0.
    """
    steps = kept.shape[1]
    assert isinstance(steps, int)
    reach = 1
    while reach < steps:
        kept_before, added_before = (_moved(value, reach, reverse=reverse) for value in (kept, added))
        added = kept * added_before + added
        reach *= 2
        if reach < steps:
            kept = kept * kept_before
    return added


def _moved(x: Value, by: int, *, reverse: bool) -> Value:
    """Return x (batch, steps, units) moved by so many steps, with zeros where it came from."""
    ahead, behind = ((by, 0), (0, by)) if reverse else ((0, by), (by, 0))
    kept = ops.crop(x, margins=((0, 0), ahead, (0, 0)))
    return ops.pad(kept, margins=((0, 0), behind, (0, 0)))
