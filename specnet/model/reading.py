"""What readers call the values of a graph."""

from __future__ import annotations

from collections.abc import Mapping

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.leaves import given, name_of, role_of
from specnet.graph.scopes import LayerInfo
from specnet.model.lowered import Lowered


def is_sum(value: Value) -> bool:
    """Return whether a value is what a layer computes before its activation: a product, or one with a bias."""
    if value.op is ops.add:
        return any(given(i) is not None and name_of(i).endswith(".bias") for i in value.inputs)
    return value.op is ops.MATMUL


def known_as(value: Value, wished: Mapping[int, str]) -> str:
    """Return what textbooks call the parts of a loss and of its gradient; empty for other values.

    `wished` are the names that values have already, by their index.
    """
    if value.op is ops.subtract and any(map(_is_target, value.inputs)):
        return "error"
    if value.op is ops.exp and value.inputs[0].op is ops.log_softmax:
        return "probabilities"
    if value.op is ops.sigmoid and wished.get(value.inputs[0].index) == "logits":
        return "probabilities"
    return "one_hot" if value.op is ops.one_hot and _is_target(value.inputs[0]) else ""


def layer_values(lowered: Lowered) -> dict[str, tuple[LayerInfo, Value | None, Value]]:
    """Return each layer by its name, with its sum before the activation, if that is another value, and its output."""
    found: dict[str, tuple[LayerInfo, Value | None, Value]] = {}
    for place, info in enumerate(lowered.layers):
        output = lowered.builder.given[place]
        sums = [
            node.value
            for node in lowered.graph.nodes[: output.node.index + 1]
            if node.key_path == info.path and len(node.results) == 1 and is_sum(node.value)
        ]
        own = sums[-1] if sums and output.key_path == info.path else output
        found[info.name] = info, None if own is output else own, output
    return found


def _is_target(value: Value) -> bool:
    return role_of(value) == "target"
