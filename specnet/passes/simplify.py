"""Rewrite a graph into a smaller one with the same results.

Each rule (`rules/`) is one function in a table: it looks at an op about to be applied and returns a value that
already exists, or that other ops give more cheaply, or None. Rules see already simplified inputs, and what
they apply is simplified in turn.
"""

from __future__ import annotations

from typing import Any, TypeVar

from specnet.graph.attributes import Attributes
from specnet.graph.graph import Graph, Op, Region, Value
from specnet.passes.pruning import prune
from specnet.passes.rewriting import Rewriting
from specnet.passes.rules import RULES, arithmetic, shapes  # noqa: F401  (their rules enter the table)

G = TypeVar("G", bound=Graph)


class Simplifier:
    """What a graph asks before it appends: whether a rule gives the value, or an earlier application is equal."""

    def __init__(self) -> None:
        self._known: dict[Any, tuple[Value, ...]] = {}

    def find(
        self, _: Graph, op: Op[Any], inputs: tuple[Value, ...], attributes: Attributes
    ) -> tuple[Value, ...] | None:
        """Return the value that a rule gives, or the results of an earlier, equal application."""
        for each in RULES.get(op.name, ()):
            found = each(*inputs, **attributes.named())
            if found is not None:
                return (found,)
        return None if op.random else self._known.get(_key(op, inputs, attributes))

    def keep(
        self, op: Op[Any], inputs: tuple[Value, ...], attributes: Attributes, results: tuple[Value, ...]
    ) -> None:
        """Remember an application, so that no second one is appended."""
        if not op.random:
            self._known[_key(op, inputs, attributes)] = results


def _key(op: Op[Any], inputs: tuple[Value, ...], attributes: Attributes) -> Any:
    return op, tuple(value.index for value in inputs), attributes


class Simplifying(Rewriting):
    """Apply every op again, to a graph that simplifies."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph, Simplifier())

    def within(self, region: Region) -> Region:
        """Return a region simplified and without dead code."""
        return simplify(region)


def simplify(graph: G) -> G:
    """Return a graph with the same outputs and assignments, simplified and without dead code."""
    return prune(Simplifying(prune(graph)).run())  # type: ignore[return-value]
