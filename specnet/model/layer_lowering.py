"""A graph of a document's layers alone, over some inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from specnet.data import Signature
from specnet.data.signature import ONLY, InputArray
from specnet.diagnostics import SpecError
from specnet.graph.builder import Builder
from specnet.graph.graph import Graph, ShapeFault, Value
from specnet.graph.scopes import LayerInfo
from specnet.graph.streaming import Streaming
from specnet.language.spec import Spec
from specnet.model.inputs import input_values
from specnet.model.output_lowering import shape_diagnostic
from specnet.model.run_length import run_length
from specnet.model.topology_faults import check_topology
from specnet.model.units import settled
from specnet.model.varying import longest_of


def lower_layers(
    spec: Spec,
    inputs: tuple[InputArray, ...],
    *,
    training: bool,
    signature: Signature | None = None,
    streaming: Callable[[Mapping[str, Value]], Streaming] | None = None,
    keeping: bool = False,
    lengths: Mapping[str, str] | None = None,
    unread: bool = False,
) -> tuple[Value, Builder, tuple[LayerInfo, ...]]:
    """Build a graph of the layers alone over some inputs; return the last one's value.

    With `streaming`, which is called with the inputs by their names, the graph takes new steps after those that it has
    seen. Raises CannotStream naming a layer that cannot. `lengths` are the named sizes that stand for the lengths of
    arrays of sequences, by array. Where the data are `unread`, sizes that only they have are assumed, and noted.
    """
    spec = settled(spec, None)  # a network's own is settled already
    graph = Graph(spec.dtype)
    builder = Builder(graph, training, groups=spec.training.groups, keeping=keeping, unread=unread)
    builder.longest |= longest_of(lengths or {}, inputs)
    rows = 1 if signature is None else signature.rows.get("train", 1)
    builder.length = partial(run_length, spec, rows)
    values = input_values(builder, inputs, spec, signature, lengths or {})
    if streaming is not None:
        builder.streaming = streaming(values)
        builder.masks = {x: mask for x, mask in builder.masks.items() if not builder.streams(x)}
    try:
        if spec.inputs is None:
            check_topology(spec.layers)
            x = builder.run(spec.layers, values[ONLY], "layers")
        else:
            check_topology(spec.layers, values)
            x = builder.enter(spec.layers, values, "layers")
    except ShapeFault as fault:
        raise SpecError(
            [shape_diagnostic(fault, builder.entering[0], graph.key_path, builder.entering)]
        ) from fault
    return x, builder, tuple(builder.layers)
