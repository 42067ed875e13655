"""One layer, lowered to a graph."""

from __future__ import annotations

from typing import Any

from specnet.graph.builder import Builder
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf
from specnet.graph.scopes import Scope
from specnet.graph.sizes import BATCH
from specnet.vocabulary.layers import LAYERS


def lowered(
    options: dict[str, Any], shape: tuple[int, ...], *, training: bool = False, dtype: str = "float64"
) -> tuple[Graph, Builder, Any, Any]:
    """Lower one layer over an input of that shape; return its graph, builder, input and output."""
    graph = Graph(dtype)
    builder = Builder(graph, training)
    builder.scope = Scope("layer", "layer")
    x = leaf(graph, "x", "input", (BATCH, *shape))
    return graph, builder, x, LAYERS.validate(options).lower(builder, x)
