"""What all layers share that carry a state from each step of a sequence to the next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from pydantic import PositiveInt
from pydantic_core import PydanticCustomError

from specnet.graph.builder import Builder, LengthUse, MaskUse
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.sizes import Dim, show
from specnet.vocabulary.kind import fault, table_check
from specnet.vocabulary.layers.dropping import Rate
from specnet.vocabulary.layers.weights import Weighted


class StateCarrying(Weighted):
    """Base of layers x (batch, steps, in) -> the state after the last step (batch, units), or all states.

    `inputs` may name further layers after the sequence: they give the states before the first step, (batch, units)
    each, which else are zeros. Steps that are padding leave the state as it is.
    """

    units: PositiveInt
    """The number of output features."""
    return_sequences: bool = False
    """Whether the output is the state after each step, (batch, steps, units), in the order of the input's steps."""
    reverse: bool = False
    """Whether to go from the last step to the first. The state after the last one is then that of the first step."""
    dropout: Rate = 0.0
    """In training, the fraction of input features set to 0, the same ones at all steps of an example."""
    stateful: bool = False
    """Whether the states after a batch are those before the next one, so that rows of consecutive batches are parts of
    one long stream (truncated back-propagation through time). They are zeros at the beginning of each epoch and of each
    evaluation, and no gradient flows back through them. Batches take parallel streams, and rows are not shuffled."""

    takes: ClassVar[tuple[int, int | None]] = (1, 2)
    masking: ClassVar[MaskUse] = "own"
    lengths: ClassVar[LengthUse | None] = "masked"

    @table_check()
    def _stateful_forward(self) -> Iterator[PydanticCustomError]:
        if self.stateful and self.reverse:
            message = "`stateful` continues where the last batch ended, and `reverse` begins at the end"
            yield fault(message, key="stateful", help="leave one out")

    @property
    def keeps_states(self) -> bool:
        return self.stateful

    def stream_fault(self, build: Builder, xs: tuple[Value, ...]) -> str | None:
        if self.reverse:
            return "goes from the last step to the first"
        return None if self.return_sequences else "returns its state after the last step only"

    def lower(self, build: Builder, x: Value) -> Value:
        return self.lower_all(build, (x,))

    def carries(self, build: Builder, x: Value) -> bool:
        """Return whether the states after x are left for the next call."""
        return build.streams(x) or (self.stateful and build.keeping)

    def check_states(self, given: Sequence[Value], batch: Dim) -> None:
        """Raise ShapeFault where states from other layers have another shape, or are taken by a stateful layer."""
        wanted = (batch, self.units)
        for state in given:
            if state.shape != wanted:
                message = f"the state before the first step must be {show(wanted)}, got {show(state.shape)}"
                raise ShapeFault(message, state)
        if self.stateful and given:
            raise ShapeFault(
                f"{self.type} takes no states from other layers where it is stateful",
                given[0],
                help="leave out `stateful`, or name the sequence alone in `inputs`",
            )
