"""The string below each field of a class, which is the field's documentation, read from the source."""

from __future__ import annotations

import ast
import inspect
import itertools
import sys
import textwrap
from collections.abc import Mapping
from functools import cache

from specnet.locking import Lock

_READING = Lock()
"""CPython 3.11 may fail with a SystemError where several threads make syntax trees of long sources at once."""


def notes_of(table: type) -> Mapping[str, str] | None:
    """Return the string below each field that a class itself declares; None where its source cannot be read."""
    with _READING:
        try:
            found = _notes(inspect.getsource(sys.modules[table.__module__]))
        except (OSError, TypeError, KeyError, SyntaxError):
            found = {}
        if table.__qualname__ in found:
            return found[table.__qualname__]
        try:
            # In a notebook a module has no source, and each of its cells has.
            alone = _notes(textwrap.dedent(inspect.getsource(table)))
        except (OSError, TypeError, SyntaxError):
            # A class made at run time, or installed without its source, has no notes to read.
            return None
        return alone.get(table.__name__)


def declared(table: type) -> list[str]:
    """Return the names that a class itself, and none above it, annotates, in order."""
    if sys.version_info >= (3, 14):  # which keeps them in a dictionary only where a module asks for strings
        import annotationlib

        return list(annotationlib.get_annotations(table, format=annotationlib.Format.FORWARDREF))
    return list(vars(table).get("__annotations__", {}))


@cache
def _notes(source: str) -> dict[str, dict[str, str]]:
    """Return the strings below the fields of each class of a source, by the class's qualified name."""
    found: dict[str, dict[str, str]] = {}
    pending: list[tuple[str, ast.AST]] = [("", ast.parse(source))]
    while pending:
        prefix, node = pending.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                found[prefix + child.name] = _class_notes(child)
                pending.append((f"{prefix}{child.name}.", child))
            elif isinstance(child, ast.FunctionDef):
                pending.append((f"{prefix}{child.name}.<locals>.", child))
            else:
                pending.append((prefix, child))
    return found


def _class_notes(node: ast.ClassDef) -> dict[str, str]:
    notes: dict[str, str] = {}
    for statement, below in itertools.pairwise(node.body):
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        if (
            isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        ):
            notes[statement.target.id] = " ".join(below.value.value.split())
    return notes
