"""The reference of a kind, read from its class: the docstring, and the string below each field."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic_core import PydanticUndefined

from specnet.vocabulary.domain import Domain, default_of, domains
from specnet.vocabulary.kind import Kind, Table
from specnet.vocabulary.notes import declared, notes_of
from specnet.vocabulary.wording import words


@dataclass(frozen=True, slots=True)
class FieldDescription:
    """What the reference says of one field."""

    name: str
    text: str
    """The string below it; empty if the class has no source."""
    domain: Domain
    required: bool
    default: Any
    """As a document writes it; None if it has none."""
    owner: type[Table]
    """The class that declares it, which may be a base of the one that has it."""

    @property
    def takes(self) -> str:
        """What it takes, in words."""
        return words(self.domain)


@dataclass(frozen=True, slots=True)
class TableDescription:
    """What the reference says of a kind or another table."""

    name: str
    """Its `type`, or its class's name if it has none."""
    summary: str
    """The docstring's first paragraph, on one line."""
    text: str
    """The whole docstring."""
    fields: tuple[FieldDescription, ...]
    """All fields but a kind's `type`, those of the class itself before those that all kinds of its family have."""


@cache
def describe(table: type[Table]) -> TableDescription:
    """Return what the source of a class says about it and its fields."""
    text = inspect.cleandoc(table.__doc__ or "")
    kind = table.model_fields["type"] if issubclass(table, Kind) else None
    notes: dict[str, str] = {}
    own: dict[str, int] = {}
    for place, base in enumerate(table.__mro__):
        if issubclass(base, Table):
            for name, note in (notes_of(base) or {}).items():
                notes.setdefault(name, note)
            for name in declared(base):
                own.setdefault(name, place)
    fields = [
        FieldDescription(
            name=name,
            text=notes.get(name, ""),
            domain=domain,
            required=table.model_fields[name].is_required(),
            default=_default(table, name),
            owner=table.__mro__[own[name]],
        )
        for name, domain in domains(table).items()
        if name != "type" or not issubclass(table, Kind)
    ]
    fields.sort(key=lambda field: own[field.name])
    name = str(kind.default) if kind is not None else table.__name__
    return TableDescription(name, " ".join(text.split("\n\n")[0].split()), text, tuple(fields))


def _default(table: type[Table], name: str) -> Any:
    value = default_of(table.model_fields[name])
    return None if value is PydanticUndefined else value
