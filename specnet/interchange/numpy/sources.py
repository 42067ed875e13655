"""Copy the source of host code into a program that needs NumPy alone.

What is not in a graph (how a metric's sums become a figure, how rows are augmented, how a line is searched) is written
once, in methods and functions over plain arrays. A program contains their text, without annotations, with the values
of an object's settings in the place of `self.setting`, and with all functions, classes and constants that they use.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import json
import re
import sys
import textwrap
from collections.abc import Callable, Mapping
from functools import partial
from types import FunctionType, MethodType, ModuleType
from typing import Any

from specnet.diagnostics import RunError
from specnet.diagnostics.segments import escaped
from specnet.interchange.numpy.program import Program

CHECKPOINTS = {"state", "resume"}
"""Methods that a program has no use for."""


class Sources:
    """Copies functions, methods and classes of this package, and of those that add kinds, into a program, each once."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._copied: dict[Any, str] = {}
        """The name of what has been copied, by what it is, or for methods by their text."""
        self._packages: set[str] = set()
        """The packages that it has copied from, whose functions it copies, too."""

    def copy(self, what: Callable[..., Any]) -> str:
        """Return the name under which a program has a function, a class, or a method of an object.

        Raises RunError where it is not made of what a program can hold.
        """
        if what in self._copied:
            return self._copied[what]
        return self._hold(what, self._text(what))

    def call(self, what: Callable[..., Any]) -> Callable[..., str]:
        """Return what writes calls of a function of a dictionary: from its values by name, and other arguments.

        A function that does nothing but return an expression is not copied: that expression is written for a call.
        Raises RunError as `copy` does.
        """
        text = self._text(what)
        match ast.parse(text).body[0]:
            case ast.FunctionDef(args=arguments, body=[ast.Expr(), ast.Return(value=ast.expr() as value)]):
                names = [argument.arg for argument in arguments.args]
                return partial(_written_out, ast.unparse(value), names)
        return partial(_called, self._hold(what, text))

    def _text(self, what: Callable[..., Any]) -> str:
        """Return the source of a function, a class or a method as a program can have it, and copy what it uses."""
        try:
            source = textwrap.dedent(inspect.getsource(what))
        except (OSError, TypeError) as error:
            raise RunError(f"the source of {what!r} is needed, and cannot be read: {error}") from None
        self._packages.add(_package(what.__module__))
        owner = what.__self__ if isinstance(what, MethodType) else None
        return _Copy(self, source, vars(sys.modules[what.__module__]), owner).text()

    def _hold(self, what: Callable[..., Any], text: str) -> str:
        """Add the text of a function to the program, once, and return its name there."""
        owner = what.__self__ if isinstance(what, MethodType) else None
        wish = what.__name__
        if owner is not None:
            wish = f"{wish.strip('_')}_{getattr(owner, 'type', type(owner).__name__)}"
        if (wish, text) not in self._copied:
            self._copied[wish, text] = self._program.names.new(wish)
            named = re.sub(
                rf"^((?:@.*\n)*(?:def|class) ){what.__name__}\b", rf"\1{self._copied[wish, text]}", text
            )
            self._program.functions.append(named.split("\n"))
        if owner is None:
            self._copied[what] = self._copied[wish, text]
        return self._copied[wish, text]

    def reference(self, name: str, value: Any) -> str:
        """Return what stands in a program for a global name of a package."""
        if isinstance(value, ModuleType):
            return self._module(value, name)
        if isinstance(value, FunctionType | type) and _package(value.__module__) in self._packages:
            return self.copy(value)
        for module in ("math", "dataclasses", "itertools"):
            if vars(importlib.import_module(module)).get(name) is value:
                self._program.modules.add(module)
                return f"{module}.{name}"
        if not _is_plain(value):
            raise RunError(f"`{name}` has no plain form in NumPy")
        if (name, value) not in self._copied:
            self._copied[name, value] = self._program.names.new(name)
            self._program.functions.append([f"{self._copied[name, value]} = {_literal(value)}"])
        return self._copied[name, value]

    def _module(self, module: ModuleType, name: str) -> str:
        if module.__name__ == "numpy":
            return "np"
        if module.__name__ != name or name not in sys.stdlib_module_names:
            raise RunError(
                f"`{module.__name__}` is not in Python's standard library, and a program needs only that and NumPy"
            )
        self._program.modules.add(module.__name__)
        return name


def _called(function: str, given: Mapping[str, str], *others: str) -> str:
    entries = ", ".join(f"{_literal(name)}: {value}" for name, value in given.items())
    return f"{function}({', '.join([f'{{{entries}}}', *others])})"


def _written_out(expression: str, names: list[str], given: Mapping[str, str], *others: str) -> str:
    """Return an expression with values in the place of a dictionary's entries and of the other arguments."""
    values = dict(zip(names[1:], others, strict=True))
    return ast.unparse(_Filled(names[0], given, values).visit(_expression(expression)))


class _Filled(ast.NodeTransformer):
    """Puts expressions in the place of a dictionary's entries and of names."""

    def __init__(self, dictionary: str, given: Mapping[str, str], others: Mapping[str, str]) -> None:
        self._dictionary, self._given, self._others = dictionary, given, others

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        match node:
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str(key))) if (
                name == self._dictionary
            ):
                return _expression(self._given[key])
        self.generic_visit(node)
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return _expression(self._others.get(node.id, node.id))


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


class _Copy:
    """One function or class, and the changes that make it a part of a program."""

    def __init__(self, sources: Sources, source: str, scope: dict[str, Any], owner: Any) -> None:
        self._sources, self._source, self._scope, self._owner = sources, source, dict(scope), owner
        self._content = source.encode()
        self._lines = self._content.split(b"\n")
        self._edits: list[tuple[int, int, bytes]] = []
        """From where to where in the source what is to stand."""

    def text(self) -> str:
        """Return the changed source."""
        (top,) = ast.parse(self._source).body
        self._local = _bound(top)
        self._visit(top)
        content = self._content
        for start, end, new in sorted(self._edits, reverse=True):
            content = content[:start] + new + content[end:]
        text = re.sub(r"  # (noqa|type: ignore).*", "", content.decode())
        return text.rstrip()

    def _visit(self, node: ast.AST, within: ast.AST | None = None) -> None:
        match node:
            case ast.FunctionDef(name=name) if isinstance(within, ast.ClassDef) and name in CHECKPOINTS:
                return self._remove(node)
            case ast.FunctionDef():
                self._signature(node, method=within is None and self._owner is not None)
            case ast.Import() | ast.ImportFrom():
                return self._import(node)
            case ast.AnnAssign():
                self._annotated(node, field=isinstance(within, ast.ClassDef))
            case ast.Attribute() if self._owner is not None and self._attribute(node):
                return None
            case ast.BoolOp(op=ast.Or(), values=[ast.Attribute() as setting, other]) if self._is_unset(
                setting
            ):
                self._edit(self._at(node), self._at(other))
                self._edit(self._end(other), self._end(node))
                return self._visit(other, node)
            case ast.Name(id=name, ctx=ast.Load()) if name not in self._local:
                self._name(node)
        for child in ast.iter_child_nodes(node):
            if child not in (getattr(node, "annotation", None), getattr(node, "returns", None)):
                self._visit(child, node)
        return None

    def _signature(self, function: ast.FunctionDef, *, method: bool) -> None:
        arguments = function.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += [more for more in (arguments.vararg, arguments.kwarg) if more is not None]
        for argument in every:
            if argument.annotation is not None:
                end = self._end(argument.annotation)
                default = self._content.startswith(b" = ", end)
                self._edit(self._at(argument) + len(argument.arg), end + 3 * default, "=" * default)
        if method:
            following = every[1:2]
            self._edit(self._at(every[0]), self._at(following[0]) if following else self._end(every[0]))
        if function.returns is not None:
            end = self._end(function.returns)
            self._edit(self._content.rindex(b" ->", 0, end), end)

    def _annotated(self, node: ast.AnnAssign, *, field: bool) -> None:
        if not field:
            self._edit(self._end(node.target), self._end(node.annotation))
        elif not isinstance(node.annotation, ast.Name) or node.annotation.id not in vars(builtins):
            self._edit(self._at(node.annotation), self._end(node.annotation), "object")

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                found = getattr(importlib.import_module(str(node.module)), alias.name)
            else:
                found = importlib.import_module(alias.name)
            self._scope[alias.asname or alias.name] = found
        self._remove(node)

    def _attribute(self, node: ast.Attribute) -> bool:
        """Put a value or the name of a copied method in the place of `self.name`; return whether it is one."""
        chain: list[ast.Attribute] = []
        root: ast.expr = node
        while isinstance(root, ast.Attribute):
            chain.append(root)
            root = root.value
        if not (isinstance(root, ast.Name) and root.id == "self"):
            return False
        found = self._owner
        for part in reversed(chain):
            found = getattr(found, part.attr)
            if _is_plain(found):
                self._edit(self._at(part), self._end(part), _literal(found))
                return True
            if isinstance(found, MethodType):
                self._edit(self._at(part), self._end(part), self._sources.copy(found))
                return True
        raise RunError(f"{ast.unparse(node)} of {self._owner!r} has no plain form in NumPy")

    def _is_unset(self, node: ast.Attribute) -> bool:
        """Whether a node is `self.setting`, and the setting None."""
        of_self = isinstance(node.value, ast.Name) and node.value.id == "self"
        return of_self and self._owner is not None and getattr(self._owner, node.attr) is None

    def _name(self, node: ast.Name) -> None:
        if node.id in self._scope:
            new = self._sources.reference(node.id, self._scope[node.id])
            if new != node.id:
                self._edit(self._at(node), self._end(node), new)
        elif self._owner is not None and node.id in ("self", "super"):
            raise RunError(f"`{node.id}` as a whole has no plain form in NumPy")

    def _at(self, node: Any) -> int:
        return self._place(node.lineno, node.col_offset)

    def _end(self, node: Any) -> int:
        return self._place(node.end_lineno, node.end_col_offset)

    def _place(self, line: int, column: int) -> int:
        return sum(len(each) + 1 for each in self._lines[: line - 1]) + column

    def _edit(self, start: int, end: int, new: str = "") -> None:
        self._edits.append((start, end, new.encode()))

    def _remove(self, statement: ast.stmt) -> None:
        """Leave a statement's lines out, and an empty one behind them."""
        last = int(statement.end_lineno or statement.lineno)
        behind = last < len(self._lines) and not self._lines[last].strip()
        self._edit(self._place(statement.lineno, 0), self._place(last + 1 + behind, 0))


def _bound(top: ast.AST) -> set[str]:
    """Return the names that a function binds itself."""
    found = {node.arg for node in ast.walk(top) if isinstance(node, ast.arg)} - {"self"}
    found |= {n.id for n in ast.walk(top) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return found | {n.name for n in ast.walk(top) if isinstance(n, ast.FunctionDef | ast.ClassDef)}


def _package(module: str) -> str:
    return module.partition(".")[0]


def _is_plain(value: Any) -> bool:
    """Whether a value can stand in a program."""
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


def _literal(value: Any) -> str:
    return escaped(json.dumps(value, ensure_ascii=False)) if isinstance(value, str) else repr(value)
