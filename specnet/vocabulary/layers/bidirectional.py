from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field
from pydantic_core import PydanticCustomError

from specnet.graph.builder import Builder
from specnet.graph.graph import Value
from specnet.vocabulary.kind import Words, fault, table_check
from specnet.vocabulary.layers import LAYERS, Layer
from specnet.vocabulary.layers.containers import Container
from specnet.vocabulary.layers.merging import combined, concatenated
from specnet.vocabulary.layers.state_carrying import StateCarrying


class Bidirectional(Container):
    """Apply a recurrent layer to a sequence and another one like it to the reversed sequence, and merge the results.

    x (batch, steps, in) -> the merged states: what each of the two has seen of the whole sequence, or, with
    `return_sequences`, of the steps up to each step and from it on (Schuster and Paliwal, 1997). The two have
    parameters of their own, `forward.kernel` and `backward.kernel` and so on.
    """

    type: Literal["bidirectional"] = "bidirectional"
    layers: Annotated[tuple[Annotated[Layer, LAYERS], ...], Words("an array of one recurrent layer")] = Field(
        json_schema_extra={"minItems": 1, "maxItems": 1}, examples=[[{"type": "lstm", "units": 4}]]
    )
    """The recurrent layer; left out with `share`."""
    merge: Literal["concat", "add", "multiply", "average"] = "concat"
    """How the two results are merged: the name of a merging layer; `concat` joins their features."""

    @table_check()
    def _one_recurrent(self) -> Iterator[PydanticCustomError]:
        if len(self.layers) > 1:
            message = f"`layers` is too long: bidirectional takes one recurrent layer, got {len(self.layers)} layers"
            help = 'a stack of them is a container each: { type = "sequential", repeat = 2, layers = [...] }'
            yield fault(message, key="layers", code="SN209", help=help)
            return
        for layer in self.layers:
            if not isinstance(layer, StateCarrying):
                message = f"bidirectional takes a recurrent layer, and {layer.type} goes through no steps"
                yield fault(
                    message,
                    key=("layers", 0, "type"),
                    code="SN401",
                    help="`lstm`, `gru`, `min_gru` or `simple_rnn`",
                )
            elif layer.stateful:
                message = "`stateful` continues where the last batch ended, and one of the two layers begins at the end"
                yield fault(message, key=("layers", 0, "stateful"), part="key", help="leave it out")
            elif layer.name is not None:
                message = "`name` would be ignored: the two layers are called `forward` and `backward`"
                yield fault(message, key=("layers", 0, "name"), code="SN306", part="key", help="leave it out")

    def stream_fault(self, build: Builder, xs: tuple[Value, ...]) -> str | None:
        return "goes through the steps of a sequence in both directions"

    def lower(self, build: Builder, x: Value) -> Value:
        (layer,) = self.layers
        assert isinstance(layer, StateCarrying)
        ways = {"forward": layer.reverse, "backward": not layer.reverse}
        both: list[Layer] = [
            layer.model_copy(update={"name": name, "reverse": reverse}) for name, reverse in ways.items()
        ]
        results = tuple(build.run([each], x, "layers") for each in both)
        return concatenated(results, -1) if self.merge == "concat" else combined(self.merge, results)
