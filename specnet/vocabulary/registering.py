"""What a class of another package must be, so that documents can name it."""

from __future__ import annotations

import re
from typing import Literal, TypeGuard, get_args, get_origin

from pydantic.errors import PydanticUndefinedAnnotation

from specnet.diagnostics.text import article, joined, listed
from specnet.vocabulary.kind import Kind, Table

SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


class KindClashError(ValueError):
    """Two classes claim the same name in one family."""


def check_kind(kind: object, bases: tuple[type[Kind], ...], family: str) -> str:
    """Return the `type` of a class that is to be a kind of a family.

    Raises TypeError for what is not a complete subclass of a base of the family, and ValueError where its `type` is not
    snake_case, or it lacks a description.
    """
    if not is_class_of(kind, bases) or kind in bases:
        names = joined(list(map(called, bases)), "or")
        raise TypeError(f"{called(kind)} is not {article(family)}: it must be a subclass of {names}")
    missing = sorted(getattr(kind, "__abstractmethods__", ()))
    if missing:
        raise TypeError(f"{called(kind)} does not define {listed(missing, 8)}, as every {family} must")
    _complete(kind)
    name = _type_of(kind)
    if not (kind.__doc__ or "").strip():
        raise ValueError(f"{called(kind)} has no docstring, which is its description in the reference")
    bare = undocumented(kind, bases)
    if bare:
        raise ValueError(f"{called(kind)}: no string below {listed(bare, 8)} says what the field is")
    return name


def is_class_of(kind: object, bases: tuple[type[Kind], ...]) -> TypeGuard[type[Kind]]:
    """Return whether something is a class of the family that has these bases, which are included."""
    return isinstance(kind, type) and issubclass(kind, bases)


def called(kind: object) -> str:
    """Return how messages call a class."""
    return f"{kind.__module__}.{kind.__qualname__}" if isinstance(kind, type) else repr(kind)


def _complete(kind: type[Kind]) -> None:
    """Resolve the annotations of a class whose fields name what is defined below it."""
    if kind.__pydantic_fields_complete__:
        return
    try:
        kind.model_rebuild()
    except PydanticUndefinedAnnotation as error:
        raise TypeError(
            f"{called(kind)} has a field whose annotation names the unknown `{error.name}`"
        ) from error


def _type_of(kind: type[Kind]) -> str:
    field = kind.model_fields["type"]
    names = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    if len(names) != 1 or field.default != names[0] or not isinstance(names[0], str):
        raise TypeError(f'{called(kind)} has no type of its own: write type: Literal["my_kind"] = "my_kind"')
    name: str = names[0]
    if not SNAKE_CASE.fullmatch(name):
        raise ValueError(f"{called(kind)}: the type `{name}` is not snake_case")
    return name


def undocumented(kind: type[Table], bases: tuple[type[Table], ...]) -> list[str]:
    """Return the fields of a class, beyond those of its family's bases, that no string describes.

    Where the source of the class cannot be read, as at a prompt, there is nothing to say of them.
    """
    from specnet.vocabulary.notes import declared, notes_of

    above = {each for base in bases for each in base.__mro__}
    classes = [each for each in kind.__mro__ if issubclass(each, Table) and each not in above]
    notes = {each: notes_of(each) for each in classes}
    if None in notes.values():
        return []
    described = {name for found in notes.values() for name in found or ()}
    own = {name for each in classes for name in declared(each)}
    common = {name for base in bases for name in base.model_fields}
    return [name for name in kind.model_fields if name in own - described - common]
