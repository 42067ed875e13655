"""The tables and keys of the language, where each stands in a document, and what a name refers to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from specnet.cli.vocabulary import NAME, FamilyEntry, families
from specnet.diagnostics.text import joined, plural
from specnet.language.spec import Spec
from specnet.language.suggestions import meant_key, sure_kind
from specnet.vocabulary.describe import FieldDescription, describe
from specnet.vocabulary.domain import Domain, domains
from specnet.vocabulary.family import Family
from specnet.vocabulary.kind import Kind, Table

Path = tuple[str, ...]


def header(path: Path, *, several: bool) -> str:
    """Return the line that opens a table of a document, or one of an array of tables."""
    keys = ".".join(map(toml_key, path))
    return f"[[{keys}]]" if several else f"[{keys}]"


def toml_key(key: str) -> str:
    """Return a key as TOML writes it: in quotes where there is a point in it."""
    return f'"{key}"' if "." in key else key


@dataclass(frozen=True, slots=True)
class TableEntry:
    """A table of the language, and where a document has it."""

    table: type[Table]
    entry: FamilyEntry | None
    """The family of the kind that it is or that it belongs to."""
    paths: tuple[Path, ...]
    """The keys that lead to it, where it is not a kind; `NAME` stands for any name."""
    kinds: tuple[str, ...] = ()
    """The kinds that it belongs to, where not all of their family have it."""
    several: bool = False
    """Whether it is one of an array of tables."""

    @property
    def place(self) -> str:
        """The place as a document writes it; empty for the document itself."""
        if self.is_kind:
            assert self.entry is not None
            return self.entry.place
        headers = joined([header(path, several=self.several) for path in self.paths if path] or [""])
        return f"{headers} of {joined(self.kinds)}" if self.kinds else headers

    @property
    def is_kind(self) -> bool:
        """Whether it is one of the kinds of a family."""
        return issubclass(self.table, Kind)


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the language: a field of a table."""

    table: TableEntry
    field: FieldDescription

    @property
    def dotted(self) -> str:
        """The name that it alone has: `training.epochs`, `dense.units`."""
        first = (describe(self.table.table).name,) if self.table.is_kind else self.table.paths[0]
        return ".".join((*first, self.field.name))


@dataclass(frozen=True, slots=True)
class Found:
    """What a name refers to: any number of kinds, families and keys."""

    kinds: list[tuple[FamilyEntry, type[Kind]]]
    keys: list[list[Key]]
    """Keys with the same description are together."""
    families: list[FamilyEntry]

    def __bool__(self) -> bool:
        return bool(self.kinds or self.keys or self.families)


def parts(domain: Domain, *, named: bool = False) -> Iterator[tuple[Domain, bool]]:
    """Yield the domains of which a domain is made, and whether the document chooses a name before each."""
    if domain.items is not None:
        yield from parts(domain.items, named=named or domain.form == "map")
    elif domain.members:
        for member in domain.members:
            yield from parts(member, named=named)
    else:
        yield domain, named


def tables_of(domain: Domain) -> list[type[Table]]:
    """Return the tables that stand in a field, those of families apart."""
    return [leaf.table for leaf, _ in parts(domain) if leaf.table is not None]


def family_of(domain: Domain) -> Family[Kind] | None:
    """Return the family that a field names kinds of."""
    return next((leaf.family for leaf, _ in parts(domain) if leaf.family is not None), None)


def shared_fields(family: Family[Kind]) -> list[FieldDescription]:
    """Return the fields that all kinds of a family have from their base; one may have a docstring of its own for it."""
    found: dict[str, FieldDescription] = {}
    for kind in family:
        for field in describe(kind).fields:
            if (field.owner,) == family.bases:
                found.setdefault(field.name, field)
    return list(found.values())


class Language:
    """All that a document may contain, found by walking from the document's own class."""

    def __init__(self) -> None:
        self.families = families()
        self._entries = {entry.family.name: entry for entry in self.families}
        self._reached: dict[type[Table], list[tuple[Path, type[Kind] | None]]] = {}
        self._kinds: dict[type[Kind], FamilyEntry] = {}
        self._several: set[type[Table]] = set()
        self._reach(Spec, (), None)

    def _reach(self, table: type[Table], path: Path, kind: type[Kind] | None) -> None:
        there = self._reached.setdefault(table, [])
        there.append((path, kind))
        if len(there) > 1:
            return
        for name, domain in domains(table).items():
            for leaf, named in parts(domain):
                if leaf.table is not None:
                    if domain.form == "array":
                        self._several.add(leaf.table)
                    self._reach(leaf.table, (*path, name, *((NAME,) if named else ())), kind)
                if leaf.family is None:
                    continue
                entry = self._entries[leaf.family.name]
                for each in leaf.family:
                    if each not in self._reached:
                        self._kinds[each] = entry
                        self._reach(each, entry.path or (), each)

    @cached_property
    def tables(self) -> dict[type[Table], TableEntry]:
        """Every table that a document can have, those that are not kinds first."""
        found = {}
        for table, reached in self._reached.items():
            kinds = [kind for _, kind in reached if kind is not None]
            entry = self._kinds[kinds[0]] if kinds else None
            some = entry is not None and len(set(kinds)) < len(entry.family.kinds)
            names = tuple(dict.fromkeys(describe(kind).name for kind in kinds)) if some else ()
            paths = tuple(dict.fromkeys(path for path, _ in reached))
            found[table] = TableEntry(table, entry, paths, names, table in self._several)
        return dict(sorted(found.items(), key=lambda item: item[1].is_kind))

    @cached_property
    def keys(self) -> list[Key]:
        """Every key of every table."""
        return [Key(entry, field) for entry in self.tables.values() for field in describe(entry.table).fields]

    def find(self, name: str) -> Found:
        """Return what a name refers to: a kind, a family, a key, or a path such as `training.epochs` or `dense.units`.

        Brackets and indices of arrays are ignored: `[[layers]]`, `layers.0.units`.
        """
        path = _segments(name)
        if not path:
            return Found([], [], [])
        called = [kind for kind in self._kinds if describe(kind).name == path[0]]
        kinds, hits = self._follow(Spec, path)
        for kind in called:
            if len(path) == 1:
                kinds.append(kind)
            else:
                more, below = self._follow(kind, path[1:])
                kinds, hits = kinds + more, hits + below
        if len(path) == 1 or not (kinds or hits):
            for table in self.tables:
                more, below = self._follow(table, path)
                kinds, hits = kinds + more, hits + below
        keys = self._grouped(hits)
        named = {family_of(group[0].field.domain) for group in keys}
        word = name.strip().lower()
        asked = [
            entry
            for entry in self.families
            if word in (entry.family.name, plural(entry.family.name)) and entry.family not in named
        ]
        return Found([(self._kinds[kind], kind) for kind in dict.fromkeys(kinds)], keys, asked)

    def _follow(
        self, table: type[Table], path: Path
    ) -> tuple[list[type[Kind]], list[tuple[type[Table], str]]]:
        """Return the kinds and the fields to which a path leads from a table."""
        name, rest = path[0], path[1:]
        domain = domains(table).get(name)
        if domain is None or (name == "type" and issubclass(table, Kind)):
            return [], []
        if not rest:
            return [], [(table, name)]
        kinds: list[type[Kind]] = []
        hits: list[tuple[type[Table], str]] = []
        for leaf, named in parts(domain):
            if named and leaf.table is not None:
                chosen = rest[1:] if rest[0] not in leaf.table.model_fields or len(rest) > 1 else rest
                below = self._follow(leaf.table, chosen)[1] if chosen else [(table, name)]
                hits += below or self._follow(leaf.table, rest)[1]
            elif leaf.table is not None:
                hits += self._follow(leaf.table, rest)[1]
            family: Iterable[type[Kind]] = leaf.family or ()
            for kind in family:
                if rest[0] != describe(kind).name:
                    hits += self._follow(kind, rest)[1]
                elif len(rest) == 1:
                    kinds.append(kind)
                else:
                    hits += self._follow(kind, rest[1:])[1]
        return kinds, hits

    def _grouped(self, hits: Iterable[tuple[type[Table], str]]) -> list[list[Key]]:
        groups: dict[object, list[Key]] = {}
        for table, name in dict.fromkeys(hits):
            field = next(field for field in describe(table).fields if field.name == name)
            key = Key(self.tables[table], field)
            place = key.table.place
            groups.setdefault((name, field.text, field.takes, place), []).append(key)
        return list(groups.values())

    def meant(self, name: str) -> str | None:
        """Return the name that a misspelled one, or one of another library, probably means."""
        path = _segments(name)
        for count in range(len(path) - 1, 0, -1):
            before = ".".join(path[:count])
            below = self._below(self.find(before))
            if below:
                meant = meant_key(path[count], below)
                return f"{before}.{meant}" if meant else None
        word = path[-1] if path else ""
        for entry in self.families:
            sure = sure_kind(word, entry.family.name, entry.family.kinds)
            if sure:
                return sure
        names = [kind for entry in self.families for kind in entry.family.kinds]
        return meant_key(word, [*names, *dict.fromkeys(key.field.name for key in self.keys)])

    def _below(self, found: Found) -> list[str]:
        """Return the names that may follow a name and a dot."""
        tables: list[type[Table]] = [kind for _, kind in found.kinds]
        names: list[str] = []
        for group in found.keys:
            for leaf, _ in parts(group[0].field.domain):
                tables += [leaf.table] if leaf.table is not None else leaf.family or []
                names += leaf.family.kinds if leaf.family is not None else []
        return list(dict.fromkeys([*(f.name for table in tables for f in describe(table).fields), *names]))


def _segments(name: str) -> Path:
    steps = re.sub(r"[\[\]\s]", "", name).split(".")
    return tuple(step for step in steps if step and not step.isdecimal())
