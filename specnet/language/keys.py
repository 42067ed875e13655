"""Keys that a table does not have, and keys that it lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from specnet.diagnostics import Diagnostic, Edit, Fix, KeyPath
from specnet.diagnostics.text import clipped, listed, plural
from specnet.language.advice import advice
from specnet.language.resolve import ABSENT, Resolved, resolve, table_of
from specnet.language.suggestions import certain_key, meant_key
from specnet.language.wording import dotted, shown_key
from specnet.vocabulary.describe import describe
from specnet.vocabulary.domain import Domain, default_of, domains, members
from specnet.vocabulary.kind import Kind, Table


def unknown_faults(
    model: type[Table],
    data: dict[str, Any],
    path: KeyPath,
    places: Sequence[Resolved],
    missing: Sequence[str],
    overridden: Sequence[KeyPath] = (),
) -> tuple[list[Diagnostic], list[str]]:
    """Return the findings about a table's unknown keys, and the missing keys that none of them explains.

    `overridden` are the key paths that flags have set: their keys may be meant to be keys that the document has.
    """
    found: list[Diagnostic] = []
    left = list(missing)
    taken: set[str] = set()
    value = resolve(model, data, path).value
    given = value if isinstance(value, dict) else {}
    for place in places:
        key, table = str(place.path[-1]), place.owner
        if table is None:
            found.append(
                Diagnostic("SN202", f"`{clipped(key)}` is not a key here", path=place.path, part="key")
            )
            continue
        flag = any(place.path == each[: len(place.path)] for each in overridden)
        free = [name for name in table.model_fields if name not in taken and (flag or name not in given)]
        message = f"`{clipped(key)}` is not a field of {owner_name(path, table)}"
        help = advice(key, path, table)
        if help is not None:
            found.append(Diagnostic("SN202", message, path=place.path, part="key", help=help))
            continue
        meant = meant_key(key, left)
        if meant is None and not flag and (*path, "type") in overridden:
            help = f"set {shown_key(path)} and not its `type` to replace all of its keys"
            found.append(Diagnostic("SN202", message, path=place.path, part="key", help=help))
            continue
        kinds = _kinds_with(key, resolve(model, data, path).domains) if meant is None else []
        if kinds and meant_key(key, free) is None:
            none = "" if _settings(table) else f"{owner_name(path, table)} takes no settings; "
            help = f"{none}`{key}` is a field of {listed(kinds, 5)}"
            found.append(Diagnostic("SN202", message, path=place.path, part="key", help=help))
            continue
        home = None if meant is not None else _home(model, data, path, key)
        meant = meant or (meant_key(key, free) if home is None else None)
        home = home or (_home(model, data, path, key, exactly=False) if meant is None else None)
        if meant is not None:
            message += f"; did you mean `{meant}`?"
            left = [name for name in left if name != meant]
            taken.add(meant)
        elif home is not None:
            message += f"; {_as_there(key, home[1])} belongs in {_table_name(home[0])}"
        elif key == "$schema":
            help = "a TOML document names its schema in a comment: #:schema ./specnet.schema.json"
        else:
            help = f"{owner_name(path, table)} takes {_names(table)}"
        sure = meant is not None and meant == certain_key(key, free)
        fix = Fix(f"rename the key to `{meant}`", (Edit(str(meant), place.path, "key"),)) if sure else None
        found.append(Diagnostic("SN202", message, path=place.path, part="key", help=help, fix=fix))
    return found, left


def _kinds_with(key: str, domains: Sequence[Domain]) -> list[str]:
    """Return the kinds, of the families that a table may be of, that have a field of this name."""
    families = [domain.family for domain in domains if domain.family is not None]
    return [name for family in families for name in family.kinds if key in family.kinds[name].model_fields]


def missing_faults(data: dict[str, Any], path: KeyPath, places: Sequence[Resolved]) -> list[Diagnostic]:
    """Return the findings about the keys that a table lacks."""
    return [_missing(data, path, place) for place in places]


def owner_name(path: KeyPath, table: type[Table]) -> str:
    """Return what a table is called in a sentence: its kind, or its key."""
    if issubclass(table, Kind):
        return str(table.model_fields["type"].default)
    return shown_key(path) if path else "a spec"


def _missing(data: dict[str, Any], path: KeyPath, place: Resolved) -> Diagnostic:
    key, table = str(place.path[-1]), place.owner
    if place.path == ("specnet",):
        message = "`specnet` is missing: it says which version of the language the document is in"
        return Diagnostic("SN201", message, path=place.path, part="table", help="begin with specnet = 1")
    owner = owner_name(path, table) if table is not None else "its table"
    message = f"`{key}` is missing: {owner} needs it"
    help_ = None
    if table is not None:
        help_ = _what(table, key)
    given = _at(data, path)
    if isinstance(given, str):
        help_ = f'a bare name has no fields: write {{ type = "{clipped(given)}", {key} = ... }}'
    return Diagnostic("SN203", message, path=place.path, part="table", help=help_)


def _what(table: type[Table], key: str) -> str | None:
    """Return what a field means and takes."""
    field = next((f for f in describe(table).fields if f.name == key), None)
    if field is None:
        return None
    family = field.domain.family
    names = listed(sorted(family.kinds), 24, mark="") if family is not None else ""
    takes = f"{plural(family.name)}: {names}" if family is not None else field.takes
    if field.text and field.domain.form == "union":
        return _lower(field.text)
    return f"{_lower(field.text)}; {takes}" if field.text else takes


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:].rstrip(".") if text[1:2].islower() else text.rstrip(".")


def _at(data: Any, path: KeyPath) -> Any:
    for step in path:
        if isinstance(data, dict):
            data = data.get(step, ABSENT)
        elif isinstance(data, list | tuple) and isinstance(step, int):
            data = data[step]
    return data


def _names(table: type[Table]) -> str:
    return listed(_settings(table), 24, mark="") or "no settings"


def _settings(table: type[Table]) -> list[str]:
    return [name for name in table.model_fields if name != "type" or not issubclass(table, Kind)]


def _table_name(path: KeyPath) -> str:
    return f"[{dotted(path)}]" if path else "the document's top, before the first [table]"


def _as_there(key: str, name: str) -> str:
    return "it" if key == name else f"`{name}`"


Home = tuple[KeyPath, str]
"""A table, and a field of it."""


def _home(
    model: type[Table], data: dict[str, Any], path: KeyPath, key: str, *, exactly: bool = True
) -> Home | None:
    """Return the table, nearest first, that has a field of this name, or one that it probably means.

    Tables in arrays, such as layers, are not searched.
    """
    homes: list[Home] = []
    for place, table in _tables(Domain("table", table=model), data, ()):
        name = (key if key in table.model_fields else None) if exactly else meant_key(key, table.model_fields)
        if name is not None and name != "type" and place != path:
            homes.append((place, name))
    return min(homes, key=lambda home: (-_common(home[0], path), len(home[0])), default=None)


def _common(a: KeyPath, b: KeyPath) -> int:
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _tables(domain: Domain, data: Any, path: KeyPath) -> Iterator[tuple[KeyPath, type[Table]]]:
    """Yield the tables that a document has or may have, but for those in arrays."""
    for member in members(domain):
        table = table_of(member, data)
        if table is None:
            continue
        yield path, table
        for name, below in domains(table).items():
            inner = data.get(name, ABSENT) if isinstance(data, dict) else ABSENT
            if inner is ABSENT:
                # What is left out is as good as written with its default.
                inner = default_of(table.model_fields[name])
            if len(path) < 3:
                yield from _tables(below, inner, (*path, name))
