"""How a model generates, and what a token costs: known before anything is trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from specnet.diagnostics.text import sized
from specnet.graph.sizes import ITEM_BYTES
from specnet.model.generation.graphs import steps_graph, whole_graph
from specnet.model.generation.task import NotGenerating, task_of
from specnet.model.network import Network
from specnet.passes.pipeline import plan


@dataclass(frozen=True, slots=True)
class Generating:
    """How a network generates the next token of its input."""

    steps: int
    """The number of tokens of an example."""
    flops: int
    """The floating-point operations per token, up to the length of an example."""
    flops_beyond: int
    """The same for longer sequences."""
    bytes: int = 0
    """The states, keys and values that are kept per sequence."""
    attention: bool = False
    """Whether keys and values are among these, of as many steps as an example has, or fewer with a window."""
    bounded: str | None = None
    """The layer that has no positions beyond the length of an example, so that the last tokens are read again."""
    context: bool = False
    """Whether each token is predicted from a fixed number of tokens before it, and nothing is kept."""
    fault: str | None = None
    """Why it cannot generate, although it predicts tokens."""

    def lines(self) -> list[str]:
        """Return it in sentences."""
        steps = f"{self.steps:,}"
        if self.fault is not None:
            return [f"none: {self.fault}"]
        if self.context:
            return [f"each token is predicted from the {steps} before it, all of which are read again"]
        kept = "keys and values of attention" if self.attention else "states"
        beyond = f"beyond {steps} tokens it continues in the same way"
        if self.bounded is not None:
            again = f"the last {steps} are read again for each"
            beyond = f"beyond {steps} tokens, {again}: {self.bounded} has no more positions"
        elif self.attention:
            beyond += f"; attention sees the last {steps} at most"
        return [f"each token is read once, and {kept} are kept, {sized(self.bytes)} per sequence", beyond]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def generating(network: Network) -> Generating | None:
    """Return how a network generates; None if it does not predict tokens of its input."""
    try:
        task = task_of(network)
    except NotGenerating:
        return None
    whole = plan(whole_graph(network, task), 1).flops()
    if not task.each:
        return Generating(task.steps, whole, whole, context=True)
    try:
        graph = steps_graph(network, task, 1, opening=not task.others)
    except NotGenerating as error:
        return Generating(task.steps, 0, 0, fault=str(error))
    flops = plan(graph.graph, 1).flops()
    return Generating(
        task.steps,
        flops,
        whole if graph.bounded is not None else flops,
        graph.bytes_per_sample(ITEM_BYTES[network.spec.dtype]),
        bool(graph.rings),
        graph.bounded,
    )
