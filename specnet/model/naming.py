"""Names for values of a graph, so that a trace or an exported program can show them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from specnet.graph.graph import Value
from specnet.model.lowered import Lowered
from specnet.model.network import Network

VALUE, GRADIENT = "value ", "gradient "
"""What the names of outputs begin with that are there to be named: a value of the forward pass, and its gradient."""

Naming = Callable[[Network, Lowered], Mapping[str, Value]]
"""Gives the values of the forward pass that have names of their own, by name."""


def named_outputs(values: Mapping[str, Value]) -> dict[str, Value]:
    """Return values as outputs of a graph."""
    return {VALUE + name: value for name, value in values.items()}
