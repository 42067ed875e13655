from __future__ import annotations

from collections.abc import Sequence

from specnet.graph import ops
from specnet.graph.graph import Graph, Value
from specnet.graph.op import constant


def differentiate(graph: Graph, loss: Value, wanted: Sequence[Value]) -> list[Value]:
    """Append the gradient of a scalar with respect to each wanted value, by each op's pullback.

    This is reverse-mode differentiation from graph to graph (Linnainmaa, 1970; as HIPS/autograd writes it):
    values are visited from the loss back, and only those that a wanted value leads to. A wanted value that
    the loss does not depend on has a gradient of zeros.
    """
    leads = _led_to(graph, wanted, loss)
    gradients: dict[int, Value] = {loss.index: constant(graph, 1.0)}
    graph.phase = "backward"
    for value in reversed(graph.values[: loss.index + 1]):
        gradient = gradients.get(value.index)
        if gradient is None or value.index not in leads or not value.inputs:
            continue
        assert value.op.pullback is not None, f"{value.op} has no pullback"
        graph.origin = value.origin
        parts = value.op.pullback(gradient, value, *value.inputs, **value.attributes)
        for source, part in zip(value.inputs, parts, strict=True):
            if part is None or source.index not in leads:
                continue
            so_far = gradients.get(source.index)
            gradients[source.index] = part if so_far is None else so_far + part
    results = [gradients.get(v.index) for v in wanted]
    graph.origin = ()
    return [
        ops.expand(constant(graph, 0.0), shape=v.shape) if g is None else g
        for v, g in zip(wanted, results, strict=True)
    ]


def _led_to(graph: Graph, wanted: Sequence[Value], loss: Value) -> set[int]:
    reached = {v.index for v in wanted}
    for value in graph.values[: loss.index + 1]:
        if any(i.index in reached for i in value.inputs):
            reached.add(value.index)
    return reached
