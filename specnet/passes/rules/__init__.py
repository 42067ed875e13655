"""The rewrite rules of the simplifier, by the op that is about to be applied."""

from __future__ import annotations

from collections.abc import Callable

from specnet.graph.graph import Value

Rule = Callable[..., Value | None]
RULES: dict[str, list[Rule]] = {}
"""The rules that the modules of this folder enter when they are imported, by the name of the op."""


def rule(*op_names: str) -> Callable[[Rule], Rule]:
    """Enter a rule for applications of some ops; it is called with their inputs and attributes."""

    def enter(function: Rule) -> Rule:
        for name in op_names:
            RULES.setdefault(name, []).append(function)
        return function

    return enter
