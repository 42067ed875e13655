"""How arrays and lines stand in a program."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Collection
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

WIDTH = 100
INDENT = "    "


def indented(lines: list[str], depth: int = 1) -> list[str]:
    """Return lines further to the right; empty ones stay empty."""
    return [f"{INDENT * depth}{line}" if line else "" for line in lines]


def listed(name: str, items: list[str]) -> list[str]:
    """Return the lines of `name = [items]`."""
    line = f"{name} = [{', '.join(items)}]"
    if len(line) <= WIDTH - 8:
        return [line]
    inner = textwrap.wrap(", ".join(items) + ",", WIDTH - 12)
    return [f"{name} = [", *indented(inner), "]"]


def without_unused(lines: list[str], names: Collection[str]) -> list[str]:
    """Return the lines of a program without what it assigns to some names, where it reads them nowhere."""
    nodes = list(ast.walk(ast.parse("\n".join(lines))))
    read = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    unused: set[int] = set()
    for node in nodes:
        if isinstance(node, ast.Assign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            parts = [each for target in targets for each in getattr(target, "elts", [target])]
            if all(isinstance(each, ast.Name) and each.id in names and each.id not in read for each in parts):
                unused.update(range(node.lineno - 1, node.end_lineno or node.lineno))
    left = [line for number, line in enumerate(lines) if number not in unused]
    return without_unused(left, names) if unused else lines


def literal(array: Array, dtype: str) -> str:
    """Return an array as the NumPy call that makes it again, to the last bit."""
    array = np.asarray(array)
    whole = array.dtype.kind in "iub"
    as_integers = whole or (
        array.size > 0 and bool(np.all(array == np.round(array)) and np.all(abs(array) < 1e6))
    )
    if whole:
        kind = "" if array.dtype == np.int64 else f", dtype=np.{array.dtype}"
    elif dtype == "float64":
        kind = ", dtype=float" if as_integers else ""
    else:
        kind = f", dtype=np.{dtype}"
    if array.size and array.ndim and not array.any():
        size = str(array.shape[0]) if array.ndim == 1 else str(array.shape)
        return f"np.zeros({size}{'' if dtype == 'float64' else kind})"
    # The shortest decimal that reads as the same number in the array's own type.
    numbers = _nested(array, as_integers=as_integers)
    one_line = f"np.array({numbers}{kind})"
    if len(one_line) <= WIDTH - 24 or array.ndim == 0:
        return one_line
    return f"np.array([\n{_rows(array, as_integers)}\n]{kind})"


def _rows(array: Array, as_integers: bool) -> str:
    if array.ndim == 1:
        text = ", ".join(_number(x, as_integers=as_integers) for x in array)
        return textwrap.fill(text, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)
    if array.ndim == 2 and as_integers and array.shape[1] * 3 < WIDTH // 3:
        text = ", ".join(_nested(row, as_integers=True).replace(" ", "~") for row in array)
        filled = textwrap.fill(text, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)
        return filled.replace("~", " ")
    rows = []
    for row in array:
        text = _nested(row, as_integers=as_integers)
        rows.append(textwrap.fill(f"{text},", WIDTH, initial_indent=INDENT, subsequent_indent=f"{INDENT} "))
    return "\n".join(rows)


def _nested(array: Array, *, as_integers: bool) -> str:
    if array.ndim == 0:
        return _number(array[()], as_integers=as_integers)
    return "[" + ", ".join(_nested(part, as_integers=as_integers) for part in array) + "]"


def _number(x: Any, *, as_integers: bool) -> str:
    if as_integers:
        return str(int(x))
    return str(x)
