"""All that a document may name, found by walking from the document's own class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from specnet.language.spec import Spec
from specnet.vocabulary.domain import Domain, domains
from specnet.vocabulary.family import Family
from specnet.vocabulary.kind import Kind, Table
from specnet.vocabulary.schedules.scheduled import ScheduledNumber

NAME = "NAME"
"""Stands in a path for a name of the document's own choice."""

FIRST = ("layers", "loss", "metrics", "training", "data")
"""The keys of a document in the order in which a reader asks for them."""


@dataclass(frozen=True, slots=True)
class FamilyEntry:
    """A family, and the place in a document where one of its kinds may stand: the first of those with fewest keys."""

    family: Family[Any]
    field: str
    several: bool
    """Whether the field takes an array of them."""
    path: tuple[str, ...] | None
    """The keys that lead to the field, where it has one place in a document."""
    owner: type[Kind] | None
    """The kind whose field it is, where there may be several of that kind; `above` is that kind's own entry."""
    above: FamilyEntry | None

    @property
    def place(self) -> str:
        """The place as a document writes it: `[[layers]]`, `[training.optimizer]`, `activation` in [[layers]]."""
        if self.path is None:
            assert self.above is not None
            return f"{self.field} in {self.above.place}"
        name = ".".join(self.path)
        if self.bare:
            return f"{name} = [...]"
        return f"[[{name}]]" if self.several else f"[{name}]"

    @property
    def bare(self) -> bool:
        """Whether a document names several in one array, since none of them needs a field."""
        needy = (info.is_required() for kind in self.family for info in kind.model_fields.values())
        return self.several and not any(needy)


def families() -> list[FamilyEntry]:
    """Return every family that a document can reach, each once."""
    found: dict[str, FamilyEntry] = {}
    _walk(Spec, (), None, None, found, set())
    return list(found.values())


def kinds_called(name: str) -> list[tuple[FamilyEntry, type[Kind]]]:
    """Return what goes by a name; several families may have a kind of the same."""
    return [(entry, entry.family.kinds[name]) for entry in families() if name in entry.family.kinds]


def _walk(
    table: type[Table],
    path: tuple[str, ...] | None,
    owner: type[Kind] | None,
    above: FamilyEntry | None,
    found: dict[str, FamilyEntry],
    seen: set[type[Table]],
) -> None:
    if table in seen:
        return
    seen.add(table)
    fields = domains(table)
    names = sorted(fields, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    for name in names if table is Spec else fields:
        deeper = None if path is None else (*path, name)
        if deeper is not None and fields[name].form == "map":
            deeper = (*deeper, NAME)
        for leaf, several in _leaves(fields[name], several=False):
            # What follows a schedule is not the place of schedules.
            if leaf.table is not None and not issubclass(leaf.table, ScheduledNumber):
                _walk(leaf.table, None if several else deeper, owner, above, found, seen)
            if leaf.family is None:
                continue
            entry = FamilyEntry(leaf.family, name, several, deeper, owner, above)
            known = found.setdefault(leaf.family.name, entry)
            if known.path and entry.path and len(entry.path) < len(known.path):
                found[leaf.family.name] = entry
            entry = found[leaf.family.name]
            for kind in leaf.family:
                below = None if several else deeper
                _walk(kind, below, None if below else kind, None if below else entry, found, seen)


def _leaves(domain: Domain, *, several: bool) -> Iterator[tuple[Domain, bool]]:
    if domain.items is not None:
        yield from _leaves(domain.items, several=several or domain.form != "map")
    elif domain.members:
        for member in domain.members:
            yield from _leaves(member, several=several)
    else:
        yield domain, several
