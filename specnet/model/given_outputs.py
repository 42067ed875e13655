"""A network's loss and metrics over outputs that are given, in the place of those that its layers give."""

from __future__ import annotations

from dataclasses import replace

from specnet.graph import ops
from specnet.graph.leaves import leaf
from specnet.graph.sizes import BATCH
from specnet.model.costs import element_costs, whole_cost
from specnet.model.lowered import Lowered
from specnet.model.network import Network
from specnet.model.output_lowering import activated

PENALTY, ROW_PENALTIES = "given_penalty", "given_row_penalties"
"""The names of the arrays of penalties: (1,), and (rows,) for what layers add for each row."""


def with_given_outputs(network: Network, lowered: Lowered) -> Lowered:
    """Return a forward graph whose outputs are leaves `given/NAME`, as the loss sees them; nothing is calibrated.

    Penalties are given as well, where the network has some. Only what says which steps are padding is computed from
    the inputs.
    """
    graph, builder, dtype = lowered.graph, lowered.builder, network.spec.dtype
    outputs = {}
    for name, output in network.outputs.items():
        own = lowered.outputs[name]
        value = leaf(graph, output.given, "input", (BATCH, *output.loss_shape), dtype)
        value, prediction = activated(value, output.loss)
        elements, _ = element_costs(output.loss, value, own.target, own.exists)
        outputs[name] = replace(own, output=value, prediction=prediction, elements=elements, members=None)
    by_row = builder.row_penalties and [leaf(graph, ROW_PENALTIES, "input", (BATCH,), dtype)]
    penalties = builder.penalties and [ops.sum_all(leaf(graph, PENALTY, "constant", (1,), dtype))]
    elements, rest = whole_cost(network.outputs, outputs, by_row, network.spec.loss)
    builder = replace(builder, penalties=penalties, row_penalties=by_row)
    return replace(lowered, builder=builder, outputs=outputs, elements=elements, rest=rest)
