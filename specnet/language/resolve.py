from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from specnet.diagnostics import KeyPath
from specnet.vocabulary.domain import Domain, domains, members
from specnet.vocabulary.kind import Table

ABSENT = object()
"""Stands for a value that the document does not have."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a place that pydantic reports is in the document."""

    path: KeyPath
    """The key path, without the names that pydantic adds for a union's members."""
    domains: tuple[Domain, ...]
    """What the model takes there; several where a union leaves it open, none beyond the model."""
    owner: type[Table] | None
    """The table that the path's last key belongs to."""
    union: KeyPath | None
    """The path of the innermost union that it was tried as a member of."""
    value: Any
    """What the document has there; ABSENT if nothing."""


def resolve(model: type[Table], data: Any, loc: tuple[str | int, ...]) -> Resolved:
    """Return what pydantic's location means, by walking along the model and the data together."""
    path: list[str | int] = []
    here: tuple[Domain, ...] = (Domain("table", table=model),)
    owner: type[Table] | None = None
    union: KeyPath | None = None
    for step in loc:
        if any(domain.form == "union" for domain in here):
            here = tuple(member for domain in here for member in members(domain))
            if isinstance(step, str) and not (isinstance(data, dict) and step in data):
                union = tuple(path)
                continue
        if step == "[key]" and not (isinstance(data, dict) and step in data):
            continue
        tables = [table for domain in here if (table := table_of(domain, data)) is not None]
        owner = next((t for t in tables if step in t.model_fields), tables[0] if tables else None)
        here = tuple(below for domain in here for below in _below(domain, data, step))
        data = _child(data, step)
        path.append(step)
    return Resolved(tuple(path), here, owner, union, data)


def table_of(domain: Domain, data: Any) -> type[Table] | None:
    """Return the class that a value is read as: a family's is the one that the value names."""
    if domain.form == "family" and domain.family is not None:
        name = data.get("type") if isinstance(data, dict) else data
        kind = domain.family.kinds.get(name) if isinstance(name, str) else None
        return kind if kind is None or issubclass(kind, Table) else None
    return domain.table if domain.form == "table" else None


def _below(domain: Domain, data: Any, step: str | int) -> tuple[Domain, ...]:
    if domain.form == "array" and isinstance(step, int):
        if domain.items is not None:
            return (domain.items,)
        return domain.members[step : step + 1]
    if domain.form == "map" and domain.items is not None:
        return (domain.items,)
    table = table_of(domain, data)
    if table is not None and isinstance(step, str):
        found = domains(table).get(step)
        return (found,) if found is not None else ()
    return ()


def _child(data: Any, step: str | int) -> Any:
    if isinstance(data, dict):
        return data.get(step, ABSENT)
    if isinstance(data, list | tuple) and isinstance(step, int) and step < len(data):
        return data[step]
    return ABSENT
