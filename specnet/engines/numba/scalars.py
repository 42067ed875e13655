"""Scalars of a step within one compiled function for all of it."""

from __future__ import annotations

import ast

from specnet.engines.numba.entries import Unfit
from specnet.engines.numba.performing import Performing

FUNCTIONS = {"exp", "log", "sqrt", "sin", "cos", "tanh", "expm1", "log1p"}
"""Functions of scalars that compiled code has."""


class Scalars(Performing):
    """Writes expressions of scalars."""

    def scalar(self, node: ast.expr) -> str:
        """Return an expression of scalars."""
        match node:
            case ast.Call(func=ast.Name(id="float"), args=[ast.Call(func=ast.Name(id=name), args=arguments)]):
                return f"float64({self._sum(name, arguments)})"
            case ast.Call(func=ast.Name(id="count_nonzero"), args=[ast.Name(id=a)]):
                return f"float64(number_of({self.array(a, truths=True)}, t, {self.entry('size', a)}))"
            case ast.Call(func=ast.Attribute(value=ast.Name(id="ranks"))):
                raise Unfit  # sums over processes are the interpreter's
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and part.id in self.views:
                raise Unfit
            if isinstance(part, ast.Name) and part.id.startswith("scalar_"):
                part.id = part.id.removeprefix("scalar_")
                if part.id not in FUNCTIONS:
                    raise Unfit
        return ast.unparse(node)

    def _sum(self, name: str, arguments: list[ast.expr]) -> str:
        match name, arguments:
            case "dot", [ast.Name(id=a), ast.Name(id=b)]:
                return f"inner_product({self.array(a)}, {self.array(b)}, t, {self.entry('size', a)})"
            case "add_reduce", [ast.Name(id=a)] if self.views[a].dtype != "bool":
                return f"total({self.array(a)}, t, {self.entry('size', a)})"
        raise Unfit
