from __future__ import annotations

from collections.abc import Mapping, Sequence

from specnet.graph import ops
from specnet.graph.graph import Graph, Node, Value
from specnet.graph.leaves import constant
from specnet.graph.ops.scan import SCAN
from specnet.passes.loop_gradients import loop_gradients


def differentiate(graph: Graph, loss: Value, wanted: Sequence[Value]) -> list[Value]:
    """Append the gradient of a scalar with respect to each wanted value, by each op's pullback.

    This is reverse-mode differentiation from graph to graph (Linnainmaa, 1970; as HIPS/autograd writes it):
    nodes are visited from the loss back, and only those that a wanted value leads to. A wanted value that
    the loss does not depend on has a gradient of zeros.
    """
    graph.phase = "backward"
    found = flow_back(graph, {loss: constant(graph, 1.0)}, wanted)
    graph.key_path = ()
    return [ops.zeros_like(v) if g is None else g for v, g in zip(wanted, found, strict=True)]


def flow_back(graph: Graph, arriving: Mapping[Value, Value], wanted: Sequence[Value]) -> list[Value | None]:
    """Append what flows back to each wanted value from the gradients that arrive at some values.

    None stands for a wanted value that leads to none of them.
    """
    last = max((value.node.index for value in arriving), default=-1)
    leads = _led_to(graph, wanted, last)
    gradients = {value.index: gradient for value, gradient in arriving.items()}
    for node in reversed(graph.nodes[: last + 1]):
        coming = [gradients.get(value.index) for value in node.results]
        if not node.inputs or not any(v.index in leads for v in node.results):
            continue
        if all(gradient is None for gradient in coming):
            continue
        graph.key_path = node.key_path
        for source, part in zip(node.inputs, _pulled_back(node, coming), strict=True):
            if part is None or source.index not in leads:
                continue
            so_far = gradients.get(source.index)
            gradients[source.index] = part if so_far is None else so_far + part
    return [gradients.get(value.index) for value in wanted]


def _pulled_back(node: Node, gradients: Sequence[Value | None]) -> Sequence[Value | None]:
    """Return the gradient of each input, given those of the results."""
    if node.op is SCAN:
        return loop_gradients(node, gradients, flow_back)
    assert node.op.pullback is not None, f"{node.op} has no pullback"
    settings = node.attributes.named()
    if len(node.results) == 1:
        return node.op.pullback(gradients[0], node.value, *node.inputs, **settings)
    return node.op.pullback(tuple(gradients), node.results, *node.inputs, **settings)


def _led_to(graph: Graph, wanted: Sequence[Value], last: int) -> set[int]:
    """Return the values that a wanted one leads to, by index, among the first nodes."""
    reached = {value.index for value in wanted}
    for node in graph.nodes[: last + 1]:
        if any(value.index in reached for value in node.inputs):
            reached.update(value.index for value in node.results)
    return reached
