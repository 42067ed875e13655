from __future__ import annotations

from dataclasses import dataclass

from specnet.data.signature import InputArray
from specnet.graph import ops
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaves
from specnet.graph.sizes import show
from specnet.model.inputs import MOVING
from specnet.model.network import Network

CONTINUED = "target"
"""The name of the input that is continued, if a document names several."""


class NotGenerating(ValueError):  # noqa: N818 (it says what a model is)
    """A model does not predict tokens of its own input, or has a layer that cannot take one step after the other."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a model that generates continues, and what it predicts of it."""

    array: InputArray
    """The array of tokens (steps,) that is continued."""
    others: tuple[InputArray, ...]
    """The other arrays that it takes, such as the source of a translation."""
    tokens: int
    """The size of the vocabulary; further outputs stand for no token."""
    each: bool
    """Whether it predicts the token after each step, not only the one after a whole example."""

    @property
    def steps(self) -> int:
        """The number of tokens of an example in training."""
        return self.array.shape[0]


def task_of(network: Network) -> Task:
    """Return what a network generates; raise NotGenerating if it generates nothing."""
    if network.several:
        raise NotGenerating("it has several outputs, and one is needed that predicts tokens")
    (output,) = network.outputs.values()
    forward = network.forward(training=False)
    sizes = {array.short: _tokens(forward.graph, array) for array in network.inputs}
    read = [array for array in network.inputs if sizes[array.short]]
    if not read:
        raise NotGenerating(
            "none of its inputs is a sequence of tokens, whole numbers that an `embedding` reads"
        )
    named = [array for array in read if array.short == CONTINUED] if len(network.inputs) > 1 else read
    if not named:
        raise NotGenerating(
            f"it has several inputs, and none of them that it could continue is called `{CONTINUED}`"
        )
    (array,) = named
    rows, shape = sizes[array.short], output.loss_shape
    tokens = array.tokens or rows
    predicts = f"it predicts {show(shape)} for an input {show(array.shape)} of {tokens} tokens"
    if output.loss.output_activation != "softmax" or output.of_inputs or output.loss.targets != "classes":
        raise NotGenerating(f"{predicts}, and {output.loss.type} does not give probabilities of tokens")
    each = len(shape) > 1
    # A head that is tied to an embedding has as many outputs as that has rows.
    if shape[-1:] not in ((tokens,), (rows,)) or shape[:-1] not in (array.shape, ()):
        raise NotGenerating(f"{predicts}, and not a probability for each token")
    others = tuple(other for other in network.inputs if other is not array)
    if others and not each:
        raise NotGenerating(f"{predicts}, and the others would have to be continued, too")
    return Task(array, others, tokens, each=each)


def _tokens(graph: Graph, array: InputArray) -> int:
    """Return the number of rows of the embedding that reads an input of tokens; 0 for any other input."""
    if array.dtype != "int64" or len(array.shape) != 1:
        return 0
    moved = {leaves(graph)[array.name].index}
    for node in graph:
        if node.op.name in MOVING and node.inputs[0].index in moved:
            moved.add(node.value.index)
        elif node.op is ops.indices and node.inputs[0].index in moved:
            return ops.indices.of(node).size
    return 0
