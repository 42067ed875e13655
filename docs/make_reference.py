"""Write the two reference pages from the source.

docs/reference.md is made from the docstrings of the Python interface, docs/language.md from the classes that read
documents.

    python docs/make_reference.py            # rewrite the pages
    python docs/make_reference.py --check    # change nothing; exit with 1 where a page differs
"""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from pages import ROOT, is_check, update

import specnet
from specnet.cli.docs_markdown import inline, page, prose
from specnet.cli.keys import Language
from specnet.vocabulary.notes import notes_of

HEAD = """\
# The Python interface

All names of `specnet`, `specnet.sklearn` and `specnet.notebook`, made from their docstrings by \
`python docs/make_reference.py`. [In your own program](embedding.md) shows them at work."""

FURTHER = {
    "specnet.training.history": ("History",),
    "specnet.analysis.importance": ("ColumnImportance", "PartialDependence"),
    "specnet.analysis.verdict": ("Verdict",),
    "specnet.diagnostics.diagnostic": ("Label", "Fix", "Edit", "TextSpan", "Position"),
    "specnet.analysis.traced": ("TracedStep", "TracedLayer", "TracedLine", "TracedParameter"),
}
"""Classes without a name in `specnet` whose objects are parts of those that have one."""

INTERFACE = ("specnet.api", "specnet.finished")
"""The modules of functions, in the order of the page."""

ALIASES = {"specnet.language.loading": ("Document",), "specnet.language.overrides": ("Overrides",)}
"""Names that stand in signatures for several types."""

WIDTH = 100
"""Columns of a signature that stays on one line."""

SPECIAL = ("__bool__", "__len__", "__str__", "__iter__", "__getitem__", "__call__")
"""Methods that are called by other means than their names."""


def reference() -> str:
    """Return the page of the Python interface."""
    names = {name: getattr(specnet, name) for name in specnet.__all__}
    aliases = {name: get_args(names[name]) for name in ("Event", "SweepEvent")}
    events = [event for each in aliases.values() for event in each]
    functions = [made for made in names.values() if inspect.isfunction(made)]
    # Those that another module defines, as `load`, and then the others in the order of the interface's source.
    functions.sort(
        key=lambda made: ((made.__module__ in INTERFACE, made.__module__), made.__code__.co_firstlineno)
    )
    classes = [made for made in names.values() if inspect.isclass(made)]
    errors = sorted(
        (made for made in classes if issubclass(made, Exception)), key=lambda made: len(made.__mro__)
    )
    sent = [made for made in classes if made in events or made.__name__ == "Span"]
    others = [made for made in classes if made not in errors and made not in sent]
    written = [*functions, *classes, *aliases, names["__version__"]]
    assert len(written) == len(names), "a name of specnet is of no known kind"
    alias = "\n\n".join(
        f"`specnet.{name}` is {' | '.join(f'`{event.__name__}`' for event in own)}."
        for name, own in aliases.items()
    )
    return (
        "\n\n".join(
            [
                HEAD,
                "`specnet.__version__` is the version, a string.",
                "## Functions",
                *(entry(function, "specnet") for function in functions),
                "## Types in signatures",
                *(
                    aliased(importlib.import_module(home), name)
                    for home, names in ALIASES.items()
                    for name in names
                ),
                "## Classes",
                *(entry(made, "specnet") for made in others),
                "## Events",
                alias,
                *(entry(made, "specnet") for made in sent),
                "## Errors",
                *(entry(made, "specnet") for made in errors),
                *module("specnet.sklearn"),
                *module("specnet.notebook"),
                "## Parts of results",
                "Classes that have no name in `specnet`; these are their attributes and methods.",
                *(entry(made, home) for home, made in further()),
            ]
        )
        + "\n"
    )


def module(name: str) -> list[str]:
    """Return the sections of a module with all its public names."""
    made = importlib.import_module(name)
    return [
        f"## {name}",
        prose(documented(made, name)),
        *(entry(getattr(made, each), name) for each in made.__all__),
    ]


def further() -> Iterator[tuple[str, type]]:
    """Yield the classes of `FURTHER` with their modules."""
    for home, names in FURTHER.items():
        for name in names:
            yield home, getattr(importlib.import_module(home), name)


def entry(made: Any, home: str) -> str:
    """Return the section of a function or a class."""
    name = f"{home}.{made.__name__}"
    parts = [f"### `{name}`"]
    if inspect.isfunction(made):
        return "\n\n".join([*parts, signature(made, name), prose(documented(made, name))])
    if is_called(made):
        parts.append(signature(made, name))
    parts.append(prose(documented(made, name)))
    attributes = [*fields(made), *properties(made)]
    if attributes:
        parts.append("\n".join(attributes))
    for method, function in methods(made):
        parts += [
            f"#### `{made.__name__}.{method}`",
            signature(function, f"{method}"),
            prose(documented(function, method)),
        ]
    return "\n\n".join(parts)


def is_called(made: type) -> bool:
    """Return whether programs make objects of a class themselves."""
    return made.__module__ in ("specnet.sklearn", "specnet.notebook")


def aliased(home: ModuleType, name: str) -> str:
    """Return what a name stands for, from its statement and the string below it."""
    assert home.__file__ is not None
    body = ast.parse(Path(home.__file__).read_text(encoding="utf-8")).body
    for statement, below in itertools.pairwise(body):
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == name:
            assert isinstance(below, ast.Expr)
            assert isinstance(below.value, ast.Constant)
            return f"`{ast.unparse(statement)}`: {inline(' '.join(str(below.value.value).split()))}"
    raise ValueError(f"{home.__name__} has no {name}")


def documented(made: object, name: str) -> str:
    """Return a docstring; there must be one."""
    text = inspect.getdoc(made)
    if not text:
        raise ValueError(f"{name} has no docstring")
    return text


def signature(made: Callable[..., Any], name: str) -> str:
    """Return a signature as the source has it, with one parameter a line where it is long."""
    found = inspect.signature(made)
    marks: list[str] = []
    keyword = False
    for parameter in found.parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword:
            keyword = True
            marks.append("*")
        marks.append(shown(parameter))
    end = "" if found.return_annotation in (found.empty, "None") else f" -> {found.return_annotation}"
    line = f"{name}({', '.join(marks)}){end}"
    if len(line) > WIDTH:
        line = f"{name}(\n" + "".join(f"    {mark},\n" for mark in marks) + f"){end}"
    return f"```python\n{line}\n```"


def shown(parameter: inspect.Parameter) -> str:
    """Return a parameter as a signature has it."""
    lead = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    text = lead + parameter.name
    if parameter.annotation is not parameter.empty:
        text += f": {parameter.annotation}"
    if parameter.default is parameter.empty:
        return text
    default = getattr(parameter.default, "__qualname__", None)
    module_name = getattr(parameter.default, "__module__", "")
    return f"{text} = {f'{module_name}.{default}' if default else repr(parameter.default)}"


def own(made: type) -> list[type]:
    """Return a class and its bases in the package, the bases first."""
    return [base for base in reversed(made.__mro__) if base.__module__.startswith("specnet.")]


def fields(made: type) -> Iterator[str]:
    """Yield the attributes that a class declares, or sets with a string below; each must have a description."""
    for base in own(made):
        notes = notes_of(base) or {}
        for name, annotation in inspect.get_annotations(base).items():
            if name.startswith("_") or "ClassVar" in str(annotation) or name == "model_config":
                continue
            if name not in notes:
                raise ValueError(f"{made.__name__}.{name} has no description")
            yield f"- **`{name}`** (`{plain(str(annotation))}`): {inline(notes[name])}"
        for name, note in assigned(base):
            yield f"- **`{name}`**: {inline(note)}"


def plain(annotation: str) -> str:
    """Return an annotation without the constraints of documents, which the reference of the language has."""
    tree = ast.parse(annotation, mode="eval")

    class Bare(ast.NodeTransformer):
        def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
            self.generic_visit(node)
            if ast.unparse(node.value) == "Annotated" and isinstance(node.slice, ast.Tuple):
                return node.slice.elts[0]
            return node

    return ast.unparse(Bare().visit(tree))


def assigned(made: type) -> Iterator[tuple[str, str]]:
    """Yield the attributes that methods set with a string below."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(made))).body
    assert isinstance(tree, ast.ClassDef)
    for method in tree.body:
        body = method.body if isinstance(method, ast.FunctionDef) else []
        for statement, below in itertools.pairwise(body):
            if not isinstance(below, ast.Expr) or not isinstance(below.value, ast.Constant):
                continue
            target = statement.targets[0] if isinstance(statement, ast.Assign) else None
            target = statement.target if isinstance(statement, ast.AnnAssign) else target
            if isinstance(target, ast.Attribute):
                yield target.attr, " ".join(str(below.value.value).split())


def properties(made: type) -> Iterator[str]:
    """Yield the properties of a class."""
    for base in own(made):
        for name, member in vars(base).items():
            if isinstance(member, property) and not name.startswith("_"):
                returned = inspect.signature(member.fget).return_annotation  # type: ignore[arg-type]
                note = " ".join(documented(member, f"{made.__name__}.{name}").split())
                yield f"- **`{name}`** (`{returned}`): {inline(note)}"


def methods(made: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the methods of a class that programs may call."""
    for base in own(made):
        for name, member in vars(base).items():
            function = member.__func__ if isinstance(member, classmethod | staticmethod) else member
            if not inspect.isfunction(function) or function.__module__ != base.__module__:
                continue
            if not name.startswith("_") or (name in SPECIAL and function.__doc__):
                yield name, getattr(made, name)


PAGES = {
    "docs/reference.md": reference,
    "docs/language.md": lambda: page(Language()),
}


def main(arguments: list[str]) -> int:
    """Make or check the pages; return the exit code."""
    check = is_check(arguments, __doc__)
    if check is None:
        return 2
    made = ((ROOT / name, make()) for name, make in PAGES.items())
    return update(made, check=check, script="make_reference.py")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
